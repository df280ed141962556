"""All readers of this folder: importing it registers them (``rows.READERS``)."""

from audits.controls.reading import branches, deploys, inventoried, merges, overseen, proposed, urgent

__all__ = ["branches", "deploys", "inventoried", "merges", "overseen", "proposed", "urgent"]

"""All readers of this folder: importing it registers them (``rows.READERS``)."""

from audits.controls.reading import branches, deploys, inventoried, merges, overseen, proposed, urgent

MODULES = (merges, branches, deploys, proposed, urgent, inventoried, overseen)

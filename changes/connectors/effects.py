"""Index: what this app delivers for the outbox. Importing it registers the deliverers, once per process."""

from changes.connectors.github import check_run

__all__ = ["check_run"]

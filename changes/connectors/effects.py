"""Index: what this app delivers for the outbox. Importing it registers the deliverers, once per process."""

from changes.connectors import timestamps
from changes.connectors.github import check_run, comments, contents, deployment_gate
from changes.connectors.slack import answers, messages

__all__ = ["answers", "check_run", "comments", "contents", "deployment_gate", "messages", "timestamps"]

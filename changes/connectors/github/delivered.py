"""One delivery of GitHub while it is read."""

from dataclasses import dataclass

from changes.connectors.fields import Fields
from changes.delivery.facts import RepositoryFact


@dataclass
class Delivered:
    """One delivery while it is read."""

    body: Fields
    action: str
    sender_uid: int | None
    sender_login: str | None
    repository: RepositoryFact | None = None
    note: str = ""

"""What became of a delivery."""

from dataclasses import dataclass

from changes.delivery.models import Repository


@dataclass(frozen=True)
class Outcome:
    """State for the inbox page, a note in words, and the repository whose picture has moved."""

    state: str
    note: str = ""
    repository_name: str = ""
    repository: Repository | None = None

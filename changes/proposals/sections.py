"""The sections of a proposal's text, in their order, and what pages call them. Pure."""

from collections.abc import Mapping
from typing import Any

SECTIONS: dict[str, str] = {
    "title": "Title",
    "why": "Why",
    "what": "What changes",
    "tested": "How it is tested",
    "rollback": "How to undo it",
    "target_release": "Release to go back to",
    "snapshot": "Snapshot and restore",
    "data_loss": "Expected data loss",
}
TEXT_FIELDS: tuple[str, ...] = tuple(SECTIONS)


def texts_of(row: Any) -> dict[str, str]:
    """The texts of a revision, or of anything with these attributes."""
    return {name: str(getattr(row, name)) for name in TEXT_FIELDS}


def texts_in(given: Mapping[str, Any]) -> dict[str, str]:
    """The texts in a mapping; what is missing is empty. NUL characters, which the database cannot keep, are left out."""
    return {name: str(given.get(name) or "").replace("\x00", "") for name in TEXT_FIELDS}

"""A paper as PDF. The library behind it is loaded with the first one: idle programs would carry it for nothing."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.paper import Paper


def paper_of(*, title: str, mark: str, subject: str = "") -> "Paper":
    """A new paper. ``mark`` stands at the foot of each page, ``subject`` in the file's properties."""
    made: Paper = import_module("portal.paper").Paper(title, mark, subject=subject)
    return made

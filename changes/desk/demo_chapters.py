"""What the apps above this one add to the demo company once its week is over. They register here, as they do for the inbox."""

from collections.abc import Callable
from datetime import datetime

Chapter = Callable[[datetime], None]
_chapters: list[Chapter] = []


def chapter(function: Chapter) -> Chapter:
    """Register a function that adds to the demo company; it gets the present moment, and changes nothing a second time."""
    if function not in _chapters:
        _chapters.append(function)
    return function


def tell_chapters(*, at: datetime) -> None:
    """Everything that was registered, in that order."""
    for function in _chapters:
        function(at)

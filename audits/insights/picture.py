"""One picture of the page: its finding, its drawing or its bars, and the same numbers as a table. Pure."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils.safestring import SafeString

from portal.ui.components.words import duration

NOTHING = SafeString("")


@dataclass(frozen=True)
class Bar:
    """A horizontal bar with its words: "3 of 6"."""

    label: str
    value: float
    total: float
    words: str
    tone: str = "accent"
    href: str = ""


@dataclass(frozen=True)
class Picture:
    """``title`` states the finding, ``words`` say what is shown. Where numbers lack, ``missing`` says what it needs."""

    code: str
    title: str
    words: str
    drawing: SafeString = NOTHING
    bars: tuple[Bar, ...] = ()
    table: SafeString = NOTHING
    href: str = ""
    missing: str = ""
    legend: tuple[tuple[str, str], ...] = field(default=())
    """Classes of the keys with their words."""


def percent(share: float | None) -> str:
    """A share as "12 %", with one decimal below ten; a dash where it is unknown."""
    if share is None:
        return "–"
    size = share * 100
    return f"{size:.1f} %" if 0 < size < 10 else f"{size:.0f} %"


def length(value: timedelta | None) -> str:
    """A duration in its two largest units; a dash where it is unknown."""
    return duration(value) if value is not None else "–"

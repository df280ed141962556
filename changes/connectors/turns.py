"""Whose turn it is: things that are read one by one over several runs, those that waited longest first."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta


def in_turn(*, names: Collection[str], read: Mapping[str, str], at: datetime, every: timedelta) -> list[str]:
    """Those of ``names`` that are due, never read ones first. ``read`` maps each to when it was read last, as ISO text."""
    due = [(read.get(name, ""), name) for name in names if _is_due(read.get(name, ""), at, every)]
    return [name for _, name in sorted(due)]


def _is_due(last: str, at: datetime, every: timedelta) -> bool:
    return not last or datetime.fromisoformat(last) <= at - every

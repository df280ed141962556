"""Times as the vendors write them."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """``2026-02-03T16:21:00Z``: UTC, whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The other way round. Raises ValueError for anything that is not a time with its zone."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return value

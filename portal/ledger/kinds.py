"""Which entries are sealed at once. Pure."""

AT_ONCE = ("approval.", "verdict.", "role.", "change.emergency", "policy.", "redaction.", "pack.asked")
"""Beginnings of kinds that matter: no minute may pass in which such an entry could be cut off unseen."""


def is_urgent(kind: str) -> bool:
    """True when an entry of this kind does not wait for the next checkpoint."""
    return kind.startswith(AT_ONCE)

"""Which entries are sealed at once. Pure."""

AT_ONCE = (
    # What people decide about changes, and what the portal froze of it.
    *("approval.", "approvals.", "change.approve", "verdict.", "waiver.", "decision.", "condition.", "review.", "minutes."),
    *("staging.signed_off", "freeze.", "exception.accepted", "exception.acceptance"),
    # Emergencies, the policy, who may do what and whose accounts are whose.
    *("change.emergency", "emergency.", "policy.", "role.", "identity.", "limitation.", "mergers."),
    # What touches the proof itself.
    *("redaction.", "recovery.", "engagement.", "pack.asked"),
)
"""Beginnings of kinds that matter: no minute may pass in which such an entry could be cut off unseen."""


def is_urgent(kind: str) -> bool:
    """True when an entry of this kind does not wait for the next checkpoint."""
    return kind.startswith(AT_ONCE)

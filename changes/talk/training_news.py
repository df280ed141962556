"""Words of what the ledger says about training: reminders to each person, and to compliance about who is late. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

ASKED = "asked"


def reminder_of(fact: Mapping[str, Any], *, at: datetime) -> tuple[str, str]:
    """Title and reason of a reminder; the title begins with when it is due."""
    due = datetime.fromisoformat(fact["due_at"])
    days = (due.date() - at.date()).days
    if due <= at:
        when = f"Late since {due:%-d %b %Y}"
    elif days <= 1:
        when = "Due tomorrow" if days else "Due today"
    else:
        when = f"Due in {days} days"
    asked = "The compliance manager asks you to take it. " if fact["reminder"] == ASKED else ""
    lapsed = "Without it you cannot approve, decide, vote or sign off; drafting goes on."
    why = lapsed if due <= at else "Everyone is trained on the policy (P-28)."
    return f"{when}: training on policy {fact['policy']}", f"{asked}{why}"


def late_words(fact: Mapping[str, Any]) -> tuple[str, str]:
    """Title and reason for compliance."""
    due = datetime.fromisoformat(fact["due_at"])
    return f"{fact['name']} has not signed policy {fact['policy']}", f"It was due on {due:%-d %b %Y}, and you oversee training."

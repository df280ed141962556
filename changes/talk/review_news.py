"""Words of what the ledger says about access reviews: reminders to each reviewer, and entries that were handed over. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

LATE = "late"


def review_words(fact: Mapping[str, Any], *, left: int) -> tuple[str, str]:
    """Title and reason of a reminder; the title begins with when it is due."""
    due = datetime.fromisoformat(fact["due_at"])
    when = f"Late since {due:%-d %b %Y}" if fact["reminder"] == LATE else f"Due {due:%-d %b %Y}"
    rights = "1 right is" if left == 1 else f"{left} rights are"
    return f"{when}: access review {fact['review']}", f"{rights} not answered yet (P-19)."


def handed_words(fact: Mapping[str, Any]) -> tuple[str, str]:
    """Title and reason for whoever is asked now."""
    rights = "1 right is" if fact["count"] == 1 else f"{fact['count']} rights are"
    return f"Access review {fact['review']}: {rights} yours to review now", f"{fact['by']} handed them over: {fact['reason']}"

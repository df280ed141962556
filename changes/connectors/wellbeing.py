"""How a connected source is, in a sentence that says what to do: on the integrations page and for `manage.py doctor`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.timezone import now

from changes.connectors.checked import SOON
from changes.connectors.models import Source
from changes.forges import FORGES
from portal.runtime.doctor.finding import Finding, bad, good, note
from portal.runtime.doctor.run import join

STALE = timedelta(minutes=10)
DELIVERING = frozenset({*FORGES, "slack", "doppler"})
"""Kinds of sources that send deliveries; the others are only read."""


def judge(source: Source, at: datetime, *, advises: bool = True) -> tuple[str, str]:
    """State (healthy, stale, broken) and sentence of a source. Pure but for reading the row.

    ``advises``: say also what whoever manages it could add. That looks at its secrets, which an auditor's page may not.
    """
    if source.disconnected:
        return "stale", "Disconnected. What was read stays; connect it again to go on."
    if source.paused_at is not None:
        return "stale", "Paused. Nothing is read until somebody goes on with it."
    if not source.readable:
        return "stale", "No token: deliveries are taken in as reported, and nothing confirms them. Connect it again with --token."
    if source.failures:
        return "broken", f"The last reading failed: {source.last_error.rstrip('.')}. It is tried again by itself."
    if source.last_good_read_at is None:
        return "stale", "Not read yet. The first reading follows within a minute."
    if at - source.last_good_read_at > STALE:
        return "stale", "Nothing was read for more than ten minutes. Check the worker and the scheduler with `manage.py doctor`."
    doubt = _doubt(source, at)
    return ("stale", doubt) if doubt else ("healthy", _well(source, advises))


def _doubt(source: Source, at: datetime) -> str:
    """What will soon be the matter, or already is with a part of it: permissions that are missing, a token about to end."""
    missing = source.settings.get("missing", [])
    if missing:
        return f"The token may not read: {', '.join(missing)}. Give it these, or connect again with another token."
    ends = source.settings.get("token_expires", "")
    if ends and datetime.fromisoformat(ends) - at < SOON:
        return f"The token ends on {datetime.fromisoformat(ends):%-d %b %Y}. Make another one and connect again."
    if unread := source.settings.get("members_unread"):
        return f"Its members cannot be read: {unread.rstrip('.')}. It is tried again within an hour."
    behind = [one["config"] for one in source.settings.get("syncs", {}).values() if not one["enabled"]]
    return f"Doppler no longer carries {', '.join(sorted(behind))} to Fly: its sync is switched off." if behind else ""


def _well(source: Source, advises: bool) -> str:
    if source.kind == "slack":
        names = source.settings.get("names", {}).values()
        return f"Listened to; posts to {', '.join(f'#{name}' for name in names)}."
    if source.kind == "doppler" and not advises:
        return "Read every minute."
    if source.kind == "doppler" and not source.hook_secrets.filter(retired_at=None).exists():
        return "Read every minute. Add a webhook, and what is edited shows within seconds."
    return "Read and listened to." if source.kind in DELIVERING else "Read every few minutes. It sends no deliveries."


@join
def sources() -> Iterator[Finding]:
    """Every connected source for the doctor."""
    for source in Source.objects.order_by("name"):
        state, sentence = judge(source, now())
        if state == "healthy":
            yield good(f"{source.name}: {sentence}")
        elif state == "broken":
            yield bad(f"{source.name} is broken", mend=sentence)
        else:
            yield note(f"{source.name} is not up to date", mend=sentence)

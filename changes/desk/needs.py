"""What changes ask of people: sign-offs. For inbox and palette.

Each asks few queries whatever the number of items; what a person cannot act on is not shown to that person.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest

from changes.proposals.lifecycle import State
from changes.proposals.listing import Wanted, find
from changes.proposals.models import Change
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.home import inbox
from portal.ui import palette
from portal.ui.clock import time_of

MOST = 50
TO_PROVE = "[mnc]{6}w"


@inbox.provider
def needs_of(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Everything that this person can do something about now."""
    if may(user, P.CHANGE_SIGN_OFF):
        yield from _sign_offs(user)


def _waiting(letters: str) -> QuerySet[Change]:
    """Changes before production whose gates begin like ``letters`` (a pattern of one sign a gate), newest first."""
    rows = Change.objects.filter(state__in=(State.PROPOSED, State.APPROVED), gates__regex=f"^{letters}")
    return rows.defer("assessment", "reasons").select_related("requester").order_by("-moved_at", "-id")


def _sign_offs(user: User) -> Iterator[inbox.Item]:
    for change in _waiting(TO_PROVE).filter(requester=user)[:MOST]:
        yield inbox.Item(
            title="Prove it in staging",
            about=change.title,
            why="Your change waits for its release to staging, or for your word that it works there.",
            due_at=None,
            href=f"/changes/{change.number}/#sign-off",
            act="Open",
            tone="info",
            icon="flask-conical",
            key=str(change),
        )


@palette.provider
def changes_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """Changes by number, words, people, commit, and everything else that the list's search box takes."""
    if len(words.strip()) < 2 or not may(request.user, P.CHANGE_SEE):
        return []
    wanted = Wanted(text=words, reader=request.user.pk, today=time_of(request).date())
    rows = find(wanted=wanted, scope=scope_for(request), size=6).rows
    return [
        palette.Hit("git-pull-request", f"{row} {row.title}", f"/changes/{row.number}/", row.get_state_display()) for row in rows
    ]

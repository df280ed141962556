"""Changes that are brought up to date together become what each becomes by itself, and so does the ledger."""

from datetime import timedelta

import pytest
from django.db import transaction

from changes.delivery.models import PullRequest, Release
from changes.proposals.approving import approve
from changes.proposals.classing import choose_class
from changes.proposals.known import Known
from changes.proposals.models import Change
from changes.proposals.refreshing import refresh, refresh_all
from portal.ledger.models import LedgerLeaf
from tests.changes.people import linked, person
from tests.changes.proposals.test_deriving import AT, followed, pull, shipped, web

__all__ = ["web"]
pytestmark = pytest.mark.django_db(transaction=True)
LATER = AT + timedelta(minutes=5)
DERIVED_ANEW = (
    "state",
    "category",
    "size",
    "kind",
    "routine",
    "risk",
    "risk_points",
    "reasons",
    "title",
    "requester_id",
    "merged_at",
)
TIMES = ("released_at", "review_due_at", "retrospective_due_at", "moved_at", "version")


def told(web):
    """Changes of many kinds, about each of which something has come in that it has not followed yet. Returns them."""
    failed, _ = shipped(web, 20, 9, state="failed", succeeded_at=None)
    released, release = shipped(web, 40, 3, state="pending", succeeded_at=None)
    Release.objects.filter(pk=release.pk).update(state="succeeded", succeeded_at=AT)
    pull(web, 60, state="merged", merged_at=AT - timedelta(days=181), opened_at=AT - timedelta(days=181), paths=["old/part.py"])

    plain = followed(pull(web, 1))
    PullRequest.objects.filter(number=1).update(title="Other words", paths=["old/part.py", "app/web.py"])
    large = followed(pull(web, 2))
    PullRequest.objects.filter(number=2).update(additions=900, paths=["db/migrations/0002_more.py"])
    closed = followed(pull(web, 3))
    PullRequest.objects.filter(number=3).update(state="closed")
    chosen = followed(pull(web, 4, draft=True))
    choose_class(change=chosen, name="size", value="large", reason="", by=person("Cleo"), at=AT)
    PullRequest.objects.filter(number=4).update(draft=False, labels=["database"])
    approved = followed(pull(web, 5))
    approve(change=approved, by=person("Bob"), verdict="yes", note="", authenticated_at=AT, at=AT)
    PullRequest.objects.filter(number=5).update(head_sha="9" * 40)
    unread = followed(pull(web, 6, paths=None))
    same = followed(pull(web, 7))
    linked(person("Ann"), 1, "ann")
    return [failed, released, plain, large, closed, chosen, approved, unread, same]


def outcome(changes, before):
    """What stands on record of the changes, and what the ledger has said since."""
    rows = Change.objects.in_bulk([change.pk for change in changes])
    names = (*DERIVED_ANEW, *TIMES)
    said = LedgerLeaf.objects.filter(pk__gt=before).order_by("stream", "stream_seq").values_list("stream", "kind", "actor")
    shown = [[getattr(change, name) for name in names] for change in changes]
    return [[getattr(rows[change.pk], name) for name in names] for change in changes], shown, list(said)


def tried(changes, act):
    """What comes of ``act``, which is taken back."""
    fresh = list(Change.objects.filter(pk__in=[change.pk for change in changes]).order_by("-pk"))
    before = LedgerLeaf.objects.order_by("-pk").values_list("pk", flat=True).first()
    with transaction.atomic():
        act(fresh)
        found = outcome(fresh, before)
        transaction.set_rollback(True)
    return found


def test_together_becomes_of_changes_what_becomes_of_each(web):
    changes = told(web)

    def each(rows):
        for row in rows:
            refresh(change=row, at=LATER)

    kept, shown, said = tried(changes, lambda rows: refresh_all(changes=rows, known=Known(at=LATER)))

    assert (kept, shown, said) == tried(changes, each)
    assert kept == shown
    kinds = {kind for _, kind, _ in said}
    assert {
        "change.revised",
        "change.classified",
        "approval.lapsed",
        "change.requester_named",
        "change.withdraw",
        "change.release",
    } <= kinds, kinds
    states = dict(zip([change.pk for change in reversed(changes)], (row[0] for row in kept), strict=True))
    assert {"released", "withdrawn", "proposed"} <= set(states.values())

"""Changes that are brought up to date together become what each becomes by itself, and so does the ledger."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from changes.connectors.settling import settle
from changes.delivery.models import PullRequest, Release
from changes.gates.models import Verdict
from changes.outcomes.recognising import recognise
from changes.proposals import actions
from changes.proposals.approving import approve
from changes.proposals.classing import choose_class
from changes.proposals.known import Known
from changes.proposals.models import Change, Revision, Undoing
from changes.proposals.pushes import Pushed, link_push
from changes.proposals.refreshing import refresh, refresh_all
from changes.proposals.searching.models import SearchText
from portal.ledger.models import LedgerLeaf
from tests.changes.people import linked, person
from tests.changes.proposals.test_deriving import AT, followed, pull, shipped, web

__all__ = ["web"]
pytestmark = pytest.mark.django_db(transaction=True)
LATER = AT + timedelta(minutes=5)
FIELDS = [field.name for field in Change._meta.concrete_fields if not field.generated]


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
    return [failed, released, plain, large, closed, chosen, approved, unread, same, *in_company(web), *past_the_rules(web)]


def in_company(web):
    """Two that one promotion carries, which has come to production; one that took a pull request over; one from a form."""
    pair = [followed(pull(web, number, state="merged", merged_at=AT, merge_sha=f"{number:040d}")) for number in (8, 9)]
    way = {"head_ref": "main", "base_ref": "prod", "merge_sha": "8" * 40, "paths": None}
    promotion = pull(web, 10, state="merged", merged_at=AT, **way)
    for change in pair:
        actions.link(change=change, pull_request=promotion, role="promotion", reason="test", actor="portal", at=AT)
    told = {"source": "fly", "vendor_id": "10", "app": "web-prod", "state": "succeeded", "environment": "production"}
    Release.objects.create(repository=web, commit_sha="8" * 40, created_at=AT, succeeded_at=LATER, reported_at=AT, **told)
    written = actions.open_change(texts={"title": "From a form"}, source="form", at=AT, actor="portal")
    actions.link(change=written, pull_request=pull(web, 11, title="Its work"), role="work", reason="test", actor="portal", at=AT)
    taken = PullRequest.objects.get(number=7)
    actions.link(change=written, pull_request=taken, role="joined", reason="test", actor="portal", at=AT)
    return [*pair, written]


def past_the_rules(web):
    """An emergency with a push, one that is none any more though its push stands, and one that a merge has reverted."""
    emergencies = [followed(pull(web, number, labels=["emergency"])) for number in (12, 13)]
    for change, sha in zip(emergencies, ("c" * 40, "d" * 40), strict=True):
        assert change.category == "emergency"
        pushed = Pushed(web, "prod", sha, login="ann", uid=1, at=AT, confirmed=True)
        link_push(change=change, pushed=pushed, reason="test", at=AT)
    PullRequest.objects.filter(number=13).update(labels=[])
    undone, _ = shipped(web, 70, 2)
    revert = pull(web, 14, state="merged", merged_at=AT, body="Reverts acme/web#70", merge_sha="e" * 40)
    followed(revert)
    recognise(repository=web, pull_requests=[revert], releases=[], at=AT)
    assert Undoing.objects.get().change == undone
    return [*emergencies, undone]


def outcome(changes, before):
    """What stands on record of the changes, and what the ledger has said since."""
    rows = Change.objects.in_bulk([change.pk for change in changes])
    said = LedgerLeaf.objects.filter(pk__gt=before).order_by("stream", "stream_seq").select_related("body")
    words = dict(SearchText.objects.filter(change__in=changes).values_list("change", "words"))
    texts = [*Revision.objects.filter(change__in=changes).order_by("change", "number").values_list("change", "digest", "by")]
    return (
        [[getattr(rows[change.pk], name) for name in FIELDS] for change in changes],
        [[getattr(change, name) for name in FIELDS] for change in changes],
        [(leaf.stream, leaf.kind, leaf.actor, json.loads(leaf.body.payload)["fact"]) for leaf in said],
        [words[change.pk] for change in changes],
        texts,
    )


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

    together = tried(changes, lambda rows: refresh_all(changes=rows, known=Known(at=LATER)))

    assert together == tried(changes, each)
    kept, shown, said, *_ = together
    assert kept == shown
    kinds = {kind for _, kind, _, _ in said}
    assert {"change.revised", "change.classified", "approval.lapsed", "change.requester_named"} <= kinds
    assert {"change.withdraw", "change.release"} <= kinds
    values = [dict(zip(FIELDS, row, strict=True)) for row in reversed(kept)]
    pair, emergencies = values[9:11], values[12:14]
    assert {"released", "withdrawn", "proposed"} <= {row["state"] for row in values}
    assert [(row["merged_at"], row["released_at"]) for row in pair] == [(AT, LATER)] * 2
    assert [(row["category"], row["merged_at"]) for row in emergencies] == [("emergency", AT), ("standard", None)]


def test_a_release_of_an_unknown_commit_is_not_that_of_a_merge_whose_commit_is_not_known(web):
    unknown = pull(web, 1, base_ref="prod", state="merged", merged_at=AT, merge_sha="")
    told = {"source": "fly", "vendor_id": "1", "version": 1, "app": "web-prod", "state": "succeeded", "environment": "production"}
    Release.objects.create(repository=web, commit_sha="", created_at=AT, succeeded_at=AT, reported_at=AT, **told)

    change = followed(unknown)
    with transaction.atomic():
        settle(repository=web, since=AT, at=AT)

    assert (change.state, change.merged_at, change.released_at) == ("merged", AT, None)
    assert [row.moment for row in Verdict.objects.all()] == ["merge"]

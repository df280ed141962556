"""Deliveries that are applied together end in the same rows, entries and findings as one by one, and one bad one spoils nothing."""

import hashlib
import json
import random
import re
import threading
import zlib
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from changes.connectors import batches, inbox
from changes.connectors.models import Delivery, Reading, Settling, Source
from changes.connectors.settling import settle_one
from changes.delivery.models import Check, PullRequest, Push, Repository, Review
from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Change
from changes.proposals.searching.models import SearchText
from portal.ledger.models import LedgerLeaf
from tests.changes.connectors.test_door import STORY, body_of, opened
from tests.changes.stories import NOW, Clock, connect
from tests.pace import SHARED

pytestmark = pytest.mark.django_db
REPOSITORY = {"id": 5, "name": "web", "full_name": "acme/web", "owner": {"login": "acme", "id": 1}}
ADA = {"login": "ada", "id": 11, "type": "User"}
MOMENT = re.compile(r"20\d\d-\d\d-\d\d[T ]")
LATER = "2026-03-01T12:00:00Z"


def sha(number):
    return f"{number:040x}"


def pull(number, **more):
    head = {"ref": more.pop("branch", f"branch-{number}"), "sha": more.pop("sha", sha(number))}
    base = {"ref": more.pop("base", "main"), "sha": "b" * 40}
    return ("pull_request", opened(number=number, **{"title": f"Change {number}", "head": head, "base": base, **more}))


def reviewed(number, state="approved"):
    said = pull(number)[1]
    review = {"id": 100 + number, "state": state, "user": {**ADA, "id": 12}, "commit_id": sha(number), "submitted_at": LATER}
    return ("pull_request_review", {**said, "action": "submitted", "review": review})


def checked(number, status="completed"):
    run = {"id": number, "name": "ci", "head_sha": sha(number), "status": status, "started_at": LATER, "app": {"slug": "actions"}}
    done = {"conclusion": "success", "completed_at": LATER} if status == "completed" else {}
    return ("check_run", {"action": status, "check_run": {**run, **done}, "repository": REPOSITORY, "sender": ADA})


def status(number):
    said = {"id": 50 + number, "sha": sha(number), "state": "success", "context": "lint", "updated_at": LATER}
    return ("status", {**said, "repository": REPOSITORY, "sender": ADA})


def pushed(branch, before, after):
    commit = {"id": sha(after), "message": "m", "added": ["a.py"], "author": {"email": "ada@acme.example"}}
    said = {"ref": f"refs/heads/{branch}", "before": sha(before), "after": sha(after), "commits": [commit]}
    return ("push", {**said, "repository": {**REPOSITORY, "pushed_at": 1772366400}, "sender": ADA})


def deployed():
    made = {"id": 9, "sha": sha(1), "environment": "staging", "created_at": LATER, "creator": ADA, "ref": "main"}
    return ("deployment", {"action": "created", "deployment": made, "repository": REPOSITORY, "sender": ADA})


NAMING = pull(8, body="part of CHG-1001")
PLAIN = [
    *(pull(number) for number in (1, 2, 3)),
    pull(4, draft=True),
    pull(5, state="closed", closed_at=LATER),
    pull(6, title="Emergency: stop the leak", labels=[{"name": "emergency"}], additions=900, deletions=400),
    pull(7, base="another"),
    NAMING,
    pull(9, state="closed", merged=True, merged_at=LATER, merge_commit_sha=sha(90), closed_at=LATER),
    pull(10, branch="main", base="prod"),
    pull(11, base="prod", state="closed", merged=True, merged_at=LATER, merge_commit_sha=sha(110), closed_at=LATER),
    pull(12, user={"login": "dependabot[bot]", "id": 49699333, "type": "Bot"}),
    pull(2, title="Another title", updated_at=LATER),
    pull(3, sha=sha(33), updated_at=LATER),
    *(reviewed(number) for number in (1, 2, 6)),
    reviewed(2, "dismissed"),
    *(checked(number) for number in (1, 3, 33)),
    checked(1, "in_progress"),
    status(2),
    pushed("main", 0, 90),
    pushed("branch-1", 0, 1),
    pushed("prod", 0, 110),
    deployed(),
    ("issues", {"action": "opened", "issue": {}, "repository": REPOSITORY, "sender": ADA}),
    ("pull_request", {**opened(number=1), "repository": {**REPOSITORY, "id": 99, "full_name": "acme/other"}}),
    ("push", opened(number=13)),
    ("pull_request", {**pull(14)[1], "pull_request": {"number": 14, "title": "no head"}}),
    ("ping", {"zen": "z", "hook_id": 1, "repository": REPOSITORY}),
]


def store(deliveries):
    """Put them into the inbox, as the door does."""
    source = Source.objects.get(name="github")
    rows = []
    for number, (event, body) in enumerate(deliveries):
        raw = body if isinstance(body, bytes) else body_of(body)
        packed, digest = zlib.compress(raw, 1), hashlib.sha256(raw).hexdigest()
        more = {"body": packed, "body_size": len(raw), "body_digest": digest, "received_at": NOW}
        rows.append(Delivery(source=source, delivery_id=f"d{number}", event=event, **more))
    return [row.pk for row in Delivery.objects.bulk_create(rows)]


def one_by_one(pks, clock, at_once):
    for pk in pks:
        inbox.apply_one(pk=pk, at=clock(), at_once=at_once)


def in_batches(pks, clock, at_once):
    assert inbox.apply_together(pks=pks, run=inbox.Run(clock, clock.at + inbox.RUN, at_once)) == len(pks)


def plain(value):
    """A value without what differs from run to run: keys of rows, and moments below a minute."""
    if isinstance(value, dict):
        return {plain_key(name): plain(inner) for name, inner in value.items() if not name.endswith("_id")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    text = str(value)
    return text[:16] if MOMENT.match(text) else text


def plain_key(name):
    return name.partition(":")[0]


def rows_of(model, *names, order):
    return [json.dumps(plain(row), sort_keys=True) for row in model.objects.order_by(*order).values(*names)]


def picture(history):
    """Everything that the deliveries left, and with ``history`` how it came about."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    fields = [field.name for field in PullRequest._meta.concrete_fields if field.name not in ("id", "repository")]
    change = [
        "title",
        "state",
        "category",
        "size",
        "kind",
        "reasons",
        "risk",
        "risk_level",
        "routine",
        "repository_names",
        "opened_by",
    ]
    found = {
        "pull requests": rows_of(PullRequest, *fields, order=["number"]),
        "reviews": rows_of(Review, "vendor_id", "state", "login", "commit_sha", "confirmed_at", order=["vendor_id"]),
        "checks": rows_of(Check, "vendor_id", "source", "status", "conclusion", "app", order=["source", "vendor_id"]),
        "pushes": rows_of(Push, "branch", "after", "commits", "pushed_at", order=["branch", "after"]),
        "readings": rows_of(Reading, "subject", "done_at", "attempts", order=["subject"]),
        "deliveries": rows_of(Delivery, "delivery_id", "event", "state", "note", "repository_name", order=["id"]),
        "changes": rows_of(Change, *change, "links__pull_request__number", "links__role", order=["links__pull_request__number"]),
        "findings": rows_of(ExceptionRecord, "kind", "subject", "state", order=["kind", "subject"]),
    }
    if history:
        leaves = LedgerLeaf.objects.select_related("body").order_by("stream", "stream_seq")
        found["entries"] = [(row.stream, row.kind, row.actor, plain(json.loads(row.body.payload))) for row in leaves]
        found["numbers"] = rows_of(Change, "number", "moved_at", "opened_at", "version", "requester_login", order=["number"])
        found["words"] = rows_of(SearchText, "change__number", "words", order=["change__number"])
        found["moved"] = [str(row.since)[:16] for row in Settling.objects.all()]
    return found


def settled(clock):
    clock.wait(60)
    for row in Settling.objects.all():
        while settle_one(pk=row.pk, at=clock()):
            pass


def outcome(apply, deliveries, *, at_once, settle):
    """What a way of applying them leaves; then everything is as before."""
    with transaction.atomic():
        clock = Clock()
        apply(store(deliveries), clock, at_once)
        if settle:
            settled(clock)
        found = picture(history=at_once)
        transaction.set_rollback(True)
    return found


@pytest.fixture
def connected():
    connect(STORY)
    # Known by number, as after the first delivery; one case below leaves it unknown.
    Repository.objects.update(vendor_id=5)


@pytest.fixture
def no_failure(monkeypatch):
    """A batch that fails hides behind its remedy."""
    monkeypatch.setattr(inbox, "_apart", lambda *given: pytest.fail("a batch failed"))


@pytest.mark.parametrize(("at_once", "seed"), [(True, 0), (True, 2), (False, 1)])
def test_batches_leave_what_one_by_one_leaves(connected, no_failure, seed, at_once):
    # In a flood changes are opened in another order, so that a number means another change.
    mixed = [one for one in PLAIN if at_once or one != NAMING] * (2 if seed else 1)
    if seed:
        random.Random(seed).shuffle(mixed)
    if seed == 2:
        Repository.objects.update(vendor_id=None)

    straight = outcome(one_by_one, mixed, at_once=at_once, settle=not at_once)
    together = outcome(in_batches, mixed, at_once=at_once, settle=not at_once)

    for name, rows in straight.items():
        assert [one for one in together[name] if one not in rows] == [one for one in rows if one not in together[name]], name
        assert together[name] == rows, name


def test_most_deliveries_of_a_flood_cost_no_statement_of_their_own(connected, no_failure, django_assert_max_num_queries):
    pks = store([*(pull(number) for number in range(20, 60)), *(checked(number) for number in range(20, 60))])

    with django_assert_max_num_queries(45):
        in_batches(pks, Clock(), False)

    assert Change.objects.count() == 40
    assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}


def test_a_delivery_that_spoils_its_batch_is_noted_alone_and_the_others_are_applied(connected, monkeypatch):
    read = batches.handlers.read

    def spoilt(*, delivery, body):
        if delivery.delivery_id == "d17":
            raise ValueError("a fault of ours")
        return read(delivery=delivery, body=body)

    monkeypatch.setattr(batches.handlers, "read", spoilt)
    store(pull(number) for number in range(20, 50))
    clock = Clock()

    for _ in range(inbox.ATTEMPTS):
        inbox.drain(now=clock)
        clock.wait(40)

    spoilt_one = Delivery.objects.get(delivery_id="d17")
    assert (spoilt_one.state, spoilt_one.note, spoilt_one.attempts) == ("quarantined", "ValueError: a fault of ours", 5)
    assert set(Delivery.objects.exclude(pk=spoilt_one.pk).values_list("state", "attempts")) == {("applied", 1)}
    assert Change.objects.count() == 29


def test_a_worker_that_dies_gives_its_batch_back_and_what_cost_two_of_them_goes_in_small_pieces(connected):
    store(pull(number) for number in range(20, 60))
    clock = Clock()

    claims = []
    for _ in range(5):
        claims.append(inbox.claim(at=clock()))
        while inbox.claim(at=clock())[0]:
            pass
        clock.wait(inbox.LEASE / timedelta(seconds=1) + 1)

    assert [(len(pks), together) for pks, together in claims] == [(40, True), (40, True), (25, True), (25, True), (1, False)]


def test_what_a_run_has_no_time_for_goes_back_untried(connected):
    store([deployed(), *(pull(number) for number in range(20, 24))])
    clock = Clock()
    pks, _ = inbox.claim(at=clock())

    assert inbox.apply_together(pks=pks, run=inbox.Run(clock, clock.at, True)) == 0

    assert set(Delivery.objects.values_list("state", "attempts", "not_before")) == {("new", 0, None)}


@pytest.mark.django_db(transaction=True)
def test_two_batches_are_applied_side_by_side_and_each_delivery_once(connected, no_failure, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 4)
    both, apply, threads = threading.Barrier(2, timeout=30 * SHARED), batches.apply_batch, []

    def together(**given):
        threads.append(threading.current_thread().name)
        if len(threads) <= 2:
            both.wait()
        return apply(**given)

    monkeypatch.setattr(inbox, "apply_batch", together)
    store(pull(number) for number in range(20, 35))

    assert inbox.drain(now=Clock(), limit=14) == 14

    assert {name.partition("_")[0] for name in threads[:2]} == {threading.current_thread().name, "second batch"}
    assert [*Delivery.objects.order_by("id").values_list("state", "attempts")] == [("applied", 1)] * 14 + [("new", 0)]
    assert sorted(Change.objects.values_list("number", flat=True)) == [1001 + number for number in range(14)]


@pytest.mark.django_db(transaction=True)
def test_what_ends_one_of_two_batches_is_told_when_the_other_is_applied(connected, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 2)
    first, ended, apply = threading.current_thread(), threading.Event(), batches.apply_batch

    def lost(**given):
        if threading.current_thread() is not first:
            ended.set()
            raise OperationalError("the server went away")
        assert ended.wait(30 * SHARED)
        return apply(**given)

    monkeypatch.setattr(inbox, "apply_batch", lost)
    store(pull(number) for number in range(20, 26))

    with pytest.raises(OperationalError, match="went away"):
        inbox.drain(now=Clock())

    assert sorted(Delivery.objects.values_list("state", "attempts")) == [("applied", 1)] * 4 + [("new", 1)] * 2


def test_beside_a_batch_only_what_nobody_has_tried_is_taken(connected):
    pks = store(pull(number) for number in range(20, 24))
    Delivery.objects.filter(pk__in=pks[:2]).update(attempts=1)

    assert inbox.claim(at=NOW, untried=True) == (pks[2:], True)
    assert inbox.claim(at=NOW, untried=True) == ([], False)
    assert inbox.claim(at=NOW) == (pks[:2], True)


def test_pull_request_that_somebody_else_tells_of_meanwhile_is_on_record_once(connected, no_failure, monkeypatch):
    older = pull(20, title="Before", updated_at="2026-01-01T00:00:00Z")
    other, *pks = store([older, pull(20, title="After", updated_at=LATER), pull(21)])
    touch, clock = batches.touch, Clock()

    def late(**given):
        monkeypatch.setattr(batches, "touch", touch)
        inbox.apply_one(pk=other, at=clock())
        return touch(**given)

    monkeypatch.setattr(batches, "touch", late)
    in_batches(pks, clock, True)

    assert [*PullRequest.objects.order_by("number").values_list("number", "title")] == [(20, "After"), (21, "Change 21")]
    assert [*Change.objects.order_by("number").values_list("title", flat=True)] == ["After", "Change 21"]


def test_no_batch_is_begun_when_the_run_is_over(connected, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 2)
    store(pull(number) for number in range(20, 28))
    clock = Clock()
    apply = batches.apply_batch

    def slow(**given):
        clock.wait(inbox.RUN / timedelta(seconds=1) + 1)
        return apply(**given)

    monkeypatch.setattr(inbox, "apply_batch", slow)

    assert inbox.drain(now=clock) == 2

    left = Delivery.objects.order_by("id").values_list("state", "attempts", "not_before")
    assert [*left[2:]] == [("new", 0, None)] * 6


def test_what_was_claimed_for_too_long_is_applied_by_another_worker_and_not_again(connected, no_failure, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 2)
    store(pull(number) for number in range(20, 26))
    clock = Clock()
    apply = batches.apply_batch

    def slow(**given):
        monkeypatch.setattr(inbox, "apply_batch", apply)
        clock.wait(inbox.LEASE / timedelta(seconds=1) + 1)
        assert inbox.drain(now=clock) == 6, "the other worker"
        return apply(**given)

    monkeypatch.setattr(inbox, "apply_batch", slow)
    inbox.drain(now=clock)

    states = [*Delivery.objects.order_by("id").values_list("state", "attempts")]
    assert states == [("applied", 2)] * 2 + [("applied", 1)] * 4
    assert Change.objects.count() == 6

"""Two hundred races for one approval, the requester among the runners: nobody approves the own change, nothing happens twice.

A trigger without a row lock let 194 of 200 through. That the row rule holds whoever writes is asked a thousand times more in
``tests/portal/ledger/test_separation.py``.
"""

import threading
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from changes.delivery.models import PullRequest, Repository
from changes.proposals import actions
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval
from portal.ledger.actions import append
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person
from tests.pace import SHARED

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
TEXTS = {"title": "Split the queue", "why": "slow", "what": "", "tested": "", "rollback": "redeploy", "snapshot": ""}
RACES = 200
EACH = RACES // 4
"""Races of each pair."""


def waiting_change(ann, repository, number):
    """A change in review with an open pull request, as the form and the forge would leave it."""
    change = actions.open_change(texts=TEXTS, source="form", at=AT, by=ann, actor="user:1", state=State.PROPOSED)
    pull = PullRequest.objects.create(
        repository=repository,
        number=number,
        title="x",
        state="open",
        head_ref="f",
        head_sha=f"{number:040x}",
        base_ref="main",
        reported_at=AT,
        touched_at=AT,
        opened_at=AT,
    )
    actions.link(change=change, pull_request=pull, role="work", reason="test", actor="portal", at=AT)
    return change


def run(change, user, results, start):
    start.wait()
    try:
        actions.approve(change=change, by=user, verdict="yes", note="", authenticated_at=AT, at=AT)
        results.append("yes")
    except (Refused, Stale) as refusal:
        results.append(type(refusal).__name__)


def raw(change, user, results, start):
    """The same past all rules in Python, with its ledger entry: only the database's own rule can refuse it."""
    start.wait()
    try:
        with transaction.atomic():
            revision = change.revisions.get()
            row = Approval.objects.create(
                change=change, revision=revision, head_sha="x", by=user, verdict="yes", authenticated_at=AT, at=AT
            )
            append(stream="test", kind="approval.given", actor="user:1", fact={}, rows=[row])
        results.append("yes")
    except IntegrityError as refusal:
        results.append("own change" if "the requester cannot approve" in str(refusal) else str(refusal))


def runner(work, go):
    """Takes the races one by one on a connection of its own."""
    for change, user, how, results, start in work:
        go.wait()
        how(change, user, results, start)
    connection.close()


@pytest.mark.long
def test_two_hundred_races_end_with_one_approval_by_somebody_else():
    ann, bob, cleo = person("Ann", "engineer", "approver"), person("Bob"), person("Cleo")
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    changes = [waiting_change(ann, repository, number) for number in range(1, RACES + 1)]
    pairs = [(ann, run, bob, run), (ann, raw, bob, run), (bob, run, bob, run), (bob, run, cleo, run)]
    results = [[] for _ in changes]
    lanes = ([], [])
    for index, change in enumerate(changes):
        start = threading.Barrier(2, timeout=60 * SHARED)
        first, first_how, second, second_how = pairs[index % 4]
        lanes[0].append((change, first, first_how, results[index], start))
        lanes[1].append((change, second, second_how, results[index], start))
    go = threading.Event()
    threads = [threading.Thread(target=runner, args=(lane, go)) for lane in lanes]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    close_old_connections()

    assert all(len(result) == 2 for result in results)
    assert not Approval.objects.filter(by=ann).exists()
    per_pair = [[sorted(results[index]) for index in range(kind, RACES, 4)] for kind in range(4)]
    assert per_pair[0] == [["Refused", "yes"]] * EACH
    assert per_pair[1] == [["own change", "yes"]] * EACH
    assert per_pair[2] == [["Stale", "yes"]] * EACH
    assert per_pair[3] == [["yes", "yes"]] * EACH
    assert Approval.objects.count() == 3 * EACH + 2 * EACH

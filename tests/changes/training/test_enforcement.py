"""A lapsed person keeps drafting, but does not approve, decide, vote or sign off; the gate says so and opens by a signature."""

from datetime import timedelta

import pytest
from django.utils import timezone

from changes.approvals.waiving import propose_waiver
from changes.exceptions.detect import about_approval
from changes.gates.actions import assess, reassess
from changes.gates.gate import Code
from changes.gates.tasks import stirred
from changes.meetings import ballots, deciding, live
from changes.meetings.models import AgendaItem
from changes.meetings.syncing import keep_in_step
from changes.proposals.approving import plus_one, sign_off
from changes.proposals.models import Change
from changes.training.standing import check_trained
from portal.policy.refusal import Refused
from tests.changes.approvals.situations import AT, approve, proposed, seen, staged, waiting_change, with_pull_request
from tests.changes.meetings.situations import board, large, meetings, numbered
from tests.changes.people import linked, person, sign_in
from tests.changes.training.world import DAY, MINUTE, adopt, publish, trained

pytestmark = pytest.mark.django_db
BEFORE = AT - 40 * DAY
"""When the first course was published: who was there then is late by now."""


@pytest.fixture
def mia():
    return person("Mia")


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def course(mia):
    return publish(by=mia, at=BEFORE)


def test_without_a_course_nobody_is_refused(bob):
    check_trained(by=bob, at=AT)


def test_a_lapsed_approver_drafts_and_approves_again_once_trained(course, ann, bob):
    change = waiting_change(ann)
    waiting_change(bob, number=2)

    with pytest.raises(Refused) as refused:
        approve(change, bob)
    trained(course, by=bob, at=AT)

    assert refused.value.clause == "P-28"
    assert "Bob has never signed the policy" in refused.value.why
    assert "/training/" in refused.value.instead
    assert approve(change, bob).verdict == "yes"


def test_a_lapsed_person_gives_no_plus_one_signs_nothing_off_and_decides_on_no_waiver(course, ann, bob, monkeypatch):
    cleo = person("Cleo")
    emergency = proposed(person("Dev"), category="emergency")
    change = waiting_change(ann)
    pull = with_pull_request(emergency, number=7)
    staged(pull)

    with pytest.raises(Refused, match="P-28"):
        plus_one(change=emergency, by=bob, via="portal", authenticated_at=AT, at=AT)
    with pytest.raises(Refused, match="P-28"):
        sign_off(change=emergency, commit_sha=pull.head_sha, by=ann, note="", at=AT)
    monkeypatch.setattr("changes.approvals.waiving._check_needed", lambda change, at: ["Bob is lapsed"])
    with pytest.raises(Refused, match="P-28"):
        propose_waiver(change=change, reason="Nobody is left", review_at=AT + DAY, by=cleo, authenticated_at=AT, at=AT)
    trained(course, by=ann, at=AT)
    assert sign_off(change=emergency, commit_sha=pull.head_sha, by=ann, note="", at=AT).by == ann


def test_a_lapsed_voter_takes_no_part_and_a_lapsed_chair_decides_nothing(course):
    tuesday = AT + DAY - timedelta(hours=1)
    cleo, dev = person("Cleo"), person("Dev")
    large("First", at=AT - timedelta(hours=2))
    meeting = numbered(meetings(board())[0][0])
    keep_in_step(meeting=meeting, at=AT)
    meeting = live.begin(meeting=meeting, by=cleo, at=tuesday)
    live.come(meeting=meeting, person=dev, by=dev, at=tuesday)
    item = AgendaItem.objects.select_related("meeting", "change").get(meeting=meeting)
    ballot = ballots.open_ballot(item=item, by=cleo, at=tuesday + MINUTE)

    with pytest.raises(Refused, match="P-28"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=tuesday + MINUTE)
    assert ballots.vote(ballot=ballot, choice="recused", reason="", by=dev, at=tuesday + MINUTE).choice == "recused"
    ballots.close_ballot(ballot=ballot, by=cleo, at=tuesday + 2 * MINUTE)
    with pytest.raises(Refused, match="P-28"):
        deciding.decide(item=item, outcome="deferred", reason="Later.", conditions=[], by=cleo, at=tuesday + 3 * MINUTE)
    trained(course, by=cleo, at=tuesday + 3 * MINUTE)
    done = deciding.decide(item=item, outcome="deferred", reason="Later.", conditions=[], by=cleo, at=tuesday + 4 * MINUTE)
    assert done.outcome == "deferred"


def gate(change, at):
    _, gates = assess(change=Change.objects.get(pk=change.pk), at=at)
    found = next(item for item in gates if item.code == Code.APPROVAL)
    return str(found.state), found.clause, found.reason


def approved(ann, bob, course):
    """Ann's change with Bob's word on it, who is trained; it waits on main."""
    linked(ann, 101, "ann")
    change = waiting_change(ann, author=(101, "ann"))
    if course is not None:
        trained(course, by=bob, at=AT)
    approve(change, bob)
    pull = change.links.get().pull_request
    pull.state, pull.merged_at, pull.merge_sha = "merged", AT, pull.head_sha
    pull.save()
    return change


def test_the_gate_waits_for_who_is_involved_and_opens_by_the_signature(course, ann, bob):
    change = approved(ann, bob, course)
    reassess(change=change, at=AT + MINUTE)

    closed = gate(change, AT + MINUTE)
    trained(course, by=ann, at=AT + 2 * MINUTE)

    assert closed[:2] == ("waiting", "P-28")
    assert "Ann has never signed the policy (since 2026-10-23 10:00 UTC)" in closed[2]
    kept = Change.objects.get(pk=change.pk)
    state = {item["code"]: item["state"] for item in kept.assessment["gates"]}
    assert state["approval"] == "met"
    assert gate(change, AT + 3 * MINUTE)[0] == "met"
    assert "the 2 people involved are trained" in gate(change, AT + 3 * MINUTE)[2]


def test_without_a_course_the_gate_says_nothing_about_training(ann, bob):
    change = approved(ann, bob, None)

    assert gate(change, AT + MINUTE)[0] == "met"
    assert "trained" not in gate(change, AT + MINUTE)[2]


def test_while_the_policy_in_force_has_no_course_the_gate_is_in_doubt(course, ann, bob):
    change = approved(ann, bob, course)
    trained(course, by=ann, at=AT)
    adopt(at=AT + DAY)

    facts, gates = assess(change=Change.objects.get(pk=change.pk), at=AT + 2 * DAY)

    assert "training" not in facts.connected
    found = next(item for item in gates if item.code == Code.APPROVAL)
    assert (str(found.state), found.doubt) == ("met", "The policy in force has no course yet, so nobody is trained on it.")


def test_changes_are_judged_again_when_somebodys_training_lapses(course, ann, bob):
    change = approved(ann, bob, course)
    trained(course, by=ann, at=AT)
    later = AT + 365 * DAY
    Change.objects.filter(pk=change.pk).update(gates_at=later - DAY)

    assert change not in stirred(at=later - MINUTE)
    assert change in stirred(at=later + MINUTE)


def test_the_refusal_on_the_page_leads_to_the_course(client, course, ann, bob):
    now = timezone.now()
    change = waiting_change(ann, at=now)
    there = seen(change)
    sign_in(client, bob)

    answer = client.post(
        f"/changes/{change.number}/approve/", {"verdict": "yes", "read": "on", "digest": there.digest, "head": there.head}
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Training is not current" in page
    assert '<a href="/training/">/training/</a>' in page


def test_a_merge_with_somebody_untrained_is_an_exception_of_its_own(course, ann, bob):
    change = approved(ann, bob, course)
    reassess(change=change, at=AT + MINUTE)
    kept = Change.objects.get(pk=change.pk)
    kept.merged_at = AT + MINUTE
    for gate_of in kept.assessment["gates"]:
        gate_of["state"] = "failed" if gate_of["code"] == "approval" else gate_of["state"]

    (_, [found]), *_ = about_approval(changes=[kept])

    assert (found.kind, found.key) == ("untrained_production", f"{kept}:approval:untrained_production")
    assert "Ann has never signed the policy" in found.sentence
    for gate_of in kept.assessment["gates"]:
        gate_of["clause"] = "P-19"
    (_, [other]), *_ = about_approval(changes=[kept])
    assert other.kind == "unapproved_production"

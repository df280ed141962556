"""Who may do what to a change in which state: every act, every role, every state, also what is not allowed.

Each act names the roles and the states in which it succeeds; everything else must be refused. Each try is rolled back.
"""

from datetime import timedelta

import pytest
from django.db import transaction

from changes.approvals import actions
from changes.approvals.models import Condition, Waiver
from changes.delivery.models import PullRequest
from changes.proposals import actions as proposals
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Change
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, proposed, seen, staged, with_pull_request
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = {
    "nobody": "Nia",
    "engineer": "Eve",
    "approver": "Bob",
    "architect": "Dev",
    "chair": "Cleo",
    "compliance": "Mia",
    "auditor": "Uma",
    "administrator": "Rex",
}
ROLES = frozenset(PEOPLE)
DECIDING = {"approver", "architect", "chair"}
BUILDING = DECIDING | {"engineer"}
WORKING = BUILDING | {"compliance"}
WAYS = {
    State.DRAFT: (),
    State.PROPOSED: ("propose",),
    State.APPROVED: ("propose", "approve"),
    State.MERGED: ("propose", "merge"),
    State.RELEASED: ("propose", "merge", "release"),
    State.ROLLED_BACK: ("propose", "merge", "roll_back"),
    State.CLOSED: ("propose", "merge", "release", "close"),
    State.WITHDRAWN: ("withdraw",),
}
STATES = frozenset(WAYS)
OPEN = {State.DRAFT, State.PROPOSED, State.APPROVED}
IN_REVIEW = {State.PROPOSED, State.APPROVED}
AFTERWARDS = {State.MERGED, State.RELEASED, State.ROLLED_BACK, State.CLOSED}


class RolledBack(Exception):
    """Ends a try without a trace."""


def everybody():
    """Somebody in each role, and Ann, who asks for the changes."""
    return person("Ann"), {role: person(name, *(["engineer"] if role == "engineer" else [])) for role, name in PEOPLE.items()}


def in_state(ann, state, *, number, category="standard"):
    """A change of Ann in this state, with a pull request whose head runs in staging."""
    change = proposed(ann, category=category, ready=False)
    staged(with_pull_request(change, number=number))
    for verb in WAYS[state]:
        proposals.move(change=change, verb=verb, actor="portal", at=AT)
    if state in AFTERWARDS:
        Change.objects.filter(pk=change.pk).update(merged_at=AT)
    return Change.objects.get(pk=change.pk)


def succeeds(act, *given):
    """Whether the act goes through. Whatever it did is taken back."""
    try:
        with transaction.atomic():
            act(*given)
            raise RolledBack
    except RolledBack:
        return True
    except (Refused, Stale):
        return False


def give(verdict):
    def act(change, by):
        shown = seen(change)
        actions.give(change=change, by=by, verdict=verdict, note="x", seen=shown, authenticated_at=AT, at=AT)

    return act


def sign_off(change, by):
    proposals.sign_off(change=change, commit_sha=PullRequest.objects.get(links__change=change).head_sha, by=by, note="works", at=AT)


def plus_one(via):
    def act(change, by):
        proposals.plus_one(change=change, by=by, via=via, authenticated_at=AT if via == "portal" else None, at=AT)

    return act


def review(kind):
    def act(change, by):
        proposals.review_after(change=change, kind=kind, outcome="went_well", note="", by=by, at=AT)

    return act


def bulk(change, by):
    Change.objects.filter(pk=change.pk).update(routine=True)
    chosen = [actions.Chosen(change, seen(change))]
    (outcome,) = actions.approve_routine(chosen=chosen, by=by, note="all alike", authenticated_at=AT, at=AT)
    if outcome.why_not:
        raise Stale(outcome.why_not)


def with_conditions(change, by):
    wanted = actions.Wanted(text="Watch it", owner=change.requester, before="merge", due_at=AT + timedelta(days=1))
    shown = seen(change)
    values = {"verdict": "yes", "note": "", "seen": shown, "authenticated_at": AT, "at": AT, "conditions": [wanted]}
    actions.give(change=change, by=by, **values)


TABLE = {
    "approve": (give("yes"), "standard", DECIDING, IN_REVIEW),
    "request changes": (give("no"), "standard", DECIDING, IN_REVIEW),
    "approve with conditions": (with_conditions, "standard", DECIDING, IN_REVIEW),
    "approve with others": (bulk, "standard", DECIDING, IN_REVIEW),
    "sign off": (sign_off, "standard", BUILDING, OPEN),
    "+1 in the portal": (plus_one("portal"), "emergency", DECIDING, OPEN | {State.MERGED}),
    "+1 in Slack": (plus_one("slack"), "emergency", DECIDING, OPEN | {State.MERGED}),
    "+1 of what is no emergency": (plus_one("portal"), "standard", set(), set()),
    "post-implementation review": (review("post_implementation"), "standard", DECIDING, AFTERWARDS),
    "retrospective": (review("retrospective"), "emergency", DECIDING, AFTERWARDS),
}


@pytest.mark.parametrize("name", TABLE)
def test_who_may_and_when(name):
    act, category, roles, states = TABLE[name]
    ann, people = everybody()
    changes = {state: in_state(ann, state, number=number, category=category) for number, state in enumerate(WAYS, start=1)}

    found = {(role, state) for role in ROLES for state in STATES if succeeds(act, changes[state], people[role])}

    assert found == {(role, state) for role in roles for state in states}


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[2] & DECIDING and "sign off" not in name])
def test_the_requester_and_contributors_never_may(name):
    act, category, _, states = TABLE[name]
    both = person("Ivy", "approver")
    bob = person("Bob")
    linked(bob, 77)
    for number, state in enumerate(sorted(states), start=1):
        change = in_state(both, state, number=number, category=category)
        PullRequest.objects.filter(links__change=change).update(author_uid=77, author_login="bobby")
        ordinary_review = name == "post-implementation review"
        assert succeeds(act, change, both) == ordinary_review, state
        assert succeeds(act, change, bob) == ordinary_review, state


TAKING_BACK = {
    State.PROPOSED: True,
    State.APPROVED: True,
    State.WITHDRAWN: True,
    State.MERGED: False,
    State.RELEASED: False,
    State.ROLLED_BACK: False,
    State.CLOSED: False,
}


def test_an_approval_is_taken_back_by_its_giver_until_the_merge():
    ann, people = everybody()
    found = {}
    for number, (state, _) in enumerate(TAKING_BACK.items(), start=1):
        change = in_state(ann, State.PROPOSED, number=number)
        given = proposals.approve(change=change, by=people["approver"], verdict="yes", note="", authenticated_at=AT, at=AT)
        for verb in {"proposed": ("lapse",), "approved": (), "withdrawn": ("withdraw",)}.get(state, WAYS[state][1:]):
            proposals.move(change=change, verb=verb, actor="portal", at=AT)
        if state in AFTERWARDS:
            Change.objects.filter(pk=change.pk).update(merged_at=AT)

        def take_back(given, by):
            proposals.withdraw_approval(approval=given, by=by, at=AT)

        found[state] = {role for role in ROLES if succeeds(take_back, given, people[role])}

    assert found == {state: {"approver"} if may else set() for state, may in TAKING_BACK.items()}


def nobody_left(change, people):
    """Everybody who may approve had a hand in it."""
    for uid, role in enumerate(sorted(DECIDING), start=70):
        if not people[role].identities.exists():
            linked(people[role], uid)
    hands = [{"uid": uid, "login": f"x{uid}"} for uid in range(70, 73)]
    PullRequest.objects.filter(links__change=change).update(commit_people=hands)


def propose_waiver(change, by):
    values = {"reason": "nobody is left", "review_at": AT + timedelta(days=9), "authenticated_at": AT, "at": AT}
    actions.propose_waiver(change=change, by=by, **values)


def test_who_may_propose_a_waiver_and_when():
    ann, people = everybody()
    changes = {state: in_state(ann, state, number=number) for number, state in enumerate(WAYS, start=1)}
    for change in changes.values():
        nobody_left(change, people)

    found = {(role, state) for role in ROLES for state in STATES if succeeds(propose_waiver, changes[state], people[role])}

    assert found == {(role, state) for role in DECIDING | {"compliance"} for state in IN_REVIEW}


def test_who_may_sign_take_back_and_review_a_waiver():
    ann, people = everybody()
    change = in_state(ann, State.PROPOSED, number=1)
    nobody_left(change, people)
    propose_waiver(change, people["architect"])
    waiver = Waiver.objects.get()

    def sign(waiver, by):
        actions.sign_waiver(waiver=waiver, digest=waiver.digest, by=by, authenticated_at=AT, at=AT)

    def take_back(waiver, by):
        actions.withdraw_waiver(waiver=waiver, by=by, at=AT)

    def look_again(waiver, by):
        actions.review_waiver(waiver=waiver, note="right", by=by, at=AT)

    def who(act):
        return {role for role in ROLES if succeeds(act, waiver, people[role])}

    assert who(sign) == {"chair", "compliance"}
    assert who(take_back) == {"architect", "chair", "compliance"}
    assert who(look_again) == set()
    sign(waiver, people["chair"])
    assert who(sign) == {"compliance"}
    sign(waiver, people["compliance"])
    assert who(sign) == set()
    assert who(take_back) == {"architect", "chair", "compliance"}
    assert who(look_again) == {"chair", "compliance"}


def test_who_may_hand_over_to_whom():
    _, people = everybody()

    def delegate(absent, to, by):
        values = {"starts_at": AT, "ends_at": AT + timedelta(days=1), "reason": "ill", "at": AT}
        actions.delegate(absent=people[absent], to=people[to], by=people[by], **values)

    own = {(absent, to) for absent in ROLES for to in ROLES if succeeds(delegate, absent, to, absent)}
    for_others = {
        (absent, to, by) for absent in ROLES for to in DECIDING for by in ROLES - {absent} if succeeds(delegate, absent, to, by)
    }

    assert own == {(absent, to) for absent in DECIDING for to in DECIDING - {absent}}
    assert for_others == {(absent, to, "chair") for absent in DECIDING - {"chair"} for to in DECIDING - {absent}}


def test_who_may_end_a_delegation():
    _, people = everybody()
    values = {"starts_at": AT, "ends_at": AT + timedelta(days=1), "reason": "ill", "at": AT}
    row = actions.delegate(absent=people["approver"], to=people["architect"], by=people["approver"], **values)

    def end(row, by):
        actions.end_delegation(delegation=row, by=by, at=AT)

    assert {role for role in ROLES if succeeds(end, row, people[role])} == {"approver", "architect", "chair"}


def test_who_may_own_fulfil_and_confirm_a_condition():
    ann, people = everybody()
    change = in_state(ann, State.PROPOSED, number=1)
    bob = people["approver"]
    given = proposals.approve(change=change, by=bob, verdict="yes", note="", authenticated_at=AT, at=AT)

    def own(owner):
        wanted = actions.Wanted(text="x", owner=owner, before="merge", due_at=AT + timedelta(days=1), to_confirm=True)
        actions.set_condition(change=change, approval=given, wanted=wanted, by=bob, at=AT)

    def done(row, by):
        actions.fulfil(condition=row, note="done", by=by, at=AT)

    def confirm(row, by):
        actions.confirm(condition=row, kind="confirmed", note="", by=by, at=AT)

    def who(act):
        return {role for role in ROLES if succeeds(act, row, people[role])}

    assert {role for role in ROLES if succeeds(own, people[role])} == WORKING
    own(people["engineer"])
    row = Condition.objects.get()
    assert who(done) == {"engineer"}
    assert who(confirm) == set()
    done(row, people["engineer"])
    assert who(done) == set()
    assert who(confirm) == {"approver"}
    assert Approval.objects.count() == 1

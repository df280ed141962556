"""Who may do what to a change: every refusal with its clause, and every boundary."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery.actor import Actor
from changes.proposals.lifecycle import State
from changes.proposals.policy import (
    check_approver,
    check_fresh_sign_in,
    check_independent,
    check_plus_one,
    check_review_after,
    check_sign_off,
    check_state_for_approval,
    check_still_current,
)
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

ANN = Actor("user:1", "Ann", person=1)
ANN_AT_THE_FORGE = Actor("github:1", "ann", person=1)
BOB = Actor("user:2", "Bob", person=2)
BOB_AT_THE_FORGE = Actor("github:2", "bob", person=2)
CLEO = Actor("user:3", "Cleo", person=3)
ROBOT = Actor("github:9", "renovate[bot]", bot=True)
NOW = datetime(2026, 2, 2, 10, 0, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
HEAD = "b" * 40


def refusal(check, **values) -> tuple[Clause, str] | None:
    """The clause and the reason of the refusal; None when there is none. A refusal always says what to do instead."""
    try:
        check(**values)
    except Refused as raised:
        refused = raised
    else:
        return None
    assert refused.instead
    return refused.clause, refused.why


def approving(**values):
    """What Bob needs to approve Ann's change."""
    return {
        "state": State.PROPOSED,
        "approver": BOB,
        "contributors": (ANN_AT_THE_FORGE,),
        "requester": ANN,
        "head_sha": HEAD,
        "authenticated_at": NOW,
        "at": NOW,
    } | values


OWN = (Clause.REVIEWED, "You contributed to this change.")
ASKED = (Clause.REVIEWED, "You asked for this change.")
OLD_SIGN_IN = (Clause.ACCESS_RESTRICTED, "This needs a sign-in that is not older than 5 minutes.")
APPROVERS = {
    "somebody else": ({}, None),
    "a contributor": ({"contributors": (ANN_AT_THE_FORGE, BOB)}, OWN),
    "a contributor by a linked account": ({"contributors": (BOB_AT_THE_FORGE,)}, OWN),
    "a contributor of the same name": ({"contributors": (Actor("mail:bob@example.test", "Bob"),)}, OWN),
    "the requester": ({"requester": BOB}, ASKED),
    "the requester by a linked account": ({"requester": BOB_AT_THE_FORGE}, ASKED),
    "a bot": ({"approver": ROBOT}, (Clause.REVIEWED, "renovate[bot] is a bot, and only people approve.")),
    "no commit yet": ({"head_sha": ""}, (Clause.STARTS_AS_PULL_REQUEST, "There is no commit to approve yet.")),
    "never signed in": ({"authenticated_at": None}, OLD_SIGN_IN),
    "signed in five minutes ago": ({"authenticated_at": NOW - FIVE_MINUTES}, None),
    "signed in longer ago": ({"authenticated_at": NOW - FIVE_MINUTES - timedelta(microseconds=1)}, OLD_SIGN_IN),
    "signed in in the future": ({"authenticated_at": NOW + timedelta(microseconds=1)}, OLD_SIGN_IN),
    "nobody contributed": ({"contributors": ()}, None),
}


@pytest.mark.parametrize(("values", "expected"), APPROVERS.values(), ids=APPROVERS.keys())
def test_check_approver(values, expected):
    assert refusal(check_approver, **approving(**values)) == expected


IN_PRODUCTION = (Clause.PROD_RESTRICTED, "The change is in production already, so an approval would come too late.")
STATES = {
    State.DRAFT: (Clause.CATEGORY, "The change is a draft."),
    State.PROPOSED: None,
    State.APPROVED: None,
    State.MERGED: IN_PRODUCTION,
    State.RELEASED: IN_PRODUCTION,
    State.ROLLED_BACK: IN_PRODUCTION,
    State.CLOSED: IN_PRODUCTION,
    State.WITHDRAWN: (Clause.CATEGORY, "The change was withdrawn."),
}


@pytest.mark.parametrize("state", list(State))
def test_approval_is_for_changes_in_review(state):
    assert refusal(check_state_for_approval, state=state) == STATES[state]
    assert refusal(check_approver, **approving(state=state)) == STATES[state]


def test_check_independent_takes_somebody_who_took_no_part():
    assert refusal(check_independent, person=CLEO, contributors=(ANN, BOB), requester=ANN) is None


def test_a_fresh_sign_in_can_be_asked_for_within_another_time():
    hour = timedelta(hours=1)

    assert refusal(check_fresh_sign_in, authenticated_at=NOW - hour, at=NOW, within=hour) is None
    assert refusal(check_fresh_sign_in, authenticated_at=None, at=NOW, within=hour) == (
        Clause.ACCESS_RESTRICTED,
        "This needs a sign-in that is not older than 60 minutes.",
    )


CURRENT = {
    "the same": (("digest", "digest", HEAD, HEAD), "", None),
    "an edited text": (
        ("digest", "other", HEAD, HEAD),
        "",
        "The proposal was edited after you opened the page. Read the present revision, then decide.",
    ),
    "an edited text, and what of it": (
        ("digest", "other", HEAD, HEAD),
        "Why",
        "The proposal was edited after you opened the page. Different now: Why. Read the present revision, then decide.",
    ),
    "new commits": (
        ("digest", "digest", HEAD, "c" * 40),
        "",
        "There are new commits: the head was bbbbbbb when you opened the page and is ccccccc now."
        " Look at the new commits, then decide.",
    ),
    "the first commits": (
        ("digest", "digest", "", HEAD),
        "",
        "There are new commits: the head was none when you opened the page and is bbbbbbb now."
        " Look at the new commits, then decide.",
    ),
    "the commits are gone": (
        ("digest", "digest", HEAD, ""),
        "",
        "There are new commits: the head was bbbbbbb when you opened the page and is none now."
        " Look at the new commits, then decide.",
    ),
}


@pytest.mark.parametrize(("values", "edited", "why"), CURRENT.values(), ids=CURRENT.keys())
def test_check_still_current(values, edited, why):
    seen_digest, digest, seen_head, head = values
    found = None

    try:
        check_still_current(seen_digest=seen_digest, digest=digest, seen_head=seen_head, head_sha=head, edited=edited)
    except Stale as raised:
        found = str(raised)

    assert found == why


def plus_one(**values):
    return {
        "state": State.DRAFT,
        "category": "emergency",
        "giver": BOB,
        "contributors": (ANN_AT_THE_FORGE,),
        "requester": ANN,
        "authenticated_at": NOW,
        "at": NOW,
    } | values


PAST = (Clause.EMERGENCY_REVIEW, "The +1 is given before the release, and this change is past it.")
PLUS_ONES = {
    "somebody else": ({}, None),
    "of a standard change": ({"category": "standard"}, (Clause.EMERGENCY_REVIEW, "The change is no emergency.")),
    "in review": ({"state": State.PROPOSED}, None),
    "approved": ({"state": State.APPROVED}, None),
    "merged, not released": ({"state": State.MERGED}, None),
    "released": ({"state": State.RELEASED}, PAST),
    "rolled back": ({"state": State.ROLLED_BACK}, PAST),
    "closed": ({"state": State.CLOSED}, PAST),
    "withdrawn": ({"state": State.WITHDRAWN}, PAST),
    "a contributor": ({"giver": ANN}, ASKED),
    "a co-author": ({"contributors": (BOB_AT_THE_FORGE,)}, OWN),
    "a bot": ({"giver": ROBOT}, (Clause.REVIEWED, "renovate[bot] is a bot, and only people approve.")),
    "an old sign-in": ({"authenticated_at": NOW - timedelta(minutes=6)}, OLD_SIGN_IN),
    "from Slack, whose signed request is the proof": ({"authenticated_at": None, "via": "slack"}, None),
    "from Slack, by a contributor": ({"via": "slack", "giver": ANN}, ASKED),
}


@pytest.mark.parametrize(("values", "expected"), PLUS_ONES.values(), ids=PLUS_ONES.keys())
def test_check_plus_one(values, expected):
    assert refusal(check_plus_one, **plus_one(**values)) == expected


TOO_LATE = (Clause.STAGING_FIRST, "The change is not open any more, so a sign-off would come too late.")
SIGN_OFFS = {
    "what stands in staging": ({}, None),
    "another commit": ({"commit_sha": "c" * 40}, (Clause.STAGING_FIRST, "ccccccc has not been released to staging.")),
    "no commit": ({"commit_sha": ""}, (Clause.STAGING_FIRST, "The commit has not been released to staging.")),
    "a bot": ({"tester": ROBOT}, (Clause.STAGING_FIRST, "renovate[bot] is a bot, and a person signs off.")),
    "approved": ({"state": State.APPROVED}, None),
    "draft": ({"state": State.DRAFT}, None),
    "merged": ({"state": State.MERGED}, TOO_LATE),
    "withdrawn": ({"state": State.WITHDRAWN}, TOO_LATE),
}


@pytest.mark.parametrize(("values", "expected"), SIGN_OFFS.values(), ids=SIGN_OFFS.keys())
def test_check_sign_off(values, expected):
    standard = {"state": State.PROPOSED, "tester": ANN, "commit_sha": HEAD, "staged_commits": {HEAD}}

    assert refusal(check_sign_off, **(standard | values)) == expected


def after(**values):
    return {
        "kind": "retrospective",
        "state": State.RELEASED,
        "reviewer": CLEO,
        "contributors": (ANN_AT_THE_FORGE,),
        "requester": ANN,
        "plus_ones": (BOB_AT_THE_FORGE,),
    } | values


NOT_YET = (Clause.EMERGENCY_REVIEW, "The change is not in production yet.")
GAVE_IT = (Clause.EMERGENCY_REVIEW, "You gave the +1 of this emergency.")
AFTERWARDS = {
    "somebody who took no part": ({}, None),
    "the requester": ({"reviewer": ANN}, ASKED),
    "a co-author": ({"contributors": (Actor("github:3", "cleo", person=3),)}, OWN),
    "who gave the +1": ({"reviewer": BOB}, GAVE_IT),
    "the requester, after an ordinary change": ({"kind": "post_implementation", "reviewer": ANN}, None),
    "who gave the +1, the short review": ({"kind": "post_implementation", "reviewer": BOB}, None),
    "merged": ({"state": State.MERGED}, None),
    "rolled back": ({"state": State.ROLLED_BACK}, None),
    "closed": ({"state": State.CLOSED}, None),
    "draft": ({"state": State.DRAFT}, NOT_YET),
    "in review": ({"state": State.PROPOSED}, NOT_YET),
    "approved": ({"state": State.APPROVED}, NOT_YET),
    "withdrawn": ({"state": State.WITHDRAWN}, NOT_YET),
}


@pytest.mark.parametrize(("values", "expected"), AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_check_review_after(values, expected):
    assert refusal(check_review_after, **after(**values)) == expected

"""What only the portal declared has no fast lane; pushes name their people; a +1 from Slack is confirmed within a day."""

from dataclasses import replace

import pytest

from changes.gates.reading import contributors, fast_lane, is_emergency
from changes.gates.rules.approving import approval
from changes.gates.rules.producing import review_after
from changes.gates.rules.proposing import rollback
from changes.gates.rules.reviewing import review
from changes.gates.rules.staging import staging
from changes.gates.rules.words import portal_words
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import (
    ANN,
    BOB_IN_PORTAL,
    CLEO,
    DEV,
    HEAD,
    OLD,
    emergency,
    hotfix,
    judged,
    minute,
    push,
    pushed_past,
    written,
)
from tests.changes.gates.build import approval as word

BARE = (hotfix(reviews=()),)
SAID = (word(head=HEAD, at=62),)
"""Bob's +1 after the merge and before the release."""
DAY = 24 * 60


def undeclared(**values):
    """An emergency that the portal found: merged without a review."""
    return replace(emergency(**{"pull_requests": BARE, "approvals": SAID, "approved_by": "portal", **values}), declared=False)


def test_declaring_afterwards_adds_the_retrospective_and_opens_no_lane():
    facts = undeclared()

    assert (is_emergency(facts), fast_lane(facts)) == (True, False)
    assert fast_lane(emergency())


@pytest.mark.parametrize(
    ("rule", "declared", "found"), [(review, "met", "failed"), (staging, "not_needed", "failed"), (approval, "met", "failed")]
)
def test_a_plus_one_cures_a_declared_emergency_only(rule, declared, found):
    facts = emergency(pull_requests=BARE, approvals=SAID, approved_by="portal")

    assert (judged(rule, facts)[0], judged(rule, undeclared())[0]) == (declared, found)


def test_its_plan_is_not_put_off_until_the_retrospective():
    facts = emergency(rollback="", retrospective_due_at=minute(5_000))

    assert judged(rollback, facts)[0] == "waiting"
    assert judged(rollback, replace(facts, declared=False))[0] == "failed"


def test_a_word_binds_to_the_text_again():
    facts = undeclared(approvals=(word(head=HEAD, at=45, digest="another"),))

    assert portal_words(facts, commit=HEAD, until=minute(60)) == []
    assert len(portal_words(replace(facts, declared=True), commit=HEAD, until=minute(60))) == 1


def test_who_pushed_and_whose_work_was_pushed_are_contributors():
    pushed = replace(push(by=DEV), contributors=(DEV, CLEO))

    assert contributors(pushed_past(direct_pushes=(pushed,))) == (DEV, CLEO)


def test_nobody_says_plus_one_to_the_own_push():
    own = pushed_past(
        category="emergency", direct_pushes=(replace(push(), contributors=(BOB_IN_PORTAL,)),), approvals=(word(head=OLD, at=52),)
    )

    assert judged(approval, own)[0] == "failed"


def slack(**more):
    """A +1 that Bob gave in Slack at minute 55."""
    return emergency(pull_requests=BARE, approvals=(replace(word(head=HEAD, at=55), via="slack", **more),))


CONFIRMATIONS = {
    "waits within the day": (
        slack(),
        56,
        "waiting",
        "The +1 that Bob Brown gave in Slack is not confirmed in the portal, due 2026-02-03 09:55 UTC.",
    ),
    "late": (
        slack(),
        56 + DAY,
        "failed",
        "The +1 that Bob Brown gave in Slack is not confirmed in the portal, due 2026-02-03 09:55 UTC.",
    ),
    "confirmed too late": (
        slack(confirmed_at=minute(56 + DAY)),
        60 + DAY,
        "failed",
        "Bob Brown confirmed the +1 from Slack at 2026-02-03 09:56 UTC, but it was due 2026-02-03 09:55 UTC.",
    ),
}


@pytest.mark.parametrize(("facts", "at", "state", "reason"), CONFIRMATIONS.values(), ids=CONFIRMATIONS.keys())
def test_a_plus_one_from_slack_is_confirmed_within_a_day(facts, at, state, reason):
    assert judged(review_after, replace(facts, as_of=minute(at))) == (state, reason)


def test_a_confirmed_plus_one_and_one_that_was_taken_back_are_no_matter():
    confirmed, lapsed = slack(confirmed_at=minute(58)), slack(lapsed="withdrawn by Bob Brown", lapsed_at=minute(57))

    assert "confirmed the +1 from Slack" in judged(review_after, confirmed)[1]
    assert judged(review_after, confirmed)[0] == judged(review_after, lapsed)[0] == "met"


def test_the_retrospective_is_due_of_what_only_the_portal_found_too():
    facts = undeclared(reviews_after=(written(by=ANN),), retrospective_due_at=minute(60))

    assert judged(review_after, replace(facts, as_of=minute(61)))[0] == "failed"
    assert review_after(facts, DEFAULT).clause.value == "P-22"

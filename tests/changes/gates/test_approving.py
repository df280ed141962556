"""Gate 8: approval for production, and the +1 of an emergency."""

import pytest

from changes.gates.rules.approving import approval
from portal.policy.approvals import ApprovalRule
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    API,
    BOB,
    BOB_IN_PORTAL,
    CLEO,
    HEAD,
    MIA,
    OLD,
    ON_MAIN,
    ON_PROD,
    ROBOT,
    STRANGER,
    change,
    draft,
    emergency,
    hotfix,
    judged,
    merged,
    promoted,
    promotion,
    pull_request,
    push,
    pushed_past,
    release,
    with_parameters,
)
from tests.changes.gates.build import approval as word

AT_PROD = build.MERGED_TO_PROD
BEFORE, AFTER = AT_PROD - 1 / 60, AT_PROD + 1 / 60
SUBJECT = "acme/web#18 at ccccccc"
BOBS = f"{SUBJECT}: approved by Bob Brown in the portal at 2026-02-02 09:45 UTC."
NOT_APPROVED = f"{SUBJECT}: merged to prod at 2026-02-02 10:00 UTC without an approval."
STRANGERS = (
    "Not connected: commits by jo@example.test belong to no known account, so it cannot be shown that somebody else reviewed them."
)


def portal(**values):
    """A change of a repository where only the portal approves."""
    return change(approved_by="portal", **values)


PORTAL = {
    "approved": (portal(approvals=(word(),)), "met", BOBS),
    "nobody": (portal(), "failed", NOT_APPROVED),
    "nobody yet": (
        portal(pull_requests=(merged(), promotion())),
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "a review is no approval here": (portal(pull_requests=(merged(), promoted())), "failed", NOT_APPROVED),
    "in the second of the merge": (
        portal(approvals=(word(at=AT_PROD),)),
        "met",
        f"{SUBJECT}: approved by Bob Brown in the portal at 2026-02-02 10:00 UTC.",
    ),
    "after the merge": (
        portal(approvals=(word(at=AFTER),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count:"
        " it came at 2026-02-02 10:00:01 UTC, after the merge at 2026-02-02 10:00 UTC.",
    ),
    "on another head": (
        portal(approvals=(word(head=OLD),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on aaaaaaa does not count: the head is ccccccc.",
    ),
    "on another revision": (
        portal(approvals=(word(digest="older"),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count: the proposal is at revision 3 now.",
    ),
    "lapsed": (
        portal(approvals=(word(lapsed="withdrawn by Bob Brown", lapsed_at=50),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count: withdrawn by Bob Brown.",
    ),
    "lapsed, nobody knows when": (
        portal(approvals=(word(lapsed="withdrawn by Bob Brown"),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count: withdrawn by Bob Brown.",
    ),
    "lapsed in the second of the merge": (
        portal(approvals=(word(lapsed="a new push", lapsed_at=AT_PROD),)),
        "failed",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count: a new push.",
    ),
    "lapsed after the merge, by a later revision": (
        portal(approvals=(word(digest="older", lapsed="the proposal was edited", lapsed_at=AFTER),)),
        "met",
        BOBS,
    ),
    "lapsed, then given again": (
        portal(approvals=(word(at=44, lapsed="withdrawn", lapsed_at=44.5), word())),
        "met",
        BOBS,
    ),
    "open and lapsed": (
        portal(pull_requests=(merged(), promotion()), approvals=(word(lapsed="a new push", lapsed_at=50),)),
        "waiting",
        f"{SUBJECT}: the word of Bob Brown on ccccccc does not count: a new push.",
    ),
    "by the author": (
        portal(approvals=(word(by=build.Actor("user:1", "Ann A", person=1)),)),
        "failed",
        f"{SUBJECT}: approved only by Ann A, who contributed to it or asked for it.",
    ),
    "by the requester": (
        portal(requester=MIA, approvals=(word(by=MIA),)),
        "failed",
        f"{SUBJECT}: approved only by Mia, who contributed to it or asked for it.",
    ),
    "by a co-author of the work": (
        portal(pull_requests=(merged(contributors=(ANN, BOB)), promoted()), approvals=(word(),)),
        "failed",
        f"{SUBJECT}: approved only by Bob Brown, who contributed to it or asked for it.",
    ),
    "by who made other commits of the promotion": (
        portal(pull_requests=(merged(), promoted(contributors=(ANN, BOB))), approvals=(word(),)),
        "met",
        BOBS,
    ),
    "by a bot": (
        portal(approvals=(word(by=ROBOT),)),
        "failed",
        f"{SUBJECT}: approved only by renovate[bot], who contributed to it or asked for it.",
    ),
    "one yes, one no": (
        portal(approvals=(word(), word(by=CLEO, verdict="no"))),
        "failed",
        f"{SUBJECT}: cleo asked for changes.",
    ),
    "a no that lapsed": (
        portal(approvals=(word(), word(by=CLEO, verdict="no", lapsed="withdrawn by cleo", lapsed_at=50))),
        "met",
        BOBS,
    ),
    "a no alone": (
        portal(pull_requests=(merged(), promotion()), approvals=(word(verdict="no"),)),
        "waiting",
        f"{SUBJECT}: Bob Brown asked for changes.",
    ),
    "before the promotion is there": (
        portal(pull_requests=(merged(),), approvals=(word(),)),
        "met",
        "acme/web#17 at ccccccc: approved by Bob Brown in the portal at 2026-02-02 09:45 UTC.",
    ),
    "the newest work on main counts": (
        portal(pull_requests=(merged(), merged(number=21, merge_sha=OLD, merged_at=build.minute(25))), approvals=(word(),)),
        "waiting",
        "acme/web#21 at aaaaaaa: the word of Bob Brown on ccccccc does not count: the head is aaaaaaa.",
    ),
    "work is open": (portal(pull_requests=(pull_request(),)), "waiting", "There is no commit to approve yet."),
    "nothing yet": (draft(approved_by="portal"), "waiting", "There is no commit to approve yet."),
    "pushed past": (pushed_past(), "failed", "A commit went to prod without an approval."),
    "a merge commit that is not known": (
        portal(pull_requests=(merged(merge_sha=""),), approvals=(word(head=""),)),
        "waiting",
        "There is no commit to approve yet.",
    ),
    "two repositories, one approved": (
        portal(
            pull_requests=(merged(), promoted(), promotion(repository=API, number=3, head_sha=OLD)),
            approvals=(word(),),
        ),
        "waiting",
        "acme/api#3 at aaaaaaa: the word of Bob Brown on ccccccc does not count: the head is aaaaaaa.",
    ),
    "a stranger's commits": (
        portal(pull_requests=(merged(contributors=(STRANGER,)), promoted()), approvals=(word(),)),
        "not_connected",
        STRANGERS,
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), PORTAL.values(), ids=PORTAL.keys())
def test_approval_gate_where_the_portal_approves(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


COUNTS = "which counts as approval in this repository"
REVIEWS = {
    "reviewed": (change(), "met", f"{SUBJECT}: approved by bob on acme/web#18 at 2026-02-02 09:40 UTC, {COUNTS}."),
    "work to prod directly": (
        change(pull_requests=(hotfix(),)),
        "met",
        f"acme/web#44 at bbbbbbb: approved by bob on acme/web#44 at 2026-02-02 09:10 UTC, {COUNTS}.",
    ),
    "not reviewed": (change(pull_requests=(merged(), promoted(reviews=()))), "failed", NOT_APPROVED),
    "not reviewed, approved in the portal": (
        change(pull_requests=(merged(), promoted(reviews=())), approvals=(word(),)),
        "met",
        BOBS,
    ),
    "reviewed after the merge": (
        change(pull_requests=(merged(), promoted(reviews=(build.review(commit=ON_MAIN, at=AFTER),)))),
        "failed",
        NOT_APPROVED,
    ),
    "reviewed on an older head": (
        change(pull_requests=(merged(), promoted(reviews=(build.review(commit=OLD, at=40),)))),
        "failed",
        NOT_APPROVED,
    ),
    "reviewed by who made the work": (
        change(pull_requests=(merged(contributors=(ANN, BOB)), promoted())),
        "failed",
        NOT_APPROVED,
    ),
    "reviewed by the requester": (change(requester=BOB_IN_PORTAL), "failed", NOT_APPROVED),
    "the review of the work is no approval": (
        change(pull_requests=(merged(),)),
        "waiting",
        "acme/web#17 at ccccccc: not approved for production yet.",
    ),
    "a webhook alone said it": (
        change(pull_requests=(merged(), promoted(reviews=(build.review(commit=ON_MAIN, at=40, confirmed=False),)))),
        "met",
        f"{SUBJECT}: approved by bob on acme/web#18 at 2026-02-02 09:40 UTC, {COUNTS} (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), REVIEWS.values(), ids=REVIEWS.keys())
def test_approval_gate_where_a_review_counts(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


TWO_NEEDED = with_parameters(approval_rules=(ApprovalRule(2),))
OPEN_ACCESS = {"kind": "access", "pull_requests": (merged(), promotion())}
TABLE = {
    "nobody yet": (
        portal(**OPEN_ACCESS),
        "waiting",
        f"{SUBJECT}: not approved for production yet, 0 of 2 approvals; 2 are needed for a change of DNS or access.",
    ),
    "one of two": (
        portal(**OPEN_ACCESS, approvals=(word(),)),
        "waiting",
        f"{SUBJECT}: approved by Bob Brown, 1 of 2 approvals; 2 are needed for a change of DNS or access.",
    ),
    "two of two": (
        portal(**OPEN_ACCESS, approvals=(word(), word(by=CLEO, at=46))),
        "met",
        f"{SUBJECT}: approved by Bob Brown in the portal at 2026-02-02 09:45 UTC and cleo in the portal at 2026-02-02 09:46 UTC.",
    ),
    "two reasons for two": (
        portal(**OPEN_ACCESS, risk="high", approvals=(word(),)),
        "waiting",
        f"{SUBJECT}: approved by Bob Brown, 1 of 2 approvals;"
        " 2 are needed for a change of DNS or access and a change of high risk.",
    ),
    "merged with one of two": (
        portal(kind="access", approvals=(word(),)),
        "failed",
        f"{SUBJECT}: approved by Bob Brown, 1 of 2 approvals; 2 are needed for a change of DNS or access.",
    ),
    "merged with none of two": (
        portal(kind="access"),
        "failed",
        f"{SUBJECT}: merged to prod at 2026-02-02 10:00 UTC without an approval; 2 are needed for a change of DNS or access.",
    ),
    "on behalf of somebody": (
        portal(approvals=(word(on_behalf_of="Cleo Clark"),)),
        "met",
        f"{SUBJECT}: approved by Bob Brown in the portal on behalf of Cleo Clark at 2026-02-02 09:45 UTC.",
    ),
    "an emergency needs one, whatever it is": (
        emergency(kind="access", risk="high", pull_requests=(hotfix(),)),
        "met",
        "Emergency: +1 by bob on acme/web#44 at 2026-02-02 09:10 UTC.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), TABLE.values(), ids=TABLE.keys())
def test_how_many_approvals_are_needed_is_a_table_of_rules(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


TWO = {
    "two people": (
        change(approvals=(word(by=CLEO),)),
        "met",
        f"{SUBJECT}: approved by bob on acme/web#18 at 2026-02-02 09:40 UTC"
        f" and cleo in the portal at 2026-02-02 09:45 UTC, {COUNTS}.",
    ),
    "one person twice": (
        change(approvals=(word(),)),
        "failed",
        f"{SUBJECT}: approved by bob, 1 of 2 approvals.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), TWO.values(), ids=TWO.keys())
def test_approval_gate_where_two_are_needed(facts, state, reason):
    assert judged(approval, facts, TWO_NEEDED) == (state, reason)


PLUS_ONE = "Emergency: +1 by Bob Brown in the portal at 2026-02-02 09:45 UTC."
EARLY = "Emergency: +1 by Bob Brown in the portal at 2026-02-02 09:45 UTC, given before there was a commit."
NONE_YET = "Emergency: nobody else has given the +1 yet."
TOO_LATE = "Emergency: it was released at 2026-02-02 10:05 UTC without a +1 by somebody else."
BARE = (hotfix(reviews=()),)
EMERGENCIES = {
    "by a review": (emergency(), "met", "Emergency: +1 by bob on acme/web#44 at 2026-02-02 09:10 UTC."),
    "in the portal": (emergency(pull_requests=BARE, approvals=(word(head=HEAD),)), "met", PLUS_ONE),
    "by two, and the first is named": (
        emergency(approvals=(word(by=CLEO, head=HEAD, at=5),)),
        "met",
        "Emergency: +1 by cleo in the portal at 2026-02-02 09:05 UTC.",
    ),
    "in the second of the release": (
        emergency(pull_requests=BARE, approvals=(word(head=HEAD, at=65),)),
        "met",
        "Emergency: +1 by Bob Brown in the portal at 2026-02-02 10:05 UTC.",
    ),
    "a second after the release began": (
        emergency(pull_requests=BARE, approvals=(word(head=HEAD, at=65 + 1 / 60),)),
        "failed",
        TOO_LATE,
    ),
    "after the merge, before any release": (
        emergency(pull_requests=BARE, releases=(), approvals=(word(head=HEAD, at=AFTER),)),
        "met",
        "Emergency: +1 by Bob Brown in the portal at 2026-02-02 10:00:01 UTC.",
    ),
    "nobody, released": (emergency(pull_requests=BARE), "failed", TOO_LATE),
    "nobody, merged and not released": (emergency(pull_requests=BARE, releases=()), "waiting", NONE_YET),
    "another commit was released": (emergency(pull_requests=BARE, releases=(release(commit=OLD),)), "waiting", NONE_YET),
    "on another head": (emergency(pull_requests=BARE, releases=(), approvals=(word(head=OLD),)), "waiting", NONE_YET),
    "for an older text, which may be written later": (
        emergency(pull_requests=BARE, approvals=(word(head=HEAD, digest="older"),)),
        "met",
        PLUS_ONE,
    ),
    "lapsed before the release": (
        emergency(pull_requests=BARE, approvals=(word(head=HEAD, lapsed="withdrawn", lapsed_at=64),)),
        "failed",
        TOO_LATE,
    ),
    "lapsed after the release": (
        emergency(pull_requests=BARE, approvals=(word(head=HEAD, lapsed="the proposal was edited", lapsed_at=66),)),
        "met",
        PLUS_ONE,
    ),
    "by the author": (emergency(pull_requests=BARE, approvals=(word(by=ANN, head=HEAD),)), "failed", TOO_LATE),
    "by the requester": (emergency(requester=BOB_IN_PORTAL), "failed", TOO_LATE),
    "by a bot": (emergency(pull_requests=BARE, approvals=(word(by=ROBOT, head=HEAD),)), "failed", TOO_LATE),
    "a no": (emergency(pull_requests=BARE, approvals=(word(head=HEAD, verdict="no"),)), "failed", TOO_LATE),
    "no pull request yet": (draft(category="emergency"), "waiting", NONE_YET),
    "before there was a commit": (draft(category="emergency", approvals=(word(head=""),)), "met", EARLY),
    "before there was a commit, in Slack": (
        draft(category="emergency", approvals=(word(head="", via="slack"),)),
        "met",
        "Emergency: +1 by Bob Brown in Slack at 2026-02-02 09:45 UTC, given before there was a commit.",
    ),
    "before there was a commit, which then came": (emergency(pull_requests=BARE, approvals=(word(head=""),)), "met", EARLY),
    "before there was a commit, which was pushed past": (
        pushed_past(category="emergency", direct_pushes=(push(),), approvals=(word(head=""),)),
        "met",
        EARLY,
    ),
    "before there was a commit, and taken back": (
        emergency(pull_requests=BARE, releases=(), approvals=(word(head="", lapsed="withdrawn by Bob Brown", lapsed_at=46),)),
        "waiting",
        NONE_YET,
    ),
    "before there was a commit, by who then wrote it": (
        emergency(pull_requests=(hotfix(contributors=(ANN, BOB), reviews=()),), approvals=(word(head=""),)),
        "failed",
        TOO_LATE,
    ),
    "before there was a commit, after the release": (
        emergency(pull_requests=BARE, approvals=(word(head="", at=66),)),
        "failed",
        TOO_LATE,
    ),
    "on work that is not merged to main": (
        emergency(pull_requests=(pull_request(reviews=()),), releases=(), approvals=(word(head=HEAD),)),
        "met",
        PLUS_ONE,
    ),
    "on work that stands on main": (
        emergency(pull_requests=(merged(),), releases=(), approvals=(word(head=ON_MAIN),)),
        "met",
        PLUS_ONE,
    ),
    "a stranger's commits": (
        emergency(pull_requests=(hotfix(contributors=(STRANGER,)),)),
        "not_connected",
        STRANGERS,
    ),
    "pushed past": (pushed_past(category="emergency"), "failed", NONE_YET),
    "pushed past, with a +1 before its release": (
        pushed_past(category="emergency", direct_pushes=(push(),), approvals=(word(head=OLD, at=52),)),
        "met",
        "Emergency: +1 by Bob Brown in the portal at 2026-02-02 09:52 UTC.",
    ),
    "a webhook alone said it": (
        emergency(pull_requests=(hotfix(reviews=(build.review(confirmed=False),)),)),
        "met",
        "Emergency: +1 by bob on acme/web#44 at 2026-02-02 09:10 UTC (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), EMERGENCIES.values(), ids=EMERGENCIES.keys())
def test_approval_gate_of_an_emergency(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


def test_an_emergency_cites_the_clause_of_the_plus_one():
    assert approval(emergency(), DEFAULT).clause == Clause.EMERGENCY_REVIEW
    assert approval(emergency(pull_requests=BARE), DEFAULT).clause == Clause.EMERGENCY_REVIEW
    assert approval(change(), DEFAULT).clause == Clause.ACCESS_RESTRICTED


def test_an_open_gate_names_who_can_approve_and_where():
    waiting = (merged(), promotion(reviews=()))

    assert (
        approval(change(pull_requests=waiting), DEFAULT).who
        == "An approver other than ann approves it here or on the pull request."
    )
    assert approval(portal(pull_requests=waiting), DEFAULT).who == "An approver other than ann approves it on the change's page."
    assert (
        approval(emergency(pull_requests=BARE, releases=()), DEFAULT).who
        == "Anybody but ann gives the +1: approve the pull request, or approve here."
    )


def test_the_evidence_leads_to_the_words():
    gate = approval(change(approvals=(word(by=CLEO),)), DEFAULT)

    assert [item.ref for item in gate.evidence] == [
        "pull_request:acme/web#18",
        f"commit:acme/web@{ON_PROD}",
        "review:acme/web#18@github:2",
        f"approval:github:3@{ON_MAIN}",
    ]

"""Gate 4, review by somebody else: a table of cases, complete with what does not count."""

import pytest

from changes.gates.facts import GateState
from changes.gates.rules import review_finding
from changes.gates.rules.reviewing import review
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    BOB,
    BOB_IN_PORTAL,
    BOBS_OTHER_ACCOUNT,
    CLEO,
    DEV,
    HEAD,
    OLD,
    ON_MAIN,
    ROBOT,
    STRANGER,
    approval,
    change,
    draft,
    emergency,
    hotfix,
    judged,
    merged,
    minute,
    promoted,
    promotion,
    pull_request,
    pushed_past,
    release,
)

AT_MERGE = build.MERGED_TO_MAIN
BEFORE, AFTER = AT_MERGE - 1 / 60, AT_MERGE + 1 / 60


def said(*reviews, **values):
    """A pull request that was merged to main with these reviews."""
    return merged(reviews=tuple(build.review(**item) for item in reviews), **values)


# What is said about a merged pull request by Ann: the reviews, and the finding.
FINDINGS = {
    "approved by another": ([{}], ""),
    "nobody looked": ([], "no_review"),
    "approved in the second of the merge": ([{"at": AT_MERGE}], ""),
    "approved a second before the merge": ([{"at": BEFORE}], ""),
    "approved a second after the merge": ([{"at": AFTER}], "no_review"),
    "only a comment": ([{"state": "commented"}], "no_review"),
    "a pending review": ([{"state": "pending"}], "no_review"),
    "a state that nobody knows": ([{"state": "applauded"}], "no_review"),
    "dismissed": ([{"state": "dismissed"}], "no_review"),
    "approved, then dismissed": ([{"at": 5}, {"at": 6, "state": "dismissed"}], "no_review"),
    "dismissed, then approved again": ([{"at": 5, "state": "dismissed"}, {"at": 6}], ""),
    "approved, then commented": ([{"at": 5}, {"at": 6, "state": "commented"}], ""),
    "changes requested, then approved": ([{"at": 5, "state": "changes_requested"}, {"at": 6}], ""),
    "approved, then changes requested": ([{"at": 5}, {"at": 6, "state": "changes_requested"}], "no_review"),
    "both in one second": ([{"at": 5, "state": "changes_requested"}, {"at": 5}], "no_review"),
    "changes requested after the merge": ([{"at": 5}, {"at": AFTER, "state": "changes_requested"}], ""),
    "another one's no stands": ([{}, {"by": CLEO, "state": "changes_requested"}], "changes_requested"),
    "another one's no on an old head stands": (
        [{}, {"by": CLEO, "state": "changes_requested", "commit": OLD}],
        "changes_requested",
    ),
    "a bot's no": ([{}, {"by": ROBOT, "state": "changes_requested"}], ""),
    "only changes requested": ([{"state": "changes_requested"}], "no_review"),
    "approved an older head": ([{"commit": OLD}], "stale_approval"),
    "approved a head that is gone": ([{"commit": ""}], "stale_approval"),
    "approved an older head, then the present one": ([{"commit": OLD, "at": 5}, {"at": 6}], ""),
    "approved the present head, then an older one again": ([{"at": 5}, {"commit": OLD, "at": 6}], "stale_approval"),
    "one approved the older head, another the present one": ([{"commit": OLD}, {"by": CLEO}], ""),
    "the author": ([{"by": ANN}], "self_approval"),
    "the author on an older head": ([{"by": ANN, "commit": OLD}], "self_approval"),
    "the author now, another before": ([{"by": ANN}, {"commit": OLD}], "stale_approval"),
    "the author and another": ([{"by": ANN}, {}], ""),
    "a bot": ([{"by": ROBOT}], "no_review"),
    "without a time": ([{"at": None}], "no_review"),
}


@pytest.mark.parametrize(("reviews", "finding"), FINDINGS.values(), ids=FINDINGS.keys())
def test_review_finding_of_a_merged_pull_request(reviews, finding):
    assert review_finding(said(*reviews)) == finding


@pytest.mark.parametrize(("reviews", "finding"), FINDINGS.values(), ids=FINDINGS.keys())
def test_the_gate_of_a_merged_pull_request_is_met_or_failed_as_the_finding_says(reviews, finding):
    facts = change(pull_requests=(said(*reviews),))

    assert review(facts, DEFAULT).state == (GateState.FAILED if finding else GateState.MET)


CONTRIBUTORS = {
    "a co-author": ((ANN, BOB), [{}], "self_approval"),
    "a co-author by the other account": ((ANN, BOBS_OTHER_ACCOUNT), [{}], "self_approval"),
    "a co-author with both accounts approving": ((ANN, BOB), [{}, {"by": BOBS_OTHER_ACCOUNT}], "self_approval"),
    "a committer known by the same name": ((ANN, build.Actor("mail:bob@example.test", "bob")), [{}], "self_approval"),
    "somebody who is none of them": ((ANN, BOB), [{"by": CLEO}], ""),
    "an author who is in no commit": ((DEV,), [{"by": ANN}], "self_approval"),
}


@pytest.mark.parametrize(("contributors", "reviews", "finding"), CONTRIBUTORS.values(), ids=CONTRIBUTORS.keys())
def test_contributors_do_not_review_their_own_work(contributors, reviews, finding):
    assert review_finding(said(*reviews, contributors=contributors)) == finding


def test_two_accounts_of_one_person_have_one_word_and_the_last_counts():
    assert review_finding(said({"at": 5}, {"at": 6, "by": BOBS_OTHER_ACCOUNT, "state": "changes_requested"})) == "no_review"


def test_a_pull_request_whose_head_is_not_known_is_approved_by_nobody():
    assert review_finding(said({"commit": ""}, head_sha="")) == "stale_approval"


def test_who_made_commits_of_a_promotion_elsewhere_may_review_it():
    carried = promoted(contributors=(ANN, BOB))

    assert review_finding(carried) == ""


def test_who_made_the_work_of_the_change_may_not_review_its_promotion():
    assert review_finding(promoted(author=CLEO), work=(ANN, BOB)) == "self_approval"


def test_who_opened_a_promotion_may_not_review_it():
    assert review_finding(promoted(author=BOB)) == "self_approval"


def test_a_back_merge_is_reviewed_by_somebody_else_than_who_opened_it():
    assert review_finding(merged(role="back_merge", author=BOB, contributors=(ANN, CLEO))) == "self_approval"
    assert review_finding(merged(role="back_merge", author=CLEO, contributors=(ANN, BOB))) == ""


REASONS = {
    "nothing yet": (draft(), "waiting", "There is no pull request to review yet."),
    "pushed past": (pushed_past(), "failed", "A commit went to prod without a review."),
    "only into another branch": (
        change(pull_requests=(pull_request(base="feature/big"),), opened_by="form"),
        "waiting",
        "There is no pull request to review yet.",
    ),
    "open, not reviewed": (
        change(pull_requests=(pull_request(reviews=()),)),
        "waiting",
        "acme/web#17: nobody has approved bbbbbbb yet.",
    ),
    "open, changes requested": (
        change(pull_requests=(pull_request(reviews=(build.review(state="changes_requested"),)),)),
        "waiting",
        "acme/web#17: changes requested by bob.",
    ),
    "open, one yes and one no": (
        change(pull_requests=(pull_request(reviews=(build.review(), build.review(by=CLEO, state="changes_requested"))),)),
        "waiting",
        "acme/web#17: changes requested by cleo stand.",
    ),
    "open, stale": (
        change(pull_requests=(pull_request(reviews=(build.review(commit=OLD),)),)),
        "waiting",
        "acme/web#17: bob approved aaaaaaa, the head is now bbbbbbb.",
    ),
    "open and approved": (
        change(pull_requests=(pull_request(),)),
        "met",
        "acme/web#17: approved by bob on bbbbbbb.",
    ),
    "merged, stale": (
        change(pull_requests=(said({"commit": OLD}),)),
        "failed",
        "acme/web#17: bob approved aaaaaaa, merged bbbbbbb.",
    ),
    "merged, stale and the author's own": (
        change(pull_requests=(said({"commit": OLD}, {"by": ANN}),)),
        "failed",
        "acme/web#17: bob approved aaaaaaa, merged bbbbbbb.",
    ),
    "merged, own": (
        change(pull_requests=(said({"by": ANN}),)),
        "failed",
        "acme/web#17: approved only by ann, who contributed to it.",
    ),
    "merged, nobody": (
        change(pull_requests=(said(),)),
        "failed",
        "acme/web#17: merged at 2026-02-02 09:20 UTC without an approving review.",
    ),
    "merged, approved afterwards": (
        change(pull_requests=(said({"at": 25}),)),
        "failed",
        "acme/web#17: merged at 2026-02-02 09:20 UTC before bob approved it at 2026-02-02 09:25 UTC.",
    ),
    "merged, approved and refused": (
        change(pull_requests=(said({}, {"by": CLEO, "state": "changes_requested"}),)),
        "failed",
        "acme/web#17: changes requested by cleo stand.",
    ),
    "work and promotion": (
        change(),
        "met",
        "acme/web#17: approved by bob on bbbbbbb; acme/web#18: approved by bob on ccccccc.",
    ),
    "promotion not reviewed yet": (
        change(pull_requests=(merged(), promotion(reviews=()))),
        "waiting",
        "acme/web#18: nobody has approved ccccccc yet.",
    ),
    "work failed, promotion waits": (
        change(pull_requests=(said(), promotion(reviews=()))),
        "failed",
        "acme/web#17: merged at 2026-02-02 09:20 UTC without an approving review.",
    ),
    "promotion reviewed by who made the work": (
        change(pull_requests=(merged(contributors=(ANN, BOB), reviews=(build.review(by=CLEO),)), promoted())),
        "failed",
        "acme/web#18: approved only by bob, who contributed to it.",
    ),
    "promotion without its work": (change(pull_requests=(promoted(),)), "met", "acme/web#18: approved by bob on ccccccc."),
    "who made one part reviews the other": (
        change(pull_requests=(merged(), merged(number=21, author=BOB, contributors=(BOB,), reviews=(build.review(by=ANN),)))),
        "met",
        "acme/web#17: approved by bob on bbbbbbb; acme/web#21: approved by ann on bbbbbbb.",
    ),
    "a back merge does not block": (
        change(pull_requests=(merged(), promoted(), said(number=19, role="back_merge"))),
        "met",
        "acme/web#17: approved by bob on bbbbbbb; acme/web#18: approved by bob on ccccccc.",
    ),
    "closed without a merge does not count": (
        change(pull_requests=(merged(), pull_request(number=16, state="closed", reviews=()))),
        "met",
        "acme/web#17: approved by bob on bbbbbbb.",
    ),
    "two approved": (
        change(pull_requests=(said({}, {"by": CLEO}),)),
        "met",
        "acme/web#17: approved by bob and cleo on bbbbbbb.",
    ),
    "a webhook alone said it": (
        change(pull_requests=(said({"confirmed": False}),)),
        "met",
        "acme/web#17: approved by bob on bbbbbbb (reported, not confirmed yet).",
    ),
    "a webhook alone said that nothing was": (
        change(pull_requests=(said(confirmed=False),)),
        "failed",
        "acme/web#17: merged at 2026-02-02 09:20 UTC without an approving review (reported, not confirmed yet).",
    ),
    "somebody unknown made commits": (
        change(pull_requests=(said({}, contributors=(ANN, STRANGER)),)),
        "not_connected",
        "Not connected: commits by jo@example.test belong to no known account,"
        " so it cannot be shown that somebody else reviewed them.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), REASONS.values(), ids=REASONS.keys())
def test_review_gate(facts, state, reason):
    assert judged(review, facts) == (state, reason)


EMERGENCIES = {
    "reviewed as always": (emergency(), "met", "acme/web#44: approved by bob on bbbbbbb."),
    "+1 in the portal before the merge": (
        emergency(pull_requests=(hotfix(reviews=()),), approvals=(approval(head=HEAD),)),
        "met",
        "Emergency: +1 by Bob Brown in the portal at 2026-02-02 09:45 UTC.",
    ),
    "reviewed between merge and release": (
        emergency(pull_requests=(hotfix(reviews=(build.review(at=62),)),)),
        "met",
        "Emergency: +1 by bob on acme/web#44 at 2026-02-02 10:02 UTC.",
    ),
    "reviewed after the release": (
        emergency(pull_requests=(hotfix(reviews=(build.review(at=71),)),)),
        "failed",
        "acme/web#44: merged at 2026-02-02 10:00 UTC before bob approved it at 2026-02-02 10:11 UTC.",
    ),
    "open, +1 in the portal": (
        emergency(pull_requests=(pull_request(base="prod", number=44, reviews=()),), releases=(), approvals=(approval(head=HEAD),)),
        "met",
        "Emergency: +1 by Bob Brown in the portal at 2026-02-02 09:45 UTC.",
    ),
    "open, nothing": (
        emergency(pull_requests=(pull_request(base="prod", number=44, reviews=()),), releases=()),
        "waiting",
        "acme/web#44: nobody has approved bbbbbbb yet.",
    ),
    "a stranger's commits, +1 in the portal": (
        emergency(pull_requests=(hotfix(reviews=(), contributors=(STRANGER,)),), approvals=(approval(head=HEAD),)),
        "not_connected",
        "Not connected: commits by jo@example.test belong to no known account,"
        " so it cannot be shown that somebody else reviewed them.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), EMERGENCIES.values(), ids=EMERGENCIES.keys())
def test_review_gate_of_an_emergency(facts, state, reason):
    assert judged(review, facts) == (state, reason)


def test_an_open_gate_names_who_can_review():
    gate = review(change(pull_requests=(pull_request(reviews=(), contributors=(ANN, DEV)),)), DEFAULT)

    assert gate.who == "Anybody but ann and dev can review acme/web#17 at bbbbbbb."


def test_an_outstanding_no_names_who_can_lift_it():
    facts = change(pull_requests=(pull_request(reviews=(build.review(), build.review(by=CLEO, state="changes_requested"))),))

    assert review(facts, DEFAULT).who == "cleo can approve acme/web#17 or dismiss the own review."


def test_accounts_without_a_person_leave_a_doubt():
    unlinked = build.Actor("github:77", "bo-dev")

    gate = review(change(pull_requests=(said({}, author=unlinked, contributors=(unlinked,)),)), DEFAULT)

    assert (gate.state, gate.doubt) == (GateState.MET, "Linked to no person of the portal: bo-dev.")


def test_a_bots_work_leaves_no_doubt():
    gate = review(change(pull_requests=(said({}, author=ROBOT, contributors=(ROBOT,)),)), DEFAULT)

    assert (gate.state, gate.doubt) == (GateState.MET, "")


def test_an_address_with_the_name_of_a_known_account_is_no_stranger():
    facts = change(pull_requests=(said({}, contributors=(ANN, build.Actor("mail:ann@example.test", "Ann"))),))

    assert review(facts, DEFAULT).state == GateState.MET


def test_the_evidence_leads_to_the_pull_request_its_merge_and_its_reviews():
    gate = review(change(pull_requests=(merged(),)), DEFAULT)

    assert [item.ref for item in gate.evidence] == [
        "pull_request:acme/web#17",
        f"commit:acme/web@{ON_MAIN}",
        "review:acme/web#17@github:2",
    ]


def test_words_in_the_portal_do_not_stand_in_for_the_review_of_a_standard_change():
    facts = change(pull_requests=(merged(), promoted(reviews=())), approvals=(approval(by=BOB_IN_PORTAL),))

    assert review(facts, DEFAULT).state == GateState.FAILED


def test_a_release_does_not_move_the_moment_of_a_standard_review():
    late = hotfix(reviews=(build.review(at=62),))

    assert review(change(pull_requests=(late,), releases=(release(),)), DEFAULT).state == GateState.FAILED
    assert minute(62) > late.merged_at
    assert review_finding(late) == "no_review"


def test_bob_is_the_same_person_in_the_portal_and_at_the_forge():
    assert BOB.same_as(BOB_IN_PORTAL)
    assert BOB.same_as(BOBS_OTHER_ACCOUNT)

"""Gates 9 to 12: merge, release, log, review afterwards."""

import pytest

from changes.delivery.actor import Actor
from changes.gates.rules.producing import log, merge, release, review_after
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import (
    ANN,
    API,
    BOB,
    BOB_IN_PORTAL,
    BOBS_OTHER_ACCOUNT,
    CLEO,
    DEV,
    HEAD,
    OLD,
    ON_PROD,
    ROBOT,
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
    push,
    pushed_past,
    staged,
    written,
)
from tests.changes.gates.build import release as released

QUEUE = Actor(account="github:118344674", name="github-merge-queue[bot]", bot=True)
UNMERGED = (merged(), promotion())
BY_BOB = "acme/web#18 merged by bob at 2026-02-02 10:00 UTC"

MERGES = {
    "on the list": (change(), "met", f"{BY_BOB}, who is on the list."),
    "on the list by another account": (
        change(pull_requests=(merged(), promoted(merged_by=BOBS_OTHER_ACCOUNT)), authorised_mergers=(BOB_IN_PORTAL,)),
        "met",
        "acme/web#18 merged by bob-at-night at 2026-02-02 10:00 UTC, who is on the list.",
    ),
    "not on the list": (
        change(pull_requests=(merged(), promoted(merged_by=DEV))),
        "failed",
        "acme/web#18 merged by dev at 2026-02-02 10:00 UTC, who is not on the list of authorised mergers.",
    ),
    "nobody is on the list": (
        change(authorised_mergers=()),
        "failed",
        f"{BY_BOB}, who is not on the list of authorised mergers.",
    ),
    "no list": (
        change(authorised_mergers=None),
        "not_connected",
        f"Not connected: {BY_BOB}; no list of authorised mergers has been approved.",
    ),
    "merged by nobody knows whom": (
        change(pull_requests=(merged(), promoted(merged_by=None))),
        "not_connected",
        "Not connected: acme/web#18 was merged at 2026-02-02 10:00 UTC, and by whom has not been read.",
    ),
    "merged by the merge queue": (
        change(pull_requests=(merged(), promoted(merged_by=QUEUE, queue_sha=promoted().merge_sha))),
        "not_connected",
        "Not connected: acme/web#18 merged by github-merge-queue[bot] at 2026-02-02 10:00 UTC, the merge queue, "
        "and who put it there has not been read.",
    ),
    "put into the merge queue by somebody on the list": (
        change(pull_requests=(merged(), promoted(merged_by=QUEUE, queue_sha=promoted().merge_sha, queued_by=BOB))),
        "met",
        "acme/web#18 merged by github-merge-queue[bot] at 2026-02-02 10:00 UTC, the merge queue, into which it was put by bob, "
        "who is on the list.",
    ),
    "put into the merge queue by somebody else": (
        change(pull_requests=(merged(), promoted(merged_by=QUEUE, queue_sha=promoted().merge_sha, queued_by=ANN))),
        "failed",
        "acme/web#18 merged by github-merge-queue[bot] at 2026-02-02 10:00 UTC, the merge queue, into which it was put by ann, "
        "who is not on the list of authorised mergers.",
    ),
    "merged by another bot": (
        change(pull_requests=(merged(), promoted(merged_by=QUEUE))),
        "failed",
        "acme/web#18 merged by github-merge-queue[bot] at 2026-02-02 10:00 UTC, who is not on the list of authorised mergers.",
    ),
    "open": (change(pull_requests=UNMERGED), "waiting", "acme/web#18 is not merged yet."),
    "no promotion yet": (
        change(pull_requests=(merged(),)),
        "waiting",
        "acme/web: there is no pull request into prod yet.",
    ),
    "nothing yet": (draft(), "waiting", "There is no pull request into prod yet."),
    "two repositories, one promoted": (
        change(pull_requests=(merged(), promoted(), merged(repository=API))),
        "waiting",
        "acme/api: there is no pull request into prod yet.",
    ),
    "merged in a way that nobody knows when": (
        change(pull_requests=(promoted(merged_at=None),)),
        "waiting",
        "acme/web#18 is not merged yet.",
    ),
    "pushed past": (pushed_past(), "failed", "dev pushed aaaaaaa to prod past every pull request."),
    "pushed past, the push not told": (
        pushed_past(direct_pushes=()),
        "failed",
        "A commit was pushed to prod past every pull request.",
    ),
    "pushed past, not confirmed": (
        pushed_past(direct_pushes=(push(confirmed=False),)),
        "failed",
        "dev pushed aaaaaaa to prod past every pull request (reported, not confirmed yet).",
    ),
    "a webhook alone said it": (
        change(pull_requests=(promoted(confirmed=False),)),
        "met",
        f"{BY_BOB}, who is on the list (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), MERGES.values(), ids=MERGES.keys())
def test_merge_gate(facts, state, reason):
    assert judged(merge, facts) == (state, reason)


def test_a_push_past_the_branch_cites_the_clause_of_the_branch():
    assert merge(pushed_past(), DEFAULT).clause == Clause.PROD_RESTRICTED
    assert merge(change(), DEFAULT).clause == Clause.AUTHORISED_MERGE


RUNS = "acme/web#18: ddddddd succeeded in production at 2026-02-02 10:10 UTC."
RELEASES = {
    "the merged commit": (change(), "met", RUNS),
    "failed, then succeeded": (
        change(releases=(released(succeeded=None, state="failed", began=62, label="r3"), released())),
        "met",
        RUNS,
    ),
    "succeeded, since replaced": (change(releases=(released(state="inactive"),)), "met", RUNS),
    "failed": (
        change(releases=(released(succeeded=None, state="failed"),)),
        "failed",
        "acme/web#18: r2 of ddddddd failed.",
    ),
    "failed, then the version before was released": (
        change(releases=(released(succeeded=None, state="failed"), released(commit=OLD, began=75))),
        "failed",
        "acme/web#18: r2 of ddddddd failed.",
    ),
    "failed, and is tried again": (
        change(
            releases=(released(succeeded=None, state="failed"), released(succeeded=None, state="running", began=75, label="r3"))
        ),
        "waiting",
        "acme/web#18: r3 of ddddddd is still running.",
    ),
    "in a state that nobody knows": (
        change(releases=(released(succeeded=None, state="paused"),)),
        "waiting",
        "acme/web#18: r2 of ddddddd is paused.",
    ),
    "still running": (
        change(releases=(released(succeeded=None, state="running"),)),
        "waiting",
        "acme/web#18: r2 of ddddddd is still running.",
    ),
    "succeeded, but nobody knows when": (
        change(releases=(released(succeeded=None),)),
        "waiting",
        "acme/web#18: r2 of ddddddd succeeded at a time that is not known.",
    ),
    "another commit": (
        change(releases=(released(commit=OLD),)),
        "failed",
        "acme/web#18: released aaaaaaa, merged ddddddd.",
    ),
    "another commit before the merge": (
        change(releases=(released(commit=OLD, began=10),)),
        "waiting",
        "acme/web#18: ddddddd is not released yet.",
    ),
    "a release of nobody knows what": (
        change(releases=(released(commit=""),)),
        "waiting",
        "acme/web#18: ddddddd is not released yet.",
    ),
    "only staging": (change(releases=(staged(),)), "waiting", "acme/web#18: ddddddd is not released yet."),
    "no release from anywhere, Fly connected": (
        change(releases=()),
        "waiting",
        "acme/web#18: ddddddd is not released yet.",
    ),
    "no release from anywhere, Fly not connected": (
        change(releases=(), connected=frozenset()),
        "not_connected",
        "Not connected: acme/web#18 is merged, and no release has been reported from anywhere.",
    ),
    "a merge commit that is not known": (
        change(pull_requests=(promoted(merge_sha=""),), releases=(released(commit=""),)),
        "waiting",
        "acme/web#18: an unknown commit is not released yet.",
    ),
    "not merged": (change(pull_requests=UNMERGED), "waiting", "Not merged to prod yet."),
    "nothing yet": (draft(), "waiting", "Not merged to prod yet."),
    "promoted twice, the second counts": (
        change(pull_requests=(promoted(), promoted(number=28, merged_at=minute(64), merge_sha=HEAD))),
        "failed",
        "acme/web#28: released ddddddd, merged bbbbbbb.",
    ),
    "two repositories, one released": (
        change(pull_requests=(promoted(), promoted(repository=API, merge_sha=HEAD)), releases=(released(),)),
        "failed",
        "acme/api#18: released ddddddd, merged bbbbbbb.",
    ),
    "pushed past": (pushed_past(releases=(released(commit=OLD),)), "failed", "What was released was never merged."),
    "a webhook alone said it": (
        change(releases=(released(confirmed=False),)),
        "met",
        RUNS.replace(".", " (reported, not confirmed yet)."),
    ),
    "a webhook alone said that it failed": (
        change(releases=(released(succeeded=None, state="failed", confirmed=False),)),
        "failed",
        "acme/web#18: r2 of ddddddd failed (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), RELEASES.values(), ids=RELEASES.keys())
def test_release_gate(facts, state, reason):
    assert judged(release, facts) == (state, reason)


def test_a_failed_release_can_be_mended():
    gate = release(change(releases=(released(succeeded=None, state="failed"),)), DEFAULT)

    assert gate.who == "Whoever deploys releases the merged commit, or rolls back."


def test_the_evidence_leads_to_the_releases():
    assert [item.ref for item in release(change(), DEFAULT).evidence] == [
        "pull_request:acme/web#18",
        f"commit:acme/web@{ON_PROD}",
        f"release:production/r2@{ON_PROD}",
    ]


LOGS = {
    "Slack is not connected": (
        change(connected=frozenset()),
        "not_connected",
        "Not connected: Slack does not feed the portal yet, so whether the release was logged is not known.",
    ),
    "not released": (change(pull_requests=UNMERGED), "waiting", "Not released to production yet."),
    "released 15 minutes ago": (
        change(as_of=minute(80)),
        "waiting",
        "Released at 2026-02-02 10:05 UTC, and no message is on record.",
    ),
    "released more than 15 minutes ago": (
        change(as_of=minute(80 + 1 / 60)),
        "failed",
        "Released at 2026-02-02 10:05 UTC, and no message is on record.",
    ),
    "logged in time": (
        change(releases=(released(logged_at=minute(80)), released(began=70, logged_at=minute(99)), released(began=71))),
        "met",
        "Logged in Slack at 2026-02-02 10:20 UTC.",
    ),
    "logged late": (
        change(releases=(released(logged_at=minute(81)),)),
        "failed",
        "Logged in Slack at 2026-02-02 10:21 UTC, due by 2026-02-02 10:20 UTC.",
    ),
    "a pushed commit was released": (
        pushed_past(releases=(released(commit=OLD),)),
        "failed",
        "Released at 2026-02-02 10:05 UTC, and no message is on record.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), LOGS.values(), ids=LOGS.keys())
def test_log_gate(facts, state, reason):
    assert judged(log, facts) == (state, reason)


BY_ANN = "Post-implementation review by ann at 2026-02-02 10:20 UTC: went well"
BY_CLEO = "Retrospective review by cleo at 2026-02-02 10:25 UTC: went well"
MISSING = "Post-implementation review is missing, due 2026-02-09 07:40 UTC."
NO_RETROSPECTIVE = "Retrospective review is missing, due 2026-02-05 20:20 UTC."


def retrospective(**values):
    return (written(), written(**({"kind": "retrospective", "by": CLEO, "at": 85} | values)))


AFTERWARDS = {
    "not in production": (change(pull_requests=UNMERGED), "waiting", "Due after the release to production."),
    "written in time": (change(), "met", f"{BY_ANN}."),
    "written in the second it was due": (change(review_due_at=minute(80)), "met", f"{BY_ANN}."),
    "written too late": (
        change(review_due_at=minute(80 - 1 / 60)),
        "failed",
        f"{BY_ANN}, but it was due 2026-02-02 10:19:59 UTC.",
    ),
    "the first one counts": (
        change(reviews_after=(written(by=BOB, at=81), written())),
        "met",
        f"{BY_ANN}.",
    ),
    "missing": (change(reviews_after=()), "waiting", MISSING),
    "missing in the second it is due": (change(reviews_after=(), as_of=minute(10_000)), "waiting", MISSING),
    "overdue": (change(reviews_after=(), as_of=minute(10_001)), "failed", MISSING),
    "missing, no clock yet": (
        change(reviews_after=(), review_due_at=None),
        "waiting",
        "Post-implementation review is missing, its due time is set at the release.",
    ),
    "written, but nobody knows when it was due": (
        change(review_due_at=None),
        "not_connected",
        f"Not connected: {BY_ANN}, and when it was due is not known.",
    ),
    "by a bot": (change(reviews_after=(written(by=ROBOT),)), "waiting", MISSING),
    "pushed past": (pushed_past(), "waiting", MISSING),
    "an emergency, both written": (emergency(), "met", f"{BY_ANN}; {BY_CLEO}."),
    "an emergency without the retrospective": (emergency(reviews_after=(written(),)), "waiting", NO_RETROSPECTIVE),
    "an emergency, overdue": (
        emergency(reviews_after=(written(),), as_of=minute(5_001)),
        "failed",
        NO_RETROSPECTIVE,
    ),
    "the retrospective by the requester": (emergency(reviews_after=retrospective(by=ANN)), "waiting", NO_RETROSPECTIVE),
    "the retrospective by a contributor": (
        emergency(pull_requests=(hotfix(contributors=(ANN, CLEO)),)),
        "waiting",
        NO_RETROSPECTIVE,
    ),
    "the retrospective by who gave the +1 as a review": (
        emergency(reviews_after=retrospective(by=BOB_IN_PORTAL)),
        "waiting",
        NO_RETROSPECTIVE,
    ),
    "the retrospective by who gave the +1 in the portal": (
        emergency(approvals=(approval(by=CLEO, head=HEAD),)),
        "waiting",
        NO_RETROSPECTIVE,
    ),
    "the retrospective by who said no": (
        emergency(approvals=(approval(by=CLEO, head=HEAD, verdict="no"),)),
        "met",
        f"{BY_ANN}; {BY_CLEO}.",
    ),
    "an outcome of two words": (
        change(reviews_after=(written(outcome="partly"),)),
        "met",
        "Post-implementation review by ann at 2026-02-02 10:20 UTC: partly.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_review_after_gate(facts, state, reason):
    assert judged(review_after, facts) == (state, reason)


def test_an_overdue_review_still_names_who_writes_it():
    assert (
        review_after(change(reviews_after=(), as_of=minute(10_001)), DEFAULT).who == "The requester writes it on the change's page."
    )
    assert (
        review_after(emergency(reviews_after=(written(),), as_of=minute(5_001)), DEFAULT).who
        == "Anybody but ann and bob writes it on the change's page."
    )


def test_who_merges_is_told_before_the_merge():
    gate = merge(change(pull_requests=(pull_request(base="prod", number=44),)), DEFAULT)

    assert gate.who == "Somebody on the list of authorised mergers merges acme/web#44 once the gates before this one are met."

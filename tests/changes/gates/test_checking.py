"""Gate 5, CI at the merge: a table of cases."""

import pytest

from changes.gates.rules import ci_finding
from changes.gates.rules.checking import ci
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    HEAD,
    OLD,
    change,
    check,
    draft,
    judged,
    merged,
    pull_request,
    pushed_past,
)

AT_MERGE = build.MERGED_TO_MAIN
BEFORE, AFTER = AT_MERGE - 1 / 60, AT_MERGE + 1 / 60
MERGED = "merged at 2026-02-02 09:20 UTC"
NOT_READ = "Not connected: acme/web#17: no check has reported and the branch's required checks have not been read."

# Checks of a pull request that was merged at 09:20, what is required (None: not read), the finding, the state and the reason.
CASES = {
    "green": ([check()], None, "", "met", "acme/web#17: tests passed on bbbbbbb."),
    "neutral and skipped pass": (
        [check(), check("lint", "neutral"), check("docs", "skipped")],
        None,
        "",
        "met",
        "acme/web#17: tests, lint and docs passed on bbbbbbb.",
    ),
    "green in the second of the merge": ([check(at=AT_MERGE)], None, "", "met", "acme/web#17: tests passed on bbbbbbb."),
    "green a second before the merge": ([check(at=BEFORE)], None, "", "met", "acme/web#17: tests passed on bbbbbbb."),
    "green a second after the merge": (
        [check(at=AFTER)],
        None,
        "ci_missing_merged",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "failed": (
        [check(conclusion="failure")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED}.",
    ),
    "timed out": (
        [check(conclusion="timed_out")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with timed_out on bbbbbbb, {MERGED}.",
    ),
    "cancelled": (
        [check(conclusion="cancelled")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with cancelled on bbbbbbb, {MERGED}.",
    ),
    "asks for action": (
        [check(conclusion="action_required")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with action_required on bbbbbbb, {MERGED}.",
    ),
    "completed with nothing": (
        [check(conclusion="")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with no result on bbbbbbb, {MERGED}.",
    ),
    "one green, one failed": (
        [check(), check("lint", "failure")],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: lint ended with failure on bbbbbbb, {MERGED}.",
    ),
    "failed, run again with success": (
        [check(conclusion="failure", at=10), check(at=12)],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "green, run again with failure": (
        [check(at=10), check(conclusion="failure", at=12)],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED}.",
    ),
    "both in one second": (
        [check(conclusion="failure"), check()],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED}.",
    ),
    "failed, run again with success after the merge": (
        [check(conclusion="failure"), check(at=AFTER)],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED}.",
    ),
    "green, run again with failure after the merge": (
        [check(), check(conclusion="failure", at=AFTER)],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "failed only after the merge": (
        [check(conclusion="failure", at=AFTER)],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "another check began with the merge": (
        [check(), check("deploy", "failure", at=AFTER)],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "pending, then green": (
        [check(status="pending", conclusion="", at=10), check(at=12)],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "begun at a time that is not known, then green": (
        [check(status="in_progress", conclusion="", at=None), check()],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "run again and still running at the merge": (
        [check(at=10), check(status="in_progress", conclusion="", at=12), check("lint")],
        None,
        "ci_missing_merged",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "running at the merge, green afterwards": (
        [check(status="in_progress", conclusion="", at=12), check(at=AFTER), check("lint")],
        None,
        "ci_missing_merged",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "begun, and never heard of again": (
        [check(status="queued", conclusion="", at=None)],
        None,
        "",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "done at a time that is not known": (
        [check(at=None)],
        None,
        "ci_missing_merged",
        "failed",
        f"acme/web#17: tests had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "green on an older head": ([check(commit=OLD)], None, "", "not_connected", NOT_READ),
    "no check at all": ([], None, "", "not_connected", NOT_READ),
    "only the portal's own": ([check("Countersign", "failure")], None, "", "not_connected", NOT_READ),
    "the required one is green": ([check()], ("tests",), "", "met", "acme/web#17: tests passed on bbbbbbb."),
    "another one failed": (
        [check(), check("lint", "failure")],
        ("tests",),
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "the required one failed": (
        [check(conclusion="failure"), check("lint")],
        ("tests",),
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED}.",
    ),
    "a required one did not report": (
        [check()],
        ("tests", "build"),
        "ci_missing_merged",
        "failed",
        f"acme/web#17: build had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "a required one reported after the merge": (
        [check(), check("build", at=AFTER)],
        ("tests", "build"),
        "ci_missing_merged",
        "failed",
        f"acme/web#17: build had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "a required one failed after the merge": (
        [check(), check("build", "failure", at=AFTER)],
        ("tests", "build"),
        "failed_ci_merged",
        "failed",
        f"acme/web#17: build had no result on bbbbbbb by the merge, {MERGED}.",
    ),
    "the portal's own is required as well": (
        [check(), check("Countersign", "failure")],
        ("Countersign", "tests"),
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
    "nothing is required, and all are green": ([check()], (), "", "met", "acme/web#17: tests passed on bbbbbbb."),
    "nothing is required, and nothing reported": (
        [],
        (),
        "",
        "failed",
        f"acme/web#17: the branch requires no check and none has reported on bbbbbbb, {MERGED}.",
    ),
    "a webhook alone said that it is green": (
        [check(confirmed=False)],
        None,
        "",
        "met",
        "acme/web#17: tests passed on bbbbbbb (reported, not confirmed yet).",
    ),
    "a webhook alone said that it failed": (
        [check(conclusion="failure", confirmed=False)],
        None,
        "failed_ci_merged",
        "failed",
        f"acme/web#17: tests ended with failure on bbbbbbb, {MERGED} (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("checks", "required", "finding", "state", "reason"), CASES.values(), ids=CASES.keys())
def test_ci_of_a_merged_pull_request(checks, required, finding, state, reason):
    pr = merged(checks=tuple(checks), required_checks=required)

    assert ci_finding(pr) == finding
    assert judged(ci, change(pull_requests=(pr,))) == (state, reason)


OPEN = {
    "green": ([check()], None, "met", "acme/web#17: tests passed on bbbbbbb."),
    "failed": ([check(conclusion="failure")], None, "waiting", "acme/web#17: tests ended with failure on bbbbbbb."),
    "run again after a success": (
        [check(at=10), check(status="in_progress", conclusion="", at=12)],
        None,
        "waiting",
        "acme/web#17: tests had no result on bbbbbbb yet.",
    ),
    "one done, one running": (
        [check(), check("lint", status="in_progress", conclusion="", at=None)],
        None,
        "waiting",
        "acme/web#17: lint had no result on bbbbbbb yet.",
    ),
    "not reported": ([], ("tests",), "waiting", "acme/web#17: tests had no result on bbbbbbb yet."),
    "nothing required, nothing reported": (
        [],
        (),
        "waiting",
        "acme/web#17: the branch requires no check and none has reported on bbbbbbb.",
    ),
    "nothing known": ([], None, "not_connected", NOT_READ),
}


@pytest.mark.parametrize(("checks", "required", "state", "reason"), OPEN.values(), ids=OPEN.keys())
def test_ci_of_an_open_pull_request(checks, required, state, reason):
    facts = change(pull_requests=(pull_request(checks=tuple(checks), required_checks=required),))

    assert judged(ci, facts) == (state, reason)


CHANGES = {
    "no pull request yet": (draft(), "waiting", "There is no pull request to check yet."),
    "pushed past": (pushed_past(), "failed", "A commit went to prod without checks."),
    "work and promotion": (change(), "met", "acme/web#17: tests passed on bbbbbbb; acme/web#18: tests passed on ccccccc."),
    "a back merge has no say": (
        change(pull_requests=(merged(), merged(number=19, role="back_merge", checks=(check(conclusion="failure"),)))),
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), CHANGES.values(), ids=CHANGES.keys())
def test_ci_gate(facts, state, reason):
    assert judged(ci, facts) == (state, reason)


def test_an_open_gate_names_who_gets_it_green():
    gate = ci(change(pull_requests=(pull_request(checks=(check(conclusion="failure"),)),)), DEFAULT)

    assert gate.who == "ann gets the checks of acme/web#17 green; CI reports by itself."


def test_the_evidence_leads_to_the_checks():
    gate = ci(change(pull_requests=(pull_request(checks=(check(), check("lint", "failure"))),)), DEFAULT)

    assert [(item.label, item.ref) for item in gate.evidence] == [
        ("acme/web#17", "pull_request:acme/web#17"),
        ("lint: failure", f"check:acme/web@{HEAD}:lint"),
        ("tests: success", f"check:acme/web@{HEAD}:tests"),
    ]


QUEUE = "e" * 40
IN_QUEUE = {"queue_sha": QUEUE}
MERGED_AS = {"queue_sha": QUEUE, "merge_sha": QUEUE}

# A pull request in a merge queue: is it merged, its checks, the finding, the state and the reason.
QUEUED = {
    "not tried there yet": (False, [check()], "met", "acme/web#17: tests passed on bbbbbbb."),
    "tried there, running": (
        False,
        [check(), check(commit=QUEUE, status="in_progress", conclusion="", at=16)],
        "waiting",
        "acme/web#17: tests had no result on bbbbbbb yet.",
    ),
    "tried there, green": (
        False,
        [check(), check(commit=QUEUE, at=17)],
        "met",
        "acme/web#17: tests passed on eeeeeee in the merge queue.",
    ),
    "tried there, failed": (
        False,
        [check(), check(commit=QUEUE, conclusion="failure", at=17)],
        "waiting",
        "acme/web#17: tests ended with failure on eeeeeee in the merge queue.",
    ),
    "failed on its head, green there": (
        False,
        [check(conclusion="failure"), check(commit=QUEUE, at=17)],
        "met",
        "acme/web#17: tests passed on eeeeeee in the merge queue.",
    ),
    "there first, on its head again later": (
        False,
        [check(commit=QUEUE, at=12), check(conclusion="failure", at=17)],
        "met",
        "acme/web#17: tests passed on eeeeeee in the merge queue.",
    ),
    "one there, another only on its head": (
        False,
        [check("lint"), check(commit=QUEUE, at=17)],
        "met",
        "acme/web#17: lint and tests passed on bbbbbbb and eeeeeee in the merge queue.",
    ),
    "merged as it was tried": (
        True,
        [check(commit=QUEUE, at=17)],
        "met",
        "acme/web#17: tests passed on eeeeeee in the merge queue.",
    ),
    "merged, failed there after the merge": (
        True,
        [check(commit=QUEUE, at=17), check(commit=QUEUE, conclusion="failure", at=AFTER)],
        "met",
        "acme/web#17: tests passed on eeeeeee in the merge queue.",
    ),
    "merged although it had failed there": (
        True,
        [check(), check(commit=QUEUE, conclusion="failure", at=17)],
        "failed",
        f"acme/web#17: tests ended with failure on eeeeeee in the merge queue, {MERGED}.",
    ),
    "the portal's own check there": (
        True,
        [check(), check("Countersign", "failure", commit=QUEUE, at=17)],
        "met",
        "acme/web#17: tests passed on bbbbbbb.",
    ),
}


@pytest.mark.parametrize(("is_merged", "checks", "state", "reason"), QUEUED.values(), ids=QUEUED.keys())
def test_what_a_merge_queue_tried_counts_over_the_head(is_merged, checks, state, reason):
    made = merged(checks=tuple(checks), **MERGED_AS) if is_merged else pull_request(checks=tuple(checks), **IN_QUEUE)

    assert judged(ci, change(pull_requests=(made,))) == (state, reason)


def test_a_check_on_another_head_of_the_queue_has_no_say():
    assert ci_finding(merged(checks=(check(), check(commit=OLD, conclusion="failure", at=17)), **MERGED_AS)) == ""

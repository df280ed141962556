"""Gate 7: proof in staging before the merge to prod, and the sign-off."""

from datetime import timedelta

import pytest

from changes.gates.facts import GateState
from changes.gates.rules import staging_finding
from changes.gates.rules.staging import staging
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    API,
    HEAD,
    MIA,
    OLD,
    ON_MAIN,
    ON_PROD,
    ROBOT,
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
    sign_off,
    staged,
    with_parameters,
)

AT_PROD = build.MERGED_TO_PROD
BEFORE, AFTER = AT_PROD - 1 / 60, AT_PROD + 1 / 60
PROVED = "ccccccc succeeded in staging at 2026-02-02 09:30 UTC"
NOT_ASKED = "a sign-off is not asked for in this repository"
WAS_MERGED = "and it was merged to prod at 2026-02-02 10:00 UTC"

RELEASES = {
    "in time": ((staged(),), ""),
    "in the second of the merge": ((staged(succeeded=AT_PROD),), ""),
    "a second before": ((staged(succeeded=BEFORE),), ""),
    "a second after": ((staged(succeeded=AFTER),), "no_staging"),
    "never": ((), "no_staging"),
    "another commit": ((staged(commit=OLD),), "no_staging"),
    "a commit that is not known": ((staged(commit=""),), "no_staging"),
    "another environment": ((staged(environment="development"),), "no_staging"),
    "only production": ((release(commit=ON_MAIN, succeeded=30),), "no_staging"),
    "failed": ((staged(succeeded=None, state="failed"),), "no_staging"),
    "still running": ((staged(succeeded=None, state="running"),), "no_staging"),
    "succeeded, since replaced": ((staged(state="inactive"),), ""),
    "succeeded, but nobody knows when": ((staged(succeeded=None),), "no_staging"),
    "failed, then succeeded": ((staged(succeeded=None, state="failed"), staged(succeeded=40)), ""),
}


@pytest.mark.parametrize(("releases", "finding"), RELEASES.values(), ids=RELEASES.keys())
def test_staging_finding_of_a_promotion(releases, finding):
    assert staging_finding(promoted(), releases, DEFAULT) == finding


@pytest.mark.parametrize(("releases", "finding"), RELEASES.values(), ids=RELEASES.keys())
def test_the_gate_of_a_promotion_is_met_or_failed_as_the_finding_says(releases, finding):
    gate = staging(change(releases=releases), DEFAULT)

    assert gate.state == (GateState.FAILED if finding else GateState.MET)


SOAKS = {
    "stood there for exactly the soak": (30, ""),
    "a second short of it": (30 + 1 / 60, "no_staging"),
}


@pytest.mark.parametrize(("succeeded", "finding"), SOAKS.values(), ids=SOAKS.keys())
def test_staging_finding_counts_the_soak(succeeded, finding):
    parameters = with_parameters(staging_soak=timedelta(minutes=30))

    assert staging_finding(promoted(), (staged(succeeded=succeeded),), parameters) == finding


def test_the_finding_of_a_pull_request_without_a_head_is_that_nothing_was_staged():
    assert staging_finding(promoted(head_sha=""), (staged(commit=""),), DEFAULT) == "no_staging"


CASES = {
    "an emergency": (
        emergency(),
        "not_needed",
        "An emergency may skip staging; its retrospective review looks at that.",
    ),
    "nothing yet": (draft(), "waiting", "There is nothing to test in staging yet."),
    "pushed past": (pushed_past(), "failed", "A commit went to prod without staging."),
    "work is open": (change(pull_requests=(pull_request(),)), "waiting", "acme/web#17 is not merged to main yet."),
    "work is merged and staged": (
        change(pull_requests=(merged(),)),
        "met",
        f"acme/web#17: {PROVED}; {NOT_ASKED}.",
    ),
    "work is merged, not staged": (
        change(pull_requests=(merged(),), releases=()),
        "waiting",
        "acme/web#17: ccccccc has not been released to staging.",
    ),
    "work is merged, its release runs": (
        change(pull_requests=(merged(),), releases=(staged(succeeded=None, state="running"),)),
        "waiting",
        "acme/web#17: in staging, r1 of ccccccc is still running.",
    ),
    "staged at a time to come": (
        change(pull_requests=(merged(),), as_of=minute(29)),
        "waiting",
        f"acme/web#17: {PROVED}.",
    ),
    "only the later work was staged, which holds the earlier": (
        change(
            pull_requests=(merged(number=16, merge_sha=OLD, merged_at=minute(18)), merged()),
        ),
        "met",
        f"acme/web#17: {PROVED}; {NOT_ASKED}.",
    ),
    "only the earlier work was staged": (
        change(pull_requests=(merged(number=16, merge_sha=OLD, merged_at=minute(18)), merged()), releases=(staged(commit=OLD),)),
        "waiting",
        "acme/web#17: ccccccc has not been released to staging.",
    ),
    "promotion open": (
        change(pull_requests=(merged(), promotion())),
        "met",
        f"acme/web#18: {PROVED}; {NOT_ASKED}.",
    ),
    "promotion merged, its work was staged by its own merge": (
        change(pull_requests=(merged(), promoted(head_sha=OLD))),
        "met",
        f"acme/web#18: {PROVED}; {NOT_ASKED}.",
    ),
    "promotion merged before the later work was": (
        change(pull_requests=(merged(merged_at=minute(61)), promoted(head_sha=OLD))),
        "failed",
        f"acme/web#18: aaaaaaa has not been released to staging, {WAS_MERGED}.",
    ),
    "merged, staged afterwards": (
        change(releases=(staged(succeeded=75),)),
        "failed",
        f"acme/web#18: ccccccc succeeded in staging at 2026-02-02 10:15 UTC, {WAS_MERGED}.",
    ),
    "merged, staging failed": (
        change(releases=(staged(succeeded=None, state="failed"),)),
        "failed",
        f"acme/web#18: in staging, r1 of ccccccc failed, {WAS_MERGED}.",
    ),
    "work went to prod directly": (
        change(pull_requests=(hotfix(),)),
        "failed",
        f"acme/web#44: bbbbbbb has not been released to staging, {WAS_MERGED}.",
    ),
    "work went to prod directly, its head was staged": (
        change(pull_requests=(hotfix(),), releases=(staged(commit=HEAD),)),
        "met",
        f"acme/web#44: bbbbbbb succeeded in staging at 2026-02-02 09:30 UTC; {NOT_ASKED}.",
    ),
    "two repositories, one staged": (
        change(pull_requests=(merged(), merged(repository=API, merge_sha=OLD))),
        "waiting",
        "acme/api#17: aaaaaaa has not been released to staging.",
    ),
    "two repositories, one not merged": (
        change(pull_requests=(merged(), pull_request(repository=API))),
        "waiting",
        "acme/api#17 is not merged to main yet.",
    ),
    "a webhook alone said it": (
        change(releases=(staged(confirmed=False),)),
        "met",
        f"acme/web#18: {PROVED}; {NOT_ASKED} (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), CASES.values(), ids=CASES.keys())
def test_staging_gate(facts, state, reason):
    assert judged(staging, facts) == (state, reason)


def test_a_soak_that_is_not_over_is_said():
    parameters = with_parameters(staging_soak=timedelta(hours=2))

    assert judged(staging, change(pull_requests=(merged(), promotion())), parameters) == (
        "waiting",
        f"acme/web#18: {PROVED} and has to stand there for 2:00:00.",
    )


def asked(**values):
    """A change of a repository that asks for the sign-off."""
    return change(approved_by="portal", **values)


SIGNED = f"acme/web#18: {PROVED}, signed off by Mia at 2026-02-02 09:35 UTC."
NOT_SIGNED = f"acme/web#18: {PROVED}, but nobody signed it off before the merge to prod."
SIGN_OFFS = {
    "signed off": (asked(sign_offs=(sign_off(),)), "met", SIGNED),
    "nobody did": (asked(), "failed", NOT_SIGNED),
    "nobody did yet": (
        asked(pull_requests=(merged(), promotion())),
        "waiting",
        f"acme/web#18: {PROVED}, but nobody signed it off yet.",
    ),
    "in the second of the success": (
        asked(sign_offs=(sign_off(at=30),)),
        "met",
        f"acme/web#18: {PROVED}, signed off by Mia at 2026-02-02 09:30 UTC.",
    ),
    "before it was there": (asked(sign_offs=(sign_off(at=30 - 1 / 60),)), "failed", NOT_SIGNED),
    "in the second of the merge": (
        asked(sign_offs=(sign_off(at=AT_PROD),)),
        "met",
        f"acme/web#18: {PROVED}, signed off by Mia at 2026-02-02 10:00 UTC.",
    ),
    "after the merge": (asked(sign_offs=(sign_off(at=AFTER),)), "failed", NOT_SIGNED),
    "of another commit": (asked(sign_offs=(sign_off(commit=OLD),)), "failed", NOT_SIGNED),
    "by a bot": (asked(sign_offs=(sign_off(by=ROBOT),)), "failed", NOT_SIGNED),
    "twice, and the first counts": (asked(sign_offs=(sign_off(at=36, by=build.BOB), sign_off(at=35, by=MIA))), "met", SIGNED),
    "before the promotion is there": (
        asked(pull_requests=(merged(),), sign_offs=(sign_off(),)),
        "met",
        f"acme/web#17: {PROVED}, signed off by Mia at 2026-02-02 09:35 UTC.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), SIGN_OFFS.values(), ids=SIGN_OFFS.keys())
def test_staging_gate_where_a_sign_off_is_asked_for(facts, state, reason):
    assert judged(staging, facts) == (state, reason)


def test_a_policy_version_can_do_without_sign_offs():
    assert judged(staging, asked(), with_parameters(sign_off_needed=False)) == ("met", f"acme/web#18: {PROVED}; {NOT_ASKED}.")


def test_the_evidence_leads_to_release_and_sign_off():
    gate = staging(asked(sign_offs=(sign_off(),)), DEFAULT)

    assert [item.ref for item in gate.evidence] == [
        "pull_request:acme/web#18",
        f"commit:acme/web@{ON_PROD}",
        f"release:staging/r1@{ON_MAIN}",
        f"sign_off:user:5@{ON_MAIN}",
    ]

"""Freezes in gate 9 and in the deploy gate: what holds, what passes, and what is only told."""

import pytest

from changes.gates.facts import FreezeFact
from changes.gates.rules.producing import merge
from changes.gates.verdict import decide, evaluate, summary
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import (
    API,
    BOB,
    HEAD,
    MERGED_TO_PROD,
    NOW,
    ON_MAIN,
    ON_PROD,
    WEB,
    change,
    draft,
    emergency,
    hotfix,
    judged,
    merged,
    minute,
    promoted,
    promotion,
    pushed_past,
    staged,
    with_parameters,
)

UNMERGED = (merged(), promotion())
BY_BOB = "acme/web#18 merged by bob at 2026-02-02 10:00 UTC, who is on the list"
WAITS = "acme/web#18 waits until 2026-02-02 12:20 UTC: the freeze End of year holds production."
IN_IT = "acme/web#18 was merged at 2026-02-02 10:00 UTC, in the freeze End of year and without an override."


def freeze(begins=50, ends=200, hard=True, name="End of year", overridden=None, environments=("production",), repositories=(WEB,)):
    """In force from ten minutes before the merge to production, until long after now."""
    return FreezeFact(
        name=name,
        hard=hard,
        starts_at=minute(begins),
        ends_at=minute(ends),
        environments=environments,
        repositories=repositories,
        overridden_at=None if overridden is None else minute(overridden),
        overridden_by=() if overridden is None else ("Bob", "Cleo"),
    )


def waiting(*freezes, **values):
    return change(pull_requests=UNMERGED, releases=(staged(),), freezes=freezes, **values)


def done(*freezes, **values):
    return change(freezes=freezes, **values)


HELD = {
    "none": (waiting(), "waiting", "acme/web#18 is not merged yet."),
    "a hard one": (waiting(freeze()), "waiting", WAITS),
    "beginning now": (waiting(freeze(begins=NOW)), "waiting", WAITS),
    "ending now": (waiting(freeze(ends=NOW)), "waiting", "acme/web#18 is not merged yet."),
    "beginning later": (waiting(freeze(begins=NOW + 1)), "waiting", "acme/web#18 is not merged yet."),
    "of staging": (waiting(freeze(environments=("staging",))), "waiting", "acme/web#18 is not merged yet."),
    "of another repository": (waiting(freeze(repositories=(API,))), "waiting", "acme/web#18 is not merged yet."),
    "the longest of two": (waiting(freeze(ends=100, name="Audit"), freeze()), "waiting", WAITS),
    "a soft one": (
        waiting(freeze(hard=False)),
        "waiting",
        "acme/web#18 is not merged yet; the soft freeze End of year asks to wait until 2026-02-02 12:20 UTC.",
    ),
    "an override": (
        waiting(freeze(overridden=80)),
        "waiting",
        "acme/web#18 is not merged yet; the freeze End of year was overridden by Bob and Cleo.",
    ),
    "an override of one of two": (waiting(freeze(overridden=80, name="Audit"), freeze()), "waiting", WAITS),
    "before any pull request": (draft(freezes=(freeze(),)), "waiting", "There is no pull request into prod yet."),
    "merged before it": (done(freeze(begins=MERGED_TO_PROD + 1)), "met", f"{BY_BOB}."),
    "merged after it": (done(freeze(ends=MERGED_TO_PROD)), "met", f"{BY_BOB}."),
    "merged in it": (done(freeze()), "failed", IN_IT),
    "merged in the second it began": (done(freeze(begins=MERGED_TO_PROD)), "failed", IN_IT),
    "merged in it with an override": (
        done(freeze(overridden=MERGED_TO_PROD)),
        "met",
        f"{BY_BOB}; the freeze End of year was overridden by Bob and Cleo.",
    ),
    "overridden after the merge": (done(freeze(overridden=MERGED_TO_PROD + 1)), "failed", IN_IT),
    "merged in a soft one": (
        done(freeze(hard=False)),
        "met",
        f"{BY_BOB}; the soft freeze End of year asks to wait until 2026-02-02 12:20 UTC.",
    ),
    "merged in it, by whom is not known": (
        done(freeze(), pull_requests=(merged(), promoted(merged_by=None))),
        "failed",
        IN_IT,
    ),
    "pushed past everything": (
        pushed_past(freezes=(freeze(),)),
        "failed",
        "dev pushed aaaaaaa to prod past every pull request.",
    ),
    "an emergency": (
        emergency(freezes=(freeze(),)),
        "met",
        "acme/web#44 merged by bob at 2026-02-02 10:00 UTC, who is on the list; the freeze End of year does not hold emergencies.",
    ),
    "an emergency that nobody declared": (
        emergency(freezes=(freeze(),), declared=False),
        "failed",
        "acme/web#44 was merged at 2026-02-02 10:00 UTC, in the freeze End of year and without an override.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), HELD.values(), ids=HELD.keys())
def test_merge_gate_in_a_freeze(facts, state, reason):
    assert judged(merge, facts) == (state, reason)


def test_a_policy_may_hold_emergencies_too():
    facts = emergency(freezes=(freeze(),))

    assert judged(merge, facts, with_parameters(freezes_hold_emergencies=True))[0] == "failed"


def test_a_held_merge_names_its_clause_and_who_can_do_what():
    gate = merge(waiting(freeze()), DEFAULT)

    assert (gate.clause, gate.held) == (Clause.PROD_RESTRICTED, True)
    assert gate.who == "After it, or once two people have overridden it on the change's page."
    assert not merge(waiting(), DEFAULT).held


def test_a_change_that_a_freeze_holds_is_not_ready():
    ready, held = summary(evaluate(waiting(), DEFAULT)), summary(evaluate(waiting(freeze()), DEFAULT))

    assert ready[:2] == ("ok", "Ready for production.")
    assert held == ("warn", "Not ready: 1 gate open.", f"Waiting for authorised merge. {WAITS}")


def decided(facts, environment="production", commit=ON_PROD):
    found = decide(facts, DEFAULT, environment=environment, commit=commit)
    return found.allow, found.reasons, found.notes


HOLDS = "The freeze End of year holds production until 2026-02-02 12:20 UTC. After it, or once two people have overridden it"
EARLIER = freeze(begins=MERGED_TO_PROD + 1)


def test_what_was_merged_before_a_freeze_is_not_deployed_in_it():
    assert decided(done(EARLIER)) == (False, (f"{HOLDS} on the change's page.",), ())


def test_an_override_opens_the_deploy_gate_and_is_told():
    overridden = freeze(begins=MERGED_TO_PROD + 1, overridden=80)

    assert decided(done(overridden)) == (True, (), ("The freeze End of year was overridden by Bob and Cleo.",))


def test_a_soft_freeze_is_told_and_does_not_close_the_deploy_gate():
    soft = freeze(begins=MERGED_TO_PROD + 1, hard=False)

    assert decided(done(soft)) == (True, (), ("The soft freeze End of year asks to wait until 2026-02-02 12:20 UTC.",))


def test_an_emergency_is_deployed_in_a_freeze():
    facts = emergency(pull_requests=(hotfix(reviews=hotfix().reviews),), releases=(), freezes=(freeze(),))

    allowed, reasons, notes = decided(facts)

    assert (allowed, reasons) == (True, ())
    assert "The freeze End of year does not hold emergencies." in notes


def test_a_freeze_of_staging_holds_staging_alone():
    facts = change(pull_requests=(merged(),), releases=(), freezes=(freeze(environments=("staging",)),))

    assert decided(facts, "staging", ON_MAIN)[0] is False
    assert decided(done(freeze(begins=MERGED_TO_PROD + 1, environments=("staging",))))[0] is True


def test_a_freeze_of_another_repository_of_the_change_holds_the_other_alone():
    facts = done(freeze(begins=MERGED_TO_PROD + 1, repositories=(API,)))

    assert decided(facts) == (True, (), ())
    assert decided(facts, commit=HEAD)[0] is False


def test_the_builder_is_merged_by_somebody_on_the_list():
    assert change().pull_requests[1].merged_by == BOB

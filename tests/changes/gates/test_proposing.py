"""Gates 1, 3 and 6: description, pull request, way back."""

import pytest

from changes.gates.rules.proposing import proposal, pull_request, rollback
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    CLEO,
    change,
    draft,
    emergency,
    judged,
    merged,
    minute,
    promoted,
    promotion,
    push,
    pushed_past,
)

UNMERGED = (merged(), promotion())
ASKED = "ann writes it into the pull request's description or the proposal."
NO_WHY = "Revision 3 does not say why it is done."
DESCRIBED = "Described in revision 3, standard."

PROPOSALS = {
    "complete": (change(), "met", DESCRIBED),
    "from the form": (draft(), "met", DESCRIBED),
    "no why, before the merge to prod": (change(why="", what="", tested="", pull_requests=UNMERGED), "waiting", NO_WHY),
    "no why, after it": (change(why="", what="", tested=""), "failed", NO_WHY),
    "only white space": (change(why=" \n\t", what="", tested="", pull_requests=UNMERGED), "waiting", NO_WHY),
    "a description without the heading": (change(why=""), "met", DESCRIBED),
    "a description that only says how it was tested": (change(why="", what=""), "met", DESCRIBED),
    "a form without a why": (draft(why=""), "waiting", NO_WHY),
    "no title": (draft(title=" "), "waiting", "Revision 3 does not say what it is called."),
    "no category": (draft(category=""), "waiting", "Revision 3 does not say whether it is standard or an emergency."),
    "nothing": (
        draft(title="", why="", category="urgent"),
        "waiting",
        "Revision 3 does not say what it is called, why it is done and whether it is standard or an emergency.",
    ),
    "pushed past, without a word": (pushed_past(why="", what="", tested=""), "failed", NO_WHY),
    "an emergency may say it afterwards": (
        emergency(why="", what="", tested="", as_of=minute(5_000)),
        "waiting",
        NO_WHY,
    ),
    "an emergency after its retrospective was due": (
        emergency(why="", what="", tested="", as_of=minute(5_001)),
        "failed",
        NO_WHY,
    ),
    "an emergency whose clock has not started": (
        emergency(why="", what="", tested="", retrospective_due_at=None),
        "waiting",
        NO_WHY,
    ),
    "a webhook alone brought the text": (
        change(pull_requests=(merged(confirmed=False),)),
        "met",
        "Described in revision 3, standard (reported, not confirmed yet).",
    ),
    "a form text is sure whatever the pull request": (
        change(opened_by="form", pull_requests=(merged(confirmed=False),)),
        "met",
        DESCRIBED,
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), PROPOSALS.values(), ids=PROPOSALS.keys())
def test_proposal_gate(facts, state, reason):
    assert judged(proposal, facts) == (state, reason)


def test_a_missing_description_names_who_writes_it():
    assert proposal(change(why="", what="", tested="", pull_requests=UNMERGED), DEFAULT).who == ASKED


def test_a_requester_without_a_name_is_still_asked():
    facts = draft(why="", requester=build.Actor("github:7", ""))

    assert proposal(facts, DEFAULT).who == "The requester writes it into the pull request's description or the proposal."


PULL_REQUESTS = {
    "work": (change(pull_requests=(merged(),)), "met", "acme/web#17 by ann."),
    "work and promotion": (change(), "met", "acme/web#17 by ann; acme/web#18 by ann."),
    "only a promotion": (change(pull_requests=(promoted(),)), "met", "acme/web#18 by ann."),
    "only a back merge": (
        change(pull_requests=(merged(role="back_merge"),)),
        "waiting",
        "No pull request is linked yet.",
    ),
    "none yet": (draft(), "waiting", "No pull request is linked yet."),
    "closed without a merge": (
        change(pull_requests=(build.pull_request(state="closed"),)),
        "waiting",
        "acme/web#17 was closed without a merge.",
    ),
    "one closed, one open": (
        change(pull_requests=(build.pull_request(state="closed"), build.pull_request(number=20))),
        "met",
        "acme/web#20 by ann.",
    ),
    "into a branch of its own": (change(pull_requests=(build.pull_request(base="feature"),)), "met", "acme/web#17 by ann."),
    "a webhook alone said it": (
        change(pull_requests=(merged(confirmed=False),)),
        "met",
        "acme/web#17 by ann (reported, not confirmed yet).",
    ),
    "pushed past": (
        pushed_past(),
        "failed",
        "dev pushed aaaaaaa to prod at 2026-02-02 09:50 UTC without a pull request.",
    ),
    "pushed past twice, and one not confirmed": (
        pushed_past(direct_pushes=(push(), push(by=CLEO, commit="", at=51, confirmed=False))),
        "failed",
        "dev pushed aaaaaaa to prod at 2026-02-02 09:50 UTC and cleo pushed an unknown commit to prod at"
        " 2026-02-02 09:51 UTC without a pull request (reported, not confirmed yet).",
    ),
    "opened by the portal, the push not told": (
        pushed_past(direct_pushes=()),
        "failed",
        "A commit went to prod without a pull request.",
    ),
    "a pull request afterwards does not make it good": (
        pushed_past(pull_requests=(merged(),)),
        "failed",
        "dev pushed aaaaaaa to prod at 2026-02-02 09:50 UTC without a pull request.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), PULL_REQUESTS.values(), ids=PULL_REQUESTS.keys())
def test_pull_request_gate(facts, state, reason):
    assert judged(pull_request, facts) == (state, reason)


def test_a_push_is_evidence_by_its_commit():
    assert [item.ref for item in pull_request(pushed_past(), DEFAULT).evidence] == [f"commit:acme/web@{build.OLD}"]


NO_UNDO = "Revision 3 does not say how to undo it."
NO_SNAPSHOT = "Revision 3 does not say its snapshot and how to restore it, and it has a database migration."
OF_THE_DATABASE = "Revision 3 does not say its snapshot and how to restore it, and it is a change of the database."
NO_LOSS = "Revision 3 does not say what data is lost on the way back, and it names a snapshot."
SAYS_BOTH = "Revision 3 says how to undo it, names its snapshot and says what data is lost."
SNAPSHOT = {"snapshot": "snap-7", "data_loss": "An hour of orders."}
NOT_READ = "Not connected: the changed paths have not been read, so a migration, which needs a snapshot, cannot be ruled out."

ROLLBACKS = {
    "said, no migration": (change(), "met", "Revision 3 says how to undo it; it has no migration."),
    "said, with a migration and its snapshot": (change(has_migration=True, **SNAPSHOT), "met", SAYS_BOTH),
    "said, with a snapshot, paths not read": (change(has_migration=None, **SNAPSHOT), "met", SAYS_BOTH),
    "of the database, with its snapshot": (change(kind="database", **SNAPSHOT), "met", SAYS_BOTH),
    "of the database, without": (change(kind="database", pull_requests=UNMERGED), "waiting", OF_THE_DATABASE),
    "of the database, paths not read": (change(kind="database", has_migration=None), "failed", OF_THE_DATABASE),
    "of the database, with a migration": (change(kind="database", has_migration=True), "failed", NO_SNAPSHOT),
    "a snapshot without the loss, before": (change(snapshot="snap-7", pull_requests=UNMERGED), "waiting", NO_LOSS),
    "a snapshot without the loss, after": (change(snapshot="snap-7", data_loss=" "), "failed", NO_LOSS),
    "a loss without a snapshot": (change(has_migration=True, data_loss="None."), "failed", NO_SNAPSHOT),
    "back to a named release": (
        change(target_release="acme-web v12"),
        "met",
        "Revision 3 says how to undo it, back to acme-web v12; it has no migration.",
    ),
    "back to a named release, with a snapshot": (
        change(target_release=" v12\n ", **SNAPSHOT),
        "met",
        "Revision 3 says how to undo it, names its snapshot and says what data is lost, back to v12.",
    ),
    "back to a release of many words": (
        change(target_release="v" * 61),
        "met",
        f"Revision 3 says how to undo it, back to {'v' * 59}…; it has no migration.",
    ),
    "only a release": (change(rollback="", target_release="acme-web v12"), "failed", NO_UNDO),
    "said, paths not read": (change(has_migration=None), "not_connected", NOT_READ),
    "migration without a snapshot, before": (change(has_migration=True, pull_requests=UNMERGED), "waiting", NO_SNAPSHOT),
    "migration without a snapshot, after": (change(has_migration=True, snapshot=" "), "failed", NO_SNAPSHOT),
    "not said, before": (change(rollback="", pull_requests=UNMERGED), "waiting", NO_UNDO),
    "not said, after": (change(rollback=" \n"), "failed", NO_UNDO),
    "not said, only the snapshot": (change(rollback="", snapshot="snap-7"), "failed", NO_UNDO),
    "an emergency says it afterwards": (emergency(rollback="", as_of=minute(5_000)), "waiting", NO_UNDO),
    "an emergency said it too late": (emergency(rollback="", as_of=minute(5_001)), "failed", NO_UNDO),
    "an emergency with a migration": (emergency(has_migration=True), "waiting", NO_SNAPSHOT),
    "a webhook alone brought the text": (
        change(pull_requests=(merged(confirmed=False),)),
        "met",
        "Revision 3 says how to undo it; it has no migration (reported, not confirmed yet).",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), ROLLBACKS.values(), ids=ROLLBACKS.keys())
def test_rollback_gate(facts, state, reason):
    assert judged(rollback, facts) == (state, reason)


def test_a_missing_snapshot_cites_its_own_clause():
    assert rollback(change(has_migration=True), DEFAULT).clause == Clause.SNAPSHOT
    assert rollback(change(snapshot="snap-7"), DEFAULT).clause == Clause.SNAPSHOT
    assert rollback(change(rollback=""), DEFAULT).clause == Clause.ROLLBACK


def test_an_emergency_is_told_by_when_the_plan_is_due():
    assert rollback(emergency(rollback=""), DEFAULT).who == "ann writes it down, at the latest for the retrospective."
    assert rollback(change(rollback="", pull_requests=UNMERGED), DEFAULT).who == "ann writes it down."

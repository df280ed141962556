"""The route beside the proposal form: the rules that judge later, over what stands in the form."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.desk.proposing.diffs import AROUND, Shown, differing
from changes.desk.proposing.route import Typed, route_of
from changes.desk.proposing.route_words import ANNOUNCED, JUDGED_NOW
from changes.gates.gate import Code
from changes.proposals import actions, submitting
from changes.proposals.sections import TEXT_FIELDS
from changes.proposals.templates_of_kinds import TEMPLATES
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import with_parameters
from tests.changes.people import person
from tests.changes.proposals.test_actions import approve, pull
from tests.changes.proposals.test_actions import repository as repository  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "Jobs wait.", "rollback": "Redeploy.", "category": "standard", "size": "normal"}


@pytest.fixture
def ann():
    return person("Ann")


def route(by, change=None, parameters=None, **more):
    extra = {"parameters": parameters} if parameters else {}
    return route_of(Typed(given={**GIVEN, **more}, by=by, at=AT, change=change, **{"parameters": DEFAULT, **extra}))


def steps(found):
    return {step.name: (step.state, step.words) for step in found.steps}


def test_every_gate_has_words():
    assert set(ANNOUNCED) | JUDGED_NOW == set(Code)


def test_a_standard_change_needs_no_meeting_and_says_what_comes(ann):
    person("Bob")
    found = route(ann)

    assert (found.tone, found.headline) == ("ok", "Normal so far: no meeting needed")
    assert [value for _, value, _ in found.classes] == ["standard", "normal", "application"]
    assert found.approvers == "Bob may, unless they contribute."
    told = steps(found)
    assert len(told) == 12
    assert told["Proposal"][0] == "met"
    assert told["Decision"][0] == "not_needed"
    assert told["Approval"][1].startswith("One approval by people who took no part")
    assert "within 15 minutes" in told["Log"][1]
    assert "within 5 working days" in told["Review after"][1]


def test_an_empty_form_says_what_is_missing(ann):
    told = steps(route(ann, title="", why="", rollback=TEMPLATES["application"].texts["rollback"]))

    assert told["Proposal"] == ("waiting", "Revision 1 does not say what it is called and why it is done.")
    assert told["Rollback plan"] == ("waiting", "Revision 1 does not say how to undo it.")


def test_a_database_change_needs_its_snapshot_and_then_the_loss(ann):
    assert "its snapshot" in steps(route(ann, kind="database"))["Rollback plan"][1]
    assert "what data is lost" in steps(route(ann, kind="database", snapshot="snap-7"))["Rollback plan"][1]
    assert steps(route(ann, kind="database", snapshot="snap-7", data_loss="None."))["Rollback plan"][0] == "met"


def test_answers_make_a_change_large_and_the_reasons_are_shown(ann):
    found = route(ann, answer_access="yes", answer_reach="all", answer_undo="hard")

    assert (found.tone, found.headline) == ("warn", "Large: the architecture meeting decides first")
    assert (found.risk.level, found.risk.points) == ("high", 12)
    decision = steps(found)["Decision"][1]
    assert decision.startswith("The architecture meeting decides it before the work begins.")
    assert "access-control" in decision
    assert steps(found)["Approval"][1].startswith("2 approvals")


def test_an_emergency_needs_one_plus_one_and_two_reviews(ann):
    person("Cleo")
    found = route(ann, category="emergency", size="large")

    assert (found.tone, found.headline) == ("bad", "Emergency: one +1 opens the way")
    assert steps(found)["Staging"][0] == "not_needed"
    assert steps(found)["Approval"][1] == "One +1 by somebody else, at the latest when the release begins."
    assert "retrospective review by somebody else within 2 working days" in steps(found)["Review after"][1]
    assert found.approvers == "Cleo may, unless they contribute."


def test_parameters_of_the_policy_are_what_is_said(ann):
    other = with_parameters(
        staging_soak=timedelta(hours=2), sign_off_needed=False, log_within=timedelta(minutes=1), review_within_working_days=1
    )
    told = steps(route(ann, parameters=other))

    assert told["Staging"][1] == "The same commit is released to staging, stays there for 2 hours."
    assert "within 1 minute." in told["Log"][1]
    assert "within 1 working day " in told["Review after"][1]


def test_without_anybody_who_may_approve_it_says_so(ann):
    assert route(ann).approvers.startswith("Nobody may at present.")


def test_many_approvers_are_counted(ann):
    for name in "ABCDEFGH":
        person(f"Approver {name}", "approver")

    assert route(ann).approvers.endswith("Approver F and 2 more may, unless they contribute.")


def test_what_nobody_sees_is_named(ann):
    assert route(ann, why="a\u200bb\u202e", title="plain\u00ad").hidden == ["“Why” holds U+200B, U+202E"]


def change_with_approval(ann, repository, **more):
    change = submitting.submit(given={**GIVEN, **more}, by=ann, ready=True, at=AT)
    actions.link(change=change, pull_request=pull(repository, paths=["web/app.py"]), role="work", reason="x", actor="portal", at=AT)
    approve(change, person("Bob"))
    change.refresh_from_db()
    return change


def test_an_edit_is_judged_before_it_is_saved(ann, repository):
    change = change_with_approval(ann, repository)

    plan, slip, same = (route(ann, change, **more) for more in ({"rollback": "Other."}, {"why": "Jobs wiat."}, {}))

    assert (plan.edit.words, plan.edit.tone) == ("This edit will end 1 approval", "warn")
    assert plan.edit.why == "“How to undo it” was edited, and every edit there is material."
    assert (slip.edit.words, slip.edit.tone) == ("This edit leaves 1 approval standing", "ok")
    assert same.edit is None
    assert steps(same)["Pull request"][0] == "met"
    assert change.reasons["asked"] == {"category": "standard", "size": "normal"}


def test_the_words_of_an_emergency_bind_to_its_commit(ann):
    change = submitting.submit(given={**GIVEN, "category": "emergency"}, by=ann, ready=True, at=AT)

    assert "bind to its commit" in route(ann, change, category="emergency", rollback="Other.").edit.words


def test_long_unchanged_stretches_are_left_out_of_a_diff():
    before = dict.fromkeys(TEXT_FIELDS, "") | {"why": f"{'a' * 1000} old {'b' * 1000} end"}
    after = {**before, "why": before["why"].replace("old", "new").replace("end", "END")}

    [section] = differing(before, after)

    assert section.pieces[0] == Shown("same", "", 1001 - AROUND)
    assert [piece.skipped for piece in section.pieces if piece.skipped] == [1001 - AROUND, 1002 - 2 * AROUND]
    assert "".join(piece.text for piece in section.before if piece.kind == "removed") == "oldend"
    assert [piece.skipped for piece in differing(before, after, whole=True)[0].pieces] == [0] * 6
    assert differing(before, before) == []

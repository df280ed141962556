"""Questions to the deploy gate: whole and short commits, promotions, rollbacks, doubts, freezes; every answer is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from changes.calendar import actions as calendar
from changes.calendar import overriding
from changes.calendar.facts import Span
from changes.delivery.models import PullRequest, Release, Repository
from changes.exceptions.asking import ask_gate
from changes.exceptions.models import ExceptionRecord
from changes.gates import modes
from changes.gates.facts import FreezeFact
from changes.gates.freezes import freeze_facts
from changes.gates.models import GateAnswer, GateModeConfirmation, Verdict
from changes.proposals import actions as proposals
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.access.models import User
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes import stories
from tests.changes.people import person
from tests.changes.stories import NOW
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
WEB = "acme/web"
DAY = timedelta(days=1)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def standard(client):
    """The story of the standard change, before everything else of the test."""
    stories.told(client, "dev.standard-change")


@pytest.fixture
def violations(client):
    """The story of violations, before everything else of the test."""
    stories.told(client, "dev.violations")


@pytest.fixture
def ask(ann):
    def ask(commit, environment="production", repository=WEB, at=NOW + DAY):
        return ask_gate(repository=repository, commit=commit, environment=environment, by=ann, token=None, at=at)[0]

    return ask


def in_production():
    """The commit that the story's promotion became on prod."""
    return PullRequest.objects.filter(base_ref="prod").exclude(merge_sha="").latest("merged_at").merge_sha


def test_a_commit_is_named_whole_or_by_its_first_digits(standard, ask):
    commit = in_production()

    answers = [ask(commit[:digits]) for digits in (40, 12, 7)]

    assert [(answer.commit, [str(change) for change in answer.changes]) for answer in answers] == [(commit, ["CHG-1001"])] * 3
    assert [answer.reasons for answer in answers] == [answers[0].reasons] * 3


def test_digits_that_begin_two_commits_are_denied(standard, ask):
    commit = in_production()
    other = commit[:9] + ("0" if commit[9] != "0" else "1") * 31
    PullRequest.objects.filter(base_ref="main").update(head_sha=other)

    answer = ask(commit[:9])

    assert (answer.allow, answer.certain) == (False, True)
    assert answer.reasons == (f"{commit[:9]} begins 2 commits of acme/web. Write more of its digits.",)


QUESTIONS = {
    "another repository": ("acme/nothing", "abcdef1", "production", "acme/nothing is not in scope."),
    "no repository": ("", "abcdef1", "production", " is not in scope."),
    "a script": ("<script>\x00", "abcdef1", "production", "<script>«U+0000» is not in scope."),
    "another environment": (WEB, "abcdef1", "moon", "'moon' is no environment: write development, staging, production."),
    "no commit": (WEB, "xyz", "production", "'xyz' is no commit: write its SHA, at least 7 digits."),
    "six digits": (WEB, "abcdef", "production", "'abcdef' is no commit: write its SHA, at least 7 digits."),
    "an unknown commit": (WEB, "abcdef1", "production", "No change is known for commit abcdef1 of acme/web."),
}


def test_what_cannot_be_answered_is_denied_and_kept(standard, ask, ann):
    answers = {name: ask(commit, environment, repository) for name, (repository, commit, environment, _) in QUESTIONS.items()}

    reasons = {name: reason for name, (*_, reason) in QUESTIONS.items()}
    assert {name: (answer.allow, answer.reasons) for name, answer in answers.items()} == {
        name: (False, (reason,)) for name, reason in reasons.items()
    }
    kept = GateAnswer.objects.order_by("id")
    assert [(row.allow, row.reasons, row.by, row.token) for row in kept] == [
        (False, [each], ann, None) for each in reasons.values()
    ]
    assert not any("\x00" in row.repository for row in kept)


def test_development_is_not_gated(standard, ask):
    answer = ask("abcdef1", "development")

    assert (answer.allow, answer.notes) == (True, ("Development is not gated by the policy.",))


def test_a_question_costs_one_write(standard, ann):
    with CaptureQueriesContext(connection) as seen:
        ask_gate(repository=WEB, commit=in_production(), environment="production", by=ann, token=None, at=NOW)

    writes = [query["sql"] for query in seen if query["sql"].startswith(("INSERT", "UPDATE", "DELETE", "SELECT portal_ledger"))]
    assert len(writes) == 1
    assert writes[0].startswith('INSERT INTO "changes_gateanswer"')
    assert str(GateAnswer.objects.get()).startswith("acme/web ")


def test_an_answer_is_never_changed(standard, ask):
    ask("abcdef1")

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        GateAnswer.objects.update(allow=True)


def test_every_change_of_a_promotion_has_to_pass(standard, ask, ann):
    commit = in_production()
    second = submitting.submit(given=GIVEN, by=ann, ready=True, at=NOW)
    promotion = PullRequest.objects.get(merge_sha=commit)
    proposals.link(change=second, pull_request=promotion, role="promotion", reason="carried", actor="portal", at=NOW)

    answer = ask(commit)

    assert [str(change) for change in answer.changes] == ["CHG-1001", "CHG-1002"]
    assert (answer.allow, len(answer.gates)) == (False, 24)
    assert {reason.partition(":")[0] for reason in answer.reasons} == {"CHG-1001"}
    assert GateAnswer.objects.get().changes == [1001, 1002]


def released(commit, at, *, environment="production", **values):
    """A release that succeeded, as Fly tells of it."""
    row = {"repository": Repository.objects.get(), "source": "fly", "app": "web", "environment": environment, "commit_sha": commit}
    number = Release.objects.count() + 100
    return Release.objects.create(
        **(row | values), vendor_id=str(number), version=number, state="succeeded", created_at=at, succeeded_at=at, reported_at=at
    )


LATER = "e" * 40


def test_a_release_back_to_what_ran_before_and_was_allowed_is_allowed_and_says_so(standard, ask, ann):
    commit = in_production()
    PullRequest.objects.filter(merge_sha=commit).update(head_sha="f" * 40)  # its approval no longer fits: the gates say no
    assert ask(commit).allow is False
    kept(ann, commit, allow=True)
    released(LATER, NOW + timedelta(hours=1))

    answer = ask(commit)

    assert (answer.allow, answer.rollback, answer.reasons) == (True, True, ())
    assert answer.notes[-1].startswith(f"This goes back to {commit[:7]}, which ran in production from ")
    assert answer.notes[-1].endswith(" and was allowed then. eeeeeee runs now.")
    assert GateAnswer.objects.latest("id").rollback


def kept(by, commit, **values):
    """An answer that the gate gave earlier."""
    return GateAnswer.objects.create(repository=WEB, commit=commit, environment="production", by=by, at=NOW, **values)


@pytest.mark.parametrize(("outcome", "allowed"), [("compliant", True), ("unproven", True), ("not_compliant", False)])
def test_the_frozen_verdict_of_its_release_counts_as_well(standard, ask, outcome, allowed):
    commit = in_production()
    row = released(commit, NOW)
    released(LATER, NOW + timedelta(hours=1))
    frozen_verdict(row, outcome)

    assert ask(commit).rollback == allowed


@transaction.atomic
def frozen_verdict(release, outcome):
    given = {"gates": [], "facts": {}, "facts_digest": "", "rules_version": "1", "policy_version": "1", "at": NOW}
    cover(Verdict.objects.create(change=Change.objects.get(), moment="release", subject=str(release), outcome=outcome, **given))


def test_what_never_ran_there_or_runs_there_now_is_no_rollback(standard, ask, ann):
    commit = in_production()
    kept(ann, commit, allow=True)

    assert not ask(commit).rollback
    Release.objects.update(environment="staging")
    released(LATER, NOW + timedelta(hours=1))
    assert not ask(commit).rollback


def test_what_passed_on_a_doubt_is_not_gone_back_to(violations, ask, ann):
    commit = in_production()
    released(commit, NOW)
    released(LATER, NOW + timedelta(hours=1))
    kept(ann, commit, allow=True, failed_open=True)

    assert (ask(commit).allow, ask(commit).rollback) == (False, False)


def frozen_now(**values):
    """Everything is frozen from now on, by the chair."""
    given = {"name": "End of year", "level": "hard", "environments": ["production"], "repositories": [], "apps": [], "reason": "x"}
    span = Span(NOW + timedelta(hours=1), NOW + 5 * DAY)
    return calendar.set_freeze(**(given | values), span=span, by=somebody("Cleo"), at=NOW)


def somebody(name):
    """The person of that name, made when there is none."""
    return User.objects.filter(name=name).first() or person(name)


def test_nothing_goes_out_in_a_hard_freeze(standard, ask):
    commit = in_production()
    assert not any("freeze" in reason for reason in ask(commit).reasons)
    frozen_now()

    assert any("The freeze End of year holds production until" in reason for reason in ask(commit).reasons)


def test_the_facts_of_a_change_hold_its_freezes_and_who_overrode_them(standard, ann):
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=NOW)
    Change.objects.filter(pk=change.pk).update(repository_names=[WEB, "acme/api"])
    change.refresh_from_db()
    freeze = frozen_now(repositories=[WEB])
    frozen_now(name="Elsewhere", repositories=["acme/other"])
    assert freeze_facts([change], at=NOW) == {}
    held = freeze_facts([change], at=NOW + DAY)
    row = overriding.ask_override(change=change, freeze=freeze, reason="x", by=person("Bob"), at=NOW)
    overriding.confirm_override(override=row, digest=row.digest, by=freeze.by, authenticated_at=NOW, at=NOW)

    let_out = freeze_facts([change], at=NOW + DAY)

    expected = FreezeFact("End of year", True, freeze.starts_at, freeze.ends_at, ("production",), (WEB,))
    assert held == {change.pk: (expected,)}
    assert let_out == {change.pk: (replace(expected, overridden_at=NOW, overridden_by=("Bob", "Cleo")),)}


def test_a_rollback_goes_out_in_a_freeze(standard, ask, ann):
    commit = in_production()
    kept(ann, commit, allow=True)
    released(LATER, NOW + timedelta(hours=1))
    frozen_now()

    answer = ask(commit)

    assert (answer.allow, answer.rollback) == (True, True)
    assert any("The freeze End of year holds production" in note for note in answer.notes)


def opened(at=NOW, until=NOW + 5 * DAY, environment="production"):
    """The gate of production lets doubts pass: compliance asked, the chair confirmed."""
    repository = Repository.objects.get()
    row = modes.ask_to_open(
        repository=repository, environment=environment, until=until, reason="Fly cannot be read", by=somebody("Mia"), at=at
    )
    modes.confirm_open(gate_mode=row, digest=row.digest, by=somebody("Cleo"), at=at)
    return row


def test_a_doubt_passes_only_where_two_people_let_it_and_opens_an_exception(standard, ask):
    assert ask("abcdef1").allow is False
    opened()

    answer, again = ask("abcdef1"), ask("abcdef1")

    assert (answer.allow, answer.failed_open, again.failed_open) == (True, True, True)
    assert answer.reasons == ("No change is known for commit abcdef1 of acme/web.",)
    assert answer.notes[-1].startswith("The gate is open for what it cannot judge until ")
    record = ExceptionRecord.objects.get(kind="gate_failed_open")
    assert (record.subject, record.confirmed, record.evidence["asked_by"]) == ("production:abcdef1", True, "Ann")
    assert [row.failed_open for row in GateAnswer.objects.order_by("id")] == [False, True, True]


def test_an_open_gate_lets_no_certain_no_pass(violations, ask):
    opened()

    answer = ask(in_production())

    assert (answer.allow, answer.certain, answer.failed_open) == (False, True, False)
    assert not ExceptionRecord.objects.filter(kind="gate_failed_open").exists()


def test_an_open_gate_holds_in_a_freeze(standard, ask):
    opened()
    frozen_now()

    assert ask(in_production()).allow is False


def test_an_open_gate_closes_by_itself_and_at_once(standard, ask):
    opened(until=NOW + DAY)
    repository = Repository.objects.get()

    assert ask("abcdef1", at=NOW + DAY - timedelta(seconds=1)).allow
    assert not ask("abcdef1", at=NOW + DAY).allow
    assert not ask("abcdef1", "staging").allow
    mode = modes.close(repository=repository, environment="production", reason="Read again", by=person("Dora", "chair"), at=NOW)
    assert not ask("abcdef1", at=NOW + timedelta(minutes=1)).allow
    with pytest.raises(Stale, match="closed already"):
        modes.close(repository=repository, environment="production", reason="x", by=mode.by, at=NOW + timedelta(minutes=1))


def test_a_gate_is_opened_by_two_people_with_a_reason_and_an_end(standard):
    repository, mia, cleo = Repository.objects.get(), person("Mia"), person("Cleo")

    def wish(**values):
        given = {"repository": repository, "environment": "production", "until": NOW + DAY, "reason": "x", "by": mia, "at": NOW}
        return modes.ask_to_open(**(given | values))

    for wrong in ({"environment": "development"}, {"until": NOW}, {"until": NOW + 31 * DAY}, {"reason": " "}):
        with pytest.raises(Refused):
            wish(**wrong)
    row = wish()
    assert list(modes.waiting(at=NOW)) == [row]
    assert modes.open_until(repository=repository, environment="production", at=NOW) is None
    with pytest.raises(Refused, match="asked for this yourself"):
        modes.confirm_open(gate_mode=row, digest=row.digest, by=mia, at=NOW)
    with pytest.raises(DatabaseError, match="another person"), transaction.atomic():
        GateModeConfirmation.objects.create(gate_mode=row, by=mia, at=NOW)
    with pytest.raises(Stale, match="not what you read"):
        modes.confirm_open(gate_mode=row, digest="0" * 64, by=cleo, at=NOW)
    with pytest.raises(Stale, match="72 hours"):
        modes.confirm_open(gate_mode=row, digest=row.digest, by=cleo, at=NOW + 3 * DAY)

    confirmation = modes.confirm_open(gate_mode=row, digest=row.digest, by=cleo, at=NOW)

    assert (str(row), str(confirmation)) == ("acme/web production open", "acme/web production open confirmed")
    assert modes.open_until(repository=repository, environment="production", at=NOW) == NOW + DAY
    assert [entry.kind for entry in entries_about(stream="gate:acme/web:production")] == ["gate.opened", "gate.opening_asked"]


def test_only_chair_and_compliance_decide_on_open_gates(standard):
    row = opened()
    where, acts = {"repository": row.repository, "reason": "x", "at": NOW}, {}
    acts["ask"] = lambda by: modes.ask_to_open(**where, environment="staging", until=NOW + DAY, by=by)
    acts["confirm"] = lambda by: modes.confirm_open(gate_mode=row, digest=row.digest, by=by, at=NOW)
    acts["close"] = lambda by: modes.close(**where, environment="production", by=by)

    for name in ("Ann", "Bob", "Dev", "Uma", "Rex"):
        by = person(name)
        for act in acts.values():
            with pytest.raises(Refused, match=f"{name} may not decide on waivers"):
                act(by)

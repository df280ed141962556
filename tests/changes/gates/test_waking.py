"""Gates follow the beginning and the end of a freeze by themselves; answers of the deploy gate are sealed day by day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils.timezone import now

from changes.calendar import actions
from changes.calendar.facts import Span
from changes.calendar.models import FreezeMark
from changes.delivery.models import PullRequest, Release, Repository
from changes.exceptions.asking import ask_gate
from changes.gates import waking
from changes.gates.actions import reassess
from changes.gates.models import GateAnswer
from changes.gates.sealing import plain, seal_day, unsealed_days
from changes.gates.tasks import judge_freezes, seal_gate_answers
from changes.proposals import actions as proposals
from changes.proposals.models import Change
from portal.ledger.queries import entries_about
from portal.outbox.models import Effect
from tests.changes.desk.calendars import HOUR, WEB, frozen, proposed, soon
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def at():
    return now().replace(microsecond=0)


@pytest.fixture
def repository(at):
    return Repository.objects.create(name=WEB, in_scope_from=at)


@pytest.fixture
def ready(repository, at):
    """A change with an open promotion, so that it has a check run and a merge gate that waits."""
    change = proposed(person("Ann"), at)
    row = PullRequest.objects.create(
        repository=repository,
        number=18,
        title="Promote",
        state="open",
        head_ref="main",
        head_sha="d" * 40,
        base_ref="prod",
        reported_at=at,
        touched_at=at,
    )
    proposals.link(change=change, pull_request=row, role="promotion", reason="carried", actor="portal", at=at)
    reassess(change=Change.objects.get(pk=change.pk), at=at)
    return change


def merge_gate(change):
    kept = Change.objects.get(pk=change.pk).assessment
    return next(gate["reason"] for gate in kept["gates"] if gate["code"] == "merge")


def test_gates_follow_a_freeze_at_its_beginning_and_at_its_end(ready, at):
    freeze = frozen(at, span=soon(at, 1, 2))
    assert (waking.moved(at=at), waking.judge_moved(at=at)) == ([], 0)

    assert waking.judge_moved(at=at + HOUR) == 1
    assert "the freeze End of year holds production" in merge_gate(ready)
    assert waking.judge_moved(at=at + HOUR) == 0
    assert waking.judge_moved(at=at + 3 * HOUR) == 1

    assert merge_gate(ready) == "acme/web#18 is not merged yet."
    assert [(mark.freeze_id, mark.moment) for mark in FreezeMark.objects.order_by("id")] == [
        (freeze.pk, at + HOUR),
        (freeze.pk, at + 3 * HOUR),
    ]
    assert str(FreezeMark.objects.first()).startswith("End of year 20")


def test_the_check_at_the_forge_says_that_a_freeze_holds_it(ready, at):
    frozen(at, span=soon(at, 1, 2))
    waking.judge_moved(at=at + HOUR)

    told = Effect.objects.filter(kind="github.check_run").latest("id").payload

    assert "the freeze End of year holds production" in told["summary"]
    assert told["status"] == "in_progress"


def test_a_freeze_that_is_ended_early_lets_go_at_once(ready, at):
    freeze = frozen(at, span=soon(at, 0, 48))
    waking.judge_moved(at=at)

    actions.end_freeze(freeze=freeze, reason="Done", by=freeze.by, at=at + HOUR)

    assert waking.judge_moved(at=at + HOUR) == 1
    assert merge_gate(ready) == "acme/web#18 is not merged yet."


def test_a_freeze_that_never_began_and_one_long_over_wake_nobody(ready, at):
    freeze = frozen(at, span=soon(at, 5, 5))
    actions.end_freeze(freeze=freeze, reason="Not needed", by=freeze.by, at=at)
    frozen(at, name="Long ago", span=soon(at, 1, 1))

    assert waking.moved(at=at + 6 * HOUR)[0][0].name == "Long ago"
    assert waking.moved(at=at + 40 * DAY) == []


def test_only_changes_under_the_freeze_are_judged(ready, repository, at):
    other = proposed(person("Bea", "engineer"), at, "Elsewhere", ("acme/api",))
    reassess(change=other, at=at)
    Release.objects.create(
        repository=repository,
        source="fly",
        vendor_id="1",
        app="web-prod",
        environment="production",
        state="succeeded",
        created_at=at,
        reported_at=at,
    )
    frozen(at, name="By app", span=soon(at, 1, 2), apps=["web-prod"])
    frozen(at, name="By name", span=soon(at, 1, 2), repositories=["acme/api"])

    assert waking.judge_moved(at=at + HOUR) == 2
    assert "By app" in merge_gate(ready)


def test_a_run_ends_in_time_and_the_next_goes_on(ready, at, monkeypatch):
    other = proposed(person("Bea", "engineer"), at, "Elsewhere")
    reassess(change=other, at=at)
    frozen(at, span=soon(at, 1, 2))
    monkeypatch.setattr(waking, "AT_ONCE", 1)

    runs = [waking.judge_moved(at=at + HOUR) for _ in range(3)]

    assert runs == [1, 1, 0]
    assert FreezeMark.objects.count() == 1


def test_the_task_judges_what_is_due_now(ready, at):
    Change.objects.filter(pk=ready.pk).update(gates_at=at - HOUR)
    frozen(at, span=Span(at, at + DAY))

    judge_freezes()

    assert "holds production" in merge_gate(ready)


def asked(by, at, commit="abcdef1"):
    return ask_gate(repository=WEB, commit=commit, environment="production", by=by, token=None, at=at)[1]


def test_answers_are_sealed_once_their_day_is_over(repository):
    ann = person("Ann")
    noon = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    first, second = asked(ann, noon), asked(ann, noon + HOUR, "abcdef2")
    asked(ann, noon + DAY)

    assert unsealed_days(at=noon + HOUR) == []
    assert unsealed_days(at=noon + DAY) == [date(2026, 11, 2)]
    digest = seal_day(day=date(2026, 11, 2))

    assert unsealed_days(at=noon + DAY) == []
    (entry,) = entries_about(stream="gate_answers:2026-11-02")
    assert dict(entry.fact) == {"day": "2026-11-02", "answers": 2, "last": second.pk, "sha256": digest}
    assert plain(GateAnswer.objects.get(pk=first.pk))["commit"] == "abcdef1"
    assert seal_day(day=date(2026, 11, 3)) != digest


def test_the_task_seals_yesterday(repository, at):
    asked(person("Ann"), at - DAY)

    seal_gate_answers()

    assert len(entries_about(stream=f"gate_answers:{(at - DAY).date()}")) == 1

"""Noise: filtered by a recorded rule, by one field, until a day; kept, counted, and opened again by a person."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery.models import Repository
from changes.exceptions import actions, noise
from changes.exceptions.actions import Found
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


def released(repository, app, *, at=AT, kind="unknown_release"):
    thing = Found(
        kind=kind,
        subject=f"{app} v1",
        key=f"{app}:{at}",
        sentence=f"Somebody released {app}.",
        happened_at=at,
        confirmed=True,
        evidence={"app": app, "actor": "x"},
    )
    return actions.open_exception(repository=repository, found=thing, at=at)


def rule(by, **more):
    values = {"kind": "unknown_release", "field": "app", "pattern": "preview-*", "reason": "Thrown away at night."}
    return noise.make_rule(**{**values, "until": AT + 30 * DAY, "by": by, "at": AT, **more})


def test_what_fits_a_rule_is_kept_and_filtered_and_the_rest_stays_open(repository):
    mia = person("Mia")
    made = rule(mia)

    filtered, other = released(repository, "Preview-42"), released(repository, "web-preview-1")

    assert (filtered.state, other.state) == ("filtered", "open")
    step = filtered.steps.get()
    assert (step.rule, step.by) == (made, None)
    assert "Thrown away at night." in step.note
    kinds = [entry.kind for entry in reversed(entries_about(stream=f"exception:{filtered.pk}"))]
    assert kinds == ["exception.found", "exception.filtered"]
    assert noise.filtered_counts() == {made.pk: 1}


def test_a_person_opens_again_what_a_rule_filtered(repository):
    mia = person("Mia")
    rule(mia)
    record = released(repository, "preview-1")

    actions.answer(record=record, outcome="open", note="this one matters", by=mia, at=AT)

    record.refresh_from_db()
    assert record.state == "open"
    with pytest.raises(Stale):
        actions.filter_out(record=released(repository, "preview-2"), rule=rule(mia), at=AT)


def test_a_rule_counts_from_its_day_to_its_end(repository):
    mia = person("Mia")
    made = rule(mia, until=AT + 2 * DAY)

    inside, after = released(repository, "preview-1", at=AT + DAY), released(repository, "preview-1", at=AT + 2 * DAY)
    ended = noise.end_rule(rule=made, by=mia, at=AT + DAY)

    assert (inside.state, after.state) == ("filtered", "open")
    assert (ended.ended_by, ended.ended_at) == (mia, AT + DAY)
    assert list(noise.rules_in_force(at=AT + DAY)) == []
    with pytest.raises(Stale):
        noise.end_rule(rule=made, by=mia, at=AT + DAY)


def test_a_rule_that_ran_out_cannot_be_ended_and_only_overseers_end_one(repository):
    made = rule(person("Mia"))

    with pytest.raises(Refused):
        noise.end_rule(rule=made, by=person("Bob"), at=AT)
    with pytest.raises(Stale):
        noise.end_rule(rule=made, by=person("Dev"), at=AT + 31 * DAY)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "direct_push", "field": "branch"}, "never filtered"),
        ({"kind": "nonsense"}, "never filtered"),
        ({"field": "sentence"}, "never filtered"),
        ({"pattern": " ** "}, "fits everything"),
        ({"reason": " "}, "needs its reason"),
        ({"until": AT}, "within a year"),
        ({"until": AT + 400 * DAY}, "within a year"),
    ],
)
def test_a_rule_that_hides_too_much_is_refused(wrong, words):
    with pytest.raises(Refused, match=words):
        rule(person("Mia"), **wrong)


@pytest.mark.parametrize("name", ["Ann", "Bob", "Rex"])
def test_only_overseers_say_what_is_noise(name):
    with pytest.raises(Refused, match="architecture team"):
        rule(person(name))


def test_a_rule_is_tried_on_the_last_ninety_days_before_it_is_made(repository):
    near, far = released(repository, "preview-1"), released(repository, "preview-1", at=AT - 91 * DAY)
    released(repository, "web")

    tried = noise.would_filter(kind="unknown_release", field="app", pattern="preview-?", at=AT)

    assert (tried, far in tried) == ([near], False)


def test_a_field_without_a_value_fits_nothing(repository):
    rule(person("Mia"), field="image", pattern="*:latest")

    assert released(repository, "web").state == "open"
    assert noise.fits(pattern="a?c", value="ABC")
    assert not noise.fits(pattern="*a*", value="")


def test_the_subject_is_a_field_too(repository):
    made = rule(person("Mia"), kind="access_granted_outside_process", field="subject", pattern="night-shift v1")

    assert released(repository, "night-shift", kind="access_granted_outside_process").steps.get().rule == made


def test_a_kind_that_is_never_noise_is_not_even_asked_about(repository):
    rule(person("Mia"))

    assert released(repository, "preview-1", kind="no_review").state == "open"

"""A release in a hard freeze is an exception, unless it is a rollback, an emergency, or two people let it out."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.calendar import actions, overriding
from changes.calendar.facts import Span
from changes.delivery.models import PullRequest, Release, Repository
from changes.exceptions.detect import about_releases
from changes.exceptions.freezes import released_in_freeze
from changes.proposals import actions as proposals
from changes.proposals import submitting
from portal.policy.parameters import Parameters
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
COMMIT = "c" * 40
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


@pytest.fixture
def cleo():
    return person("Cleo")


def frozen(by, **values):
    given = {"name": "End of year", "level": "hard", "environments": ["production"], "repositories": [], "apps": [], "reason": "x"}
    return actions.set_freeze(**({**given, "span": Span(AT, AT + 48 * HOUR)} | values), by=by, at=AT)


def released(repository, at=AT + HOUR, **values):
    row = {"source": "fly", "app": "web-prod", "version": 7, "environment": "production", "commit_sha": COMMIT}
    row |= {"actor": "bob-codes"} | values
    number = str(Release.objects.count())
    return Release.objects.create(repository=repository, vendor_id=number, state="succeeded", created_at=at, reported_at=at, **row)


def found(row):
    return [item.sentence for item in released_in_freeze(repository=row.repository, release=row, prefix="r:")]


def carried(repository, **given):
    """A change whose promotion became the commit."""
    change = submitting.submit(given=GIVEN | given, by=person("Ann"), ready=True, at=AT)
    row = PullRequest.objects.create(
        repository=repository,
        number=18,
        title="Promote",
        state="merged",
        head_ref="main",
        head_sha="d" * 40,
        base_ref="prod",
        merge_sha=COMMIT,
        reported_at=AT,
        touched_at=AT,
    )
    proposals.link(change=change, pull_request=row, role="promotion", reason="carried", actor="portal", at=AT)
    return change


SENTENCE = "bob-codes released web-prod v7 to production{} in the freeze End of year, which nobody had overridden for it."


def test_a_release_in_a_hard_freeze_is_found_with_what_it_carried(repository, cleo):
    frozen(cleo)
    carried(repository)

    assert found(released(repository)) == [SENTENCE.format(", with CHG-1001")]


RELEASES = {
    "of a commit that nobody knows": ({"commit_sha": ""}, {}, True),
    "of an app that is frozen": ({}, {"apps": ["web-prod"]}, True),
    "of a repository that is frozen": ({}, {"repositories": ["acme/web"]}, True),
    "in a soft freeze": ({}, {"level": "soft"}, False),
    "of another app": ({}, {"apps": ["api-prod"]}, False),
    "of another repository": ({}, {"repositories": ["acme/api"]}, False),
    "to staging": ({"environment": "staging"}, {}, False),
    "before it": ({"at": AT - timedelta(seconds=1)}, {}, False),
    "in its first moment": ({"at": AT}, {}, True),
    "after it": ({"at": AT + 48 * HOUR}, {}, False),
}


@pytest.mark.parametrize(("release", "freeze", "expected"), RELEASES.values(), ids=RELEASES.keys())
def test_what_counts_as_a_release_in_a_freeze(repository, cleo, release, freeze, expected):
    frozen(cleo, **freeze)

    assert found(released(repository, **release)) == ([SENTENCE.format("")] if expected else [])


def test_a_release_after_the_freeze_was_ended_is_none_in_it(repository, cleo):
    actions.end_freeze(freeze=frozen(cleo), reason="Done", by=cleo, at=AT + HOUR)

    assert found(released(repository, at=AT + HOUR)) == []
    assert len(found(released(repository, at=AT + HOUR - timedelta(seconds=1)))) == 1


def test_a_rollback_is_none(repository, cleo):
    frozen(cleo)
    wrong = released(repository)

    assert found(released(repository, rolls_back=wrong)) == []


def test_what_two_people_let_out_in_time_is_none(repository, cleo):
    freeze = frozen(cleo)
    change = carried(repository)
    row = overriding.ask_override(change=change, freeze=freeze, reason="x", by=person("Bob"), at=AT)
    overriding.confirm_override(override=row, digest=row.digest, by=cleo, authenticated_at=AT + HOUR, at=AT + HOUR)

    assert found(released(repository, at=AT + HOUR)) == []
    assert len(found(released(repository, at=AT + HOUR - timedelta(seconds=1)))) == 1


def test_a_declared_emergency_is_none_unless_the_policy_holds_it(repository, cleo):
    frozen(cleo)
    change = carried(repository, category="emergency")
    row = released(repository)
    strict = Parameters(freezes_hold_emergencies=True)

    assert change.category == "emergency"
    assert found(row) == []
    assert len(list(released_in_freeze(repository=repository, release=row, prefix="r:", parameters=strict))) == 1


def test_the_detector_of_releases_tells_of_it(repository, cleo):
    frozen(cleo)

    looks = list(about_releases(repository=repository, releases=[released(repository)]))

    assert [item.kind for _, items in looks for item in items] == ["unknown_release", "released_in_freeze"]
    assert len({prefix for prefix, _ in looks}) == 1


def test_a_release_that_fly_and_the_forge_both_tell_of_is_found_once(repository, cleo):
    frozen(cleo)
    told = released(repository, source="github", app="", version=None)
    assert len(found(told)) == 1

    fly = released(repository, at=AT + HOUR + timedelta(minutes=2))
    looks = list(about_releases(repository=repository, releases=[fly]))

    assert [item.key.partition(":")[0] for _, items in looks for item in items if item.kind == "released_in_freeze"] == ["release"]
    assert {prefix for prefix, _ in looks} == {f"release:{fly.pk}:", f"release:{told.pk}:"}
    assert found(told) == []
    assert len(found(released(repository, source="github", app="", version=None, at=AT + 3 * HOUR))) == 1

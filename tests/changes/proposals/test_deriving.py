"""What follows from the facts about a change: measured risk, routine updates, and classes by what was read of its files."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction

from changes.delivery.models import PullRequest, Release, Repository
from changes.proposals import actions, following, queries
from changes.proposals.known import Known
from changes.proposals.models import Change
from changes.proposals.refreshing import refresh, refresh_all
from portal.policy.parameters import DEFAULT
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
RENOVATE = {"uid": 29139614, "login": "renovate[bot]", "name": "renovate[bot]", "email": "", "role": "author"}


@pytest.fixture
def web():
    return Repository.objects.create(name="acme/web", in_scope_from=AT - timedelta(days=400))


def pull(repository, number, **values):
    """A pull request; without words an open one of Ann's into main."""
    standard = {
        "title": "Work",
        "state": "open",
        "author_uid": 1,
        "author_login": "ann",
        "head_ref": f"work-{number}",
        "head_sha": f"{number:040x}",
        "base_ref": "main",
        "paths": ["app/web.py"],
        "additions": 3,
        "deletions": 2,
        "opened_at": AT,
        "reported_at": AT,
        "touched_at": AT,
    }
    return PullRequest.objects.create(repository=repository, number=number, **(standard | values))


def followed(row, at=AT):
    """The change of a pull request after it was followed."""
    (change,) = following.follow(pull_request=row, at=at, settled=True)
    change.refresh_from_db()
    return change


def shipped(repository, number, days_ago, **release):
    """Work that went to production so many days ago, with its release."""
    at = AT - timedelta(days=days_ago)
    merged = {"state": "merged", "merged_at": at, "opened_at": at}
    work = pull(repository, number, merge_sha=f"{number:040x}", **merged)
    change = followed(work, at)
    promotion = pull(
        repository,
        number + 1,
        head_ref="main",
        base_ref="prod",
        head_sha=work.merge_sha,
        merge_sha=f"{number:040d}",
        paths=None,
        **merged,
    )
    followed(promotion, at)
    standard = {"app": "web-prod", "state": "succeeded", "succeeded_at": at, "environment": "production", "version": number}
    made = {"repository": repository, "source": "fly", "vendor_id": str(number), "created_at": at, "reported_at": at}
    return change, Release.objects.create(commit_sha=promotion.merge_sha, **made, **(standard | release))


def risk_of(change):
    return [(reason["points"], reason["text"]) for reason in change.risk["reasons"]]


def test_the_risk_is_kept_with_its_reasons(web):
    change = followed(pull(web, 1, paths=["app/web.py", "shared/money.py"], additions=300, deletions=1))

    assert (change.risk_points, change.risk_level) == (3, "low")
    assert risk_of(change) == [
        (2, "Other parts stand on shared/money.py."),
        (1, "301 changed lines, more than 200."),
        (0, "The questionnaire was not answered."),
        (0, "2 files."),
    ]


def test_answers_count(web):
    change = followed(pull(web, 1))
    Change.objects.filter(pk=change.pk).update(reasons={**change.reasons, "asked": {"answers": {"undo": "hard", "reach": "all"}}})

    change = followed(PullRequest.objects.get())

    assert (change.risk_points, change.risk_level) == (9, "medium")
    assert change.reasons["asked"] == {"answers": {"undo": "hard", "reach": "all"}}


FAILURES = {
    "failed": ({"state": "failed", "succeeded_at": None}, 10, "web-prod 7, which changed the same paths, failed"),
    "failed 90 days ago": ({"state": "failed", "succeeded_at": None}, 90, "web-prod 7, which changed the same paths, failed"),
    "failed longer ago": ({"state": "failed", "succeeded_at": None}, 91, ""),
    "succeeded": ({}, 10, ""),
    "in staging": ({"state": "failed", "environment": "staging"}, 10, ""),
}


@pytest.mark.parametrize(("release", "days", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_failed_releases_of_the_same_paths_count(web, release, days, words):
    if "environment" in release:
        _, made = shipped(web, 7, days)
        Release.objects.filter(pk=made.pk).update(**release)
    else:
        shipped(web, 7, days, **release)

    change = followed(pull(web, 20))

    said = [text for points, text in risk_of(change) if points == 2]
    assert [text.partition(" (")[0] for text in said] == ([words] if words else [])


def test_a_release_that_was_rolled_back_counts(web):
    _, release = shipped(web, 7, 10)
    Release.objects.create(
        repository=web,
        source="fly",
        app="web-prod",
        vendor_id="8",
        environment="production",
        state="succeeded",
        rolls_back=release,
        created_at=AT,
        reported_at=AT,
    )

    change = followed(pull(web, 20))

    assert (2, "web-prod 7, which changed the same paths, was rolled back (23 October 2026).") in risk_of(change)


def test_a_failed_release_of_other_paths_or_of_another_repository_does_not_count(web):
    api = Repository.objects.create(name="acme/api", in_scope_from=AT)
    shipped(web, 7, 10, state="failed", succeeded_at=None)

    elsewhere, other = followed(pull(web, 20, paths=["docs/a.md"])), followed(pull(api, 1))

    assert (elsewhere.risk_points, other.risk_points) == (0, 0)


@pytest.mark.parametrize(("days", "points"), [(180, 0), (181, 1)])
def test_paths_that_nobody_touched_for_long_are_unfamiliar(web, days, points):
    shipped(web, 7, days)

    change = followed(pull(web, 20))

    assert (points, f"Its paths were changed last {days} days ago.") in risk_of(change)


def test_apps_in_production_are_its_reach(web):
    shipped(web, 7, 5)
    shipped(web, 9, 4, app="worker-prod")

    change = followed(pull(web, 20))

    assert (1, "It reaches 2 apps in production: web-prod and worker-prod.") in risk_of(change)


def test_after_the_merge_to_production_the_risk_stands(web):
    change, _ = shipped(web, 7, 10)
    before = change.risk

    PullRequest.objects.filter(number=7).update(paths=["shared/money.py"], additions=9000)
    change = followed(PullRequest.objects.get(number=7))

    assert change.state == "released"
    assert change.risk == before


def bot_pull(repository, number=1, **values):
    standard = {
        "author_login": "renovate[bot]",
        "author_is_bot": True,
        "paths": ["package.json", "package-lock.json"],
        "commit_people": [RENOVATE],
        "title": "Update dependency left-pad to v2",
        "body": "This pull request contains the following updates.",
    }
    return pull(repository, number, **(standard | values))


def test_a_bots_dependency_update_is_routine_with_a_way_back_by_rule(web):
    change = followed(bot_pull(web))

    revision = queries.current_revision(change)
    assert change.routine
    assert revision.rollback == DEFAULT.routine_rollback
    assert "by the rule for dependency updates" in revision.rollback


def test_a_way_back_that_the_description_has_stands(web):
    change = followed(bot_pull(web, body="## Rollback\nPin left-pad again."))

    assert queries.current_revision(change).rollback == "Pin left-pad again."


def test_a_person_who_pushes_onto_the_bots_branch_makes_it_ordinary(web):
    row = bot_pull(web)
    followed(row)
    PullRequest.objects.update(commit_people=[RENOVATE, {"uid": 1, "login": "ann", "name": "Ann", "email": "", "role": "author"}])

    change = followed(row)

    assert not change.routine
    assert queries.current_revision(change).rollback == ""


def test_its_lock_files_are_no_lines(web):
    files = [
        {"path": "package.json", "status": "modified", "lines": 2, "added": None},
        {"path": "package-lock.json", "status": "modified", "lines": 9000, "added": None},
    ]

    change = followed(bot_pull(web, files=files, changed_files=2, additions=9000, deletions=2))

    assert (change.size, change.routine) == ("normal", True)
    assert change.reasons["size"][0] == "2 changed lines outside tests and lock files, not more than 800."


def test_a_new_fly_app_is_large_and_a_changed_one_is_not(web):
    def file(status):
        return [{"path": "fly.toml", "status": status, "lines": 2, "added": None}]

    new = followed(pull(web, 1, paths=["fly.toml"], files=file("added")))
    changed = followed(pull(web, 2, paths=["fly.toml"], files=file("modified")))

    assert (new.size, changed.size) == ("large", "normal")
    assert new.reasons["size"][0].startswith("fly.toml is new")


def test_a_migration_is_judged_by_what_it_says(web):
    path = "shop/migrations/0042_remove_price.py"
    harmless = [{"path": path, "status": "added", "lines": 9, "added": ["migrations.AddField(...)"]}]
    losing = [{"path": path, "status": "added", "lines": 9, "added": ["migrations.RemoveField(...)"]}]

    by_name = followed(pull(web, 1, paths=[path]))
    read = followed(pull(web, 2, paths=[path], files=harmless))
    lost = followed(pull(web, 3, paths=[path], files=losing))

    assert (by_name.size, read.size, lost.size) == ("large", "normal", "large")
    assert (3, "A migration of it may lose data.") in risk_of(lost)


def test_a_pull_request_that_was_closed_does_not_class_the_change(web):
    change = followed(pull(web, 1, paths=["dns/a.zone"]))
    PullRequest.objects.filter(number=1).update(state="closed")
    second = pull(web, 2, title=f"{change} again")

    change = followed(second)

    assert (change.kind, change.size) == ("application", "normal")


def test_a_proposal_without_a_pull_request_is_not_looked_at_yet(web):
    change = actions.open_change(texts={"title": "x"}, source="form", at=AT, actor="portal")

    assert (change.risk, change.routine) == ({}, False)


def test_changes_that_follow_together_ask_once_for_what_they_share(web, django_assert_num_queries):
    shipped(web, 20, 9, state="failed", succeeded_at=None)
    rows = [pull(web, number) for number in (1, 2, 3)]
    alone = [followed(row, AT).risk for row in rows]
    changes = list(Change.objects.filter(links__pull_request__in=rows).order_by("id"))
    Change.objects.update(risk={}, risk_points=0)
    linked(ann := person("Ann"), 1, "ann")

    known = Known(at=AT)
    refresh_all(changes=changes[:1], known=known)
    with django_assert_num_queries(0):
        assert known.person_of(rows[1]) == ann
        assert known.apps_of([web.pk]) == ("web-prod",)
    refresh_all(changes=changes[1:], known=known)

    assert [change.risk for change in changes] == alone
    assert [change.requester for change in changes] == [ann] * 3
    assert "failed" in str(alone[0])
    for some in (changes[:1], changes):
        # Locks, texts, links, pull requests, pushes, paths of others, failures, search: as many for three as for one.
        with transaction.atomic(), django_assert_num_queries(8):
            refresh_all(changes=some, known=known)


def test_a_change_that_follows_shows_what_is_on_record_under_its_lock(web):
    change = followed(pull(web, 1))
    Change.objects.filter(pk=change.pk).update(reasons={**change.reasons, "asked": {"size": "large"}})

    with transaction.atomic():
        refresh(change=change, at=AT)
        with ThreadPoolExecutor(1) as other, pytest.raises(OperationalError):
            other.submit(_take, change).result()

    assert (change.size, change.reasons["asked"]) == ("large", {"size": "large"})


def _take(change):
    """Somebody else asks for the lock of the change, and does not wait."""
    try:
        with transaction.atomic():
            Change.objects.select_for_update(nowait=True).get(pk=change.pk)
    finally:
        connection.close()

"""Releases from the stand-in of Fly over HTTP into the tables: commits, states, rollbacks, and nothing twice."""

from datetime import timedelta

import pytest

from changes.connectors.errors import Passing, Permanent
from changes.connectors.fly import sync
from changes.connectors.fly.client import Fly
from changes.connectors.fly.recording import full_commit
from changes.connectors.fly.sync import sync_releases
from changes.connectors.models import Settling, Source
from changes.delivery.models import BranchCommit, PullRequest, Release, Repository
from portal import vault
from tests.changes.connectors.recorded import spoil
from tests.changes.delivery.workshop import START
from tests.standins import fly_standin

__all__ = ["fly_standin"]

pytestmark = pytest.mark.django_db
ANN = "ann@northwind.example"
ONE, TWO = "1" * 40, "2" * 40


def at(minutes=0):
    return START + timedelta(minutes=minutes)


@pytest.fixture
def web():
    return Repository.objects.create(name="northwind/web", in_scope_from=at(-60))


@pytest.fixture
def source(fly_standin, settings, web):
    """Fly, connected, with one app in production."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    fly_standin.create_app(name="web-prod", org="northwind", at=at(-90))
    return Source.objects.create(
        name="fly",
        kind="fly",
        api_url=fly_standin.api_url,
        token_encrypted=vault.seal(fly_standin.token),
        settings={"org": "northwind", "apps": {"web-prod": {"environment": "production", "repository": "northwind/web"}}},
        connected_at=at(-30),
    )


@pytest.fixture
def release(fly_standin):
    """Release web-prod in the stand-in."""

    def make(minutes=0, **options):
        app = options.pop("app", "web-prod")
        return fly_standin.release(app=app, by=ANN, at=at(minutes), **options)

    return make


def test_a_release_that_cannot_be_used_hides_no_other_one_and_is_said(source, release, web, monkeypatch):
    release(sha=ONE)
    release(minutes=1, sha=TWO)
    spoil(
        monkeypatch, "releasesUnprocessed", lambda body: body["data"]["app"]["releasesUnprocessed"]["nodes"][0].update(version=-1)
    )

    with pytest.raises(Permanent, match=r"web-prod: a release cannot be used: release\.version"):
        sync_releases(source=source, at=at(5))

    assert Release.objects.get().commit_sha in ("", ONE)
    monkeypatch.undo()


def rows(*fields):
    return list(Release.objects.order_by("app", "version").values_list(*fields))


def test_a_release_is_recorded_with_all_that_fly_says(source, release, web):
    release(sha=ONE, repository="northwind/web")

    moved = sync_releases(source=source, at=at(5))

    row = Release.objects.get()
    assert moved == [row.pk]
    assert (row.source, row.app, row.version, row.environment, row.repository) == ("fly", "web-prod", 1, "production", web)
    assert (row.commit_sha, row.state, row.actor, row.ref) == (ONE, "succeeded", ANN, ONE)
    assert row.image.startswith(f"registry.fly.io/web-prod:{ONE}@sha256:")
    assert (row.created_at, row.succeeded_at, row.finished_at, row.failed_at) == (at(), at(), at(), None)
    assert (row.reported_at, row.confirmed_at, row.rolls_back) == (at(5), at(5), None)


def test_a_second_run_changes_nothing(source, release):
    release(sha=ONE)
    sync_releases(source=source, at=at(5))
    before = list(Release.objects.values())

    assert sync_releases(source=source, at=at(6)) == []
    assert list(Release.objects.values()) == before


def test_what_has_stood_for_a_day_is_not_compared_with_its_neighbours_again(source, release, django_assert_max_num_queries):
    for number in range(8):
        release(minutes=number, sha=f"{number}" * 40)
    sync_releases(source=source, at=at(10))

    with django_assert_max_num_queries(8):
        assert sync_releases(source=source, at=at(3 * 24 * 60)) == []
    release(minutes=4 * 24 * 60, sha="3" * 40, image="")
    [moved] = sync_releases(source=source, at=at(4 * 24 * 60 + 1))
    assert Release.objects.get(pk=moved).rolls_back.version == 8


def test_only_the_apps_that_are_named_are_asked_about(source, release, fly_standin):
    fly_standin.create_app(name="api-prod", org="northwind", at=at(-90))
    source.settings["apps"]["api-prod"] = {"environment": "production", "repository": ""}
    release(sha=ONE)
    release(app="api-prod", sha=TWO)

    sync_releases(source=source, at=at(5), among={"api-prod"})

    assert rows("app", "commit_sha") == [("api-prod", TWO)]


def test_a_running_release_is_followed_to_its_end(source, release, fly_standin):
    release(sha=ONE, status="running")
    (pk,) = sync_releases(source=source, at=at(1))
    assert rows("state", "succeeded_at") == [("running", None)]
    fly_standin.finish(app="web-prod", version=1, status="complete", at=at(2))

    assert sync_releases(source=source, at=at(3)) == [pk]
    assert rows("state", "succeeded_at", "finished_at") == [("succeeded", at(2), at(2))]


def test_a_release_that_was_overtaken_while_it_ran_is_still_followed(source, release, fly_standin):
    release(sha=ONE, status="running")
    sync_releases(source=source, at=at(1))
    for number in range(30):
        release(2, sha=f"{number:040x}")
    fly_standin.finish(app="web-prod", version=1, status="failed", at=at(3))

    sync_releases(source=source, at=at(4))

    assert rows("version", "state")[0] == (1, "failed")
    assert Release.objects.count() == 31


def test_the_first_run_reads_back_to_the_beginning_of_the_scope(source, release, monkeypatch):
    for number in range(70):
        release(-200 + number * 4, sha=f"{number:040x}")
    pages = []
    original = Fly.releases

    def counted(self, *, app):
        for page in original(self, app=app):
            pages.append(len(page))
            yield page

    monkeypatch.setattr(Fly, "releases", counted)

    sync_releases(source=source, at=at(100))
    first = list(pages)
    sync_releases(source=source, at=at(101))

    assert first == [25, 25]  # the scope began 60 minutes before START; the page that crosses it is kept whole
    assert pages == [25, 25, 25]
    assert Release.objects.count() == 50


def test_the_commit_of_a_release_whose_image_has_no_label_comes_from_its_tag(source, release, web):
    BranchCommit.objects.create(repository=web, branch="prod", sha=ONE, position=1, committed_at=at(), seen_at=at())
    release(image=ONE[:9], labels={})

    sync_releases(source=source, at=at(1))

    assert rows("commit_sha", "ref") == [(ONE, ONE[:9])]


def test_a_short_commit_that_becomes_known_later_is_filled_in(source, release, web):
    release(image=ONE[:9], labels={})
    (pk,) = sync_releases(source=source, at=at(1))
    assert rows("commit_sha") == [("",)]
    BranchCommit.objects.create(repository=web, branch="prod", sha=ONE, position=1, committed_at=at(), seen_at=at())

    assert sync_releases(source=source, at=at(2)) == [pk]
    assert rows("commit_sha") == [(ONE,)]
    assert sync_releases(source=source, at=at(3)) == []


def test_an_image_that_names_no_commit_has_none(source, release):
    release(image="laptop", labels={})

    sync_releases(source=source, at=at(1))

    assert rows("commit_sha", "ref") == [("", "laptop")]


def test_machines_that_contradict_each_other_name_no_commit(source, release, monkeypatch):
    release(image="latest", labels={})
    original = Fly.machines

    def contradicting(self, *, app):
        one, two = original(self, app=app)
        return [type(one)(**{**vars(one), "commit": ONE}), type(two)(**{**vars(two), "commit": TWO})]

    monkeypatch.setattr(Fly, "machines", contradicting)

    sync_releases(source=source, at=at(1))

    assert rows("commit_sha") == [("",)]


def test_a_rollback_by_fly_undoes_the_release_before_it(source, release, fly_standin):
    release(0, sha=ONE)
    release(1, sha=TWO, status="failed")
    fly_standin.rollback(app="web-prod", version=1, by=ANN, at=at(2))

    sync_releases(source=source, at=at(3))

    first, failed, back = Release.objects.order_by("version")
    assert (first.rolls_back, failed.rolls_back, back.rolls_back) == (None, None, failed)
    assert back.commit_sha == ONE


def test_an_earlier_image_that_is_deployed_again_is_a_rollback(source, release):
    release(0, image="a", labels={})
    release(1, image="b", labels={})
    release(2, image="a", labels={})

    sync_releases(source=source, at=at(3))

    assert rows("version", "rolls_back__version") == [(1, None), (2, None), (3, 2)]


def test_the_same_image_again_is_a_restart_and_no_rollback(source, release):
    release(0, image="a", labels={})
    release(1, image="a", labels={})

    sync_releases(source=source, at=at(3))

    assert rows("version", "rolls_back__version") == [(1, None), (2, None)]


def test_an_image_that_was_released_before_keeps_its_commit_when_its_machines_are_gone(source, release):
    release(0, sha=ONE, image="build-7", labels={"GH_SHA": ONE})
    sync_releases(source=source, at=at(1))
    release(2, image="other", labels={})
    sync_releases(source=source, at=at(3))
    release(4, image="build-7", labels={})

    sync_releases(source=source, at=at(5))

    assert rows("version", "commit_sha") == [(1, ONE), (2, ""), (3, ONE)]


def test_an_app_that_fly_does_not_know_is_named_and_the_others_are_read(source, release):
    source.settings["apps"]["ghost"] = {"environment": "staging", "repository": "northwind/web"}
    release(sha=ONE)

    with pytest.raises(Permanent, match="ghost: Fly"):
        sync_releases(source=source, at=at(1))

    assert rows("app") == [("web-prod",)]
    assert Settling.objects.count() == 1


def test_a_fault_in_the_middle_keeps_what_was_read(source, release, fly_standin, monkeypatch):
    fly_standin.create_app(name="web-staging", org="northwind")
    source.settings["apps"]["web-staging"] = {"environment": "staging", "repository": "northwind/web"}
    release(sha=ONE)
    original = Fly.releases

    def failing(self, *, app):
        if app == "web-staging":
            raise Passing("HTTP 503")
        return original(self, app=app)

    monkeypatch.setattr(Fly, "releases", failing)
    monkeypatch.setattr(sync, "_in_turn", lambda apps, moment: apps)

    with pytest.raises(Passing):
        sync_releases(source=source, at=at(1))

    assert rows("app") == [("web-prod",)]
    assert Settling.objects.count() == 1


def test_a_refused_token_ends_the_run(source, release):
    source.token_encrypted = vault.seal("fm2_wrong")

    with pytest.raises(Permanent, match="401"):
        sync_releases(source=source, at=at(1))


def test_machines_are_asked_about_three_apps_a_run_and_the_next_run_goes_on(source, release, fly_standin, monkeypatch):
    asked = []
    original = Fly.machines
    monkeypatch.setattr(Fly, "machines", lambda self, *, app: asked.append(app) or original(self, app=app))
    for number in range(5):
        name = f"app-{number}"
        fly_standin.create_app(name=name, org="northwind")
        source.settings["apps"][name] = {"environment": "production", "repository": "northwind/web"}
        release(app=name, image="latest", labels={"GH_SHA": ONE})
    del source.settings["apps"]["web-prod"]

    sync_releases(source=source, at=at(1))
    first = list(asked)
    sync_releases(source=source, at=at(2))

    assert len(first) == 3
    assert sorted(asked) == sorted(source.settings["apps"])
    assert {sha for (sha,) in rows("commit_sha")} == {ONE}


def test_machines_of_an_app_without_news_are_not_asked_about(source, release, monkeypatch):
    release(sha=ONE)
    sync_releases(source=source, at=at(1))
    monkeypatch.setattr(Fly, "machines", lambda self, *, app: pytest.fail("asked without a reason"))

    assert sync_releases(source=source, at=at(2)) == []


def test_machines_of_a_release_without_a_commit_are_asked_about_for_a_quarter_of_an_hour(source, release, monkeypatch):
    release(image="laptop", labels={})
    asked = []
    original = Fly.machines
    monkeypatch.setattr(Fly, "machines", lambda self, *, app: asked.append(app) or original(self, app=app))

    for minutes in (1, 10, 17):
        sync_releases(source=source, at=at(minutes))

    assert len(asked) == 2


def test_a_renamed_repository_is_found_by_what_was_recorded_before(source, release, web):
    release(0, sha=ONE)
    sync_releases(source=source, at=at(1))
    web.name = "northwind/website"
    web.save()
    release(2, sha=TWO)

    sync_releases(source=source, at=at(3))

    assert rows("version", "repository__name") == [(1, "northwind/website"), (2, "northwind/website")]


def test_an_app_without_a_repository_in_scope_is_recorded_all_the_same(source, release):
    source.settings["apps"]["web-prod"]["repository"] = "northwind/unknown"
    release(sha=ONE)

    sync_releases(source=source, at=at(1))

    assert rows("repository", "commit_sha") == [(None, ONE)]


def test_a_source_without_apps_reads_nothing(source):
    source.settings = {"org": "northwind"}

    assert sync_releases(source=source, at=at(1)) == []


def test_a_short_commit_is_completed_only_when_one_commit_begins_so(web):
    BranchCommit.objects.create(
        repository=web, branch="prod", sha="abcdef1" + "0" * 33, position=1, committed_at=at(), seen_at=at()
    )
    BranchCommit.objects.create(
        repository=web, branch="main", sha="abcdef1" + "0" * 33, position=1, committed_at=at(), seen_at=at()
    )
    PullRequest.objects.create(
        repository=web, number=1, title="x", state="merged", head_ref="t", base_ref="main", head_sha="abcdef2" + "0" * 33,
        merge_sha="fffffff" + "0" * 33, reported_at=at(), touched_at=at(),
    )  # fmt: skip

    assert full_commit(repository=web, commit="abcdef1") == "abcdef1" + "0" * 33
    assert full_commit(repository=web, commit="abcdef2") == "abcdef2" + "0" * 33
    assert full_commit(repository=web, commit="fffffff") == "fffffff" + "0" * 33
    assert full_commit(repository=web, commit="abcdef") == ""
    assert full_commit(repository=web, commit="0000000") == ""
    assert full_commit(repository=None, commit="abcdef1") == ""
    assert full_commit(repository=None, commit=ONE) == ONE
    assert full_commit(repository=web, commit="") == ""

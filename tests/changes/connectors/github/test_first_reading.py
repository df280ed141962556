"""The first reading of a repository loses nothing, however it is interrupted, and nothing else has to wait for it."""

from datetime import timedelta

import pytest

from changes.connectors import polling
from changes.connectors.github import walking
from changes.connectors.models import Reading, Settling, Source, Walk
from changes.delivery.models import PullRequest, Push, Repository
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said
from tests.changes.connectors.github.test_graph import node
from tests.changes.connectors.github.test_polling import ENTRY

__all__ = ["connect", "scripted"]
pytestmark = pytest.mark.django_db
REPO = "/repos/northwind/web"
FIRST = Walk.Purpose.FIRST
MANY = 7


def pages(asked):
    """Seven pull requests, the one that changed last first, as many at a time as are asked for."""
    wanted = asked.body["variables"]
    begin = int(wanted["after"] or 0)
    end = min(begin + wanted["first"], MANY)
    times = [f"2026-02-09T10:{59 - place:02}:00Z" for place in range(MANY)]
    nodes = [node(MANY - place, headRefOid=f"{place:040x}", updatedAt=times[place]) for place in range(begin, end)]
    place = {"hasNextPage": end < MANY, "endCursor": str(end)}
    return Said({"data": {"repository": {"pullRequests": {"totalCount": MANY, "pageInfo": place, "nodes": nodes}}}})


def script(**more):
    told = {"": made.REPOSITORY, "/deployments": [], "/activity": [], "/pulls": []}
    return {"POST /graphql": pages, **{f"GET {REPO}{path}": Said(said) for path, said in told.items()}, **more}


@pytest.fixture
def github(connect, monkeypatch):
    monkeypatch.setattr(walking, "LARGEST", 2)
    client, forge = connect(script())
    client.forge = forge
    Repository.objects.create(name="northwind/web", in_scope_from=NOW - timedelta(days=300))
    return client


def asked_by_graphql(github):
    return [one.body["variables"]["after"] for one in github.forge.asked if one.path == "/graphql"]


def test_the_first_reading_asks_for_deployments_as_far_back_as_for_pull_requests(github):
    old = made.deployment(created_at="2026-01-02T11:00:00Z")
    github.forge.script[f"GET {REPO}/deployments"] = Said([old])

    polling.poll_due(now=lambda: NOW)

    assert PullRequest.objects.count() == MANY
    assert Reading.objects.filter(subject="deployment:135").exists()


def test_what_fails_behind_the_first_reading_does_not_let_it_begin_anew(github):
    github.forge.script[f"GET {REPO}/deployments"] = Said({"message": "Resource not accessible"}, 403)
    polling.poll_due(now=lambda: NOW)
    read = len(asked_by_graphql(github))
    github.forge.script[f"GET {REPO}/deployments"] = Said([made.deployment(created_at="2026-01-02T11:00:00Z")])

    polling.poll_due(now=lambda: NOW + timedelta(minutes=2))

    assert (read, len(asked_by_graphql(github))) == (4, 4)
    assert Reading.objects.filter(subject="deployment:135").exists(), "that is made up for"
    assert Repository.objects.get().polled_at is not None


@pytest.mark.parametrize("dies_in", ["record_read", "ask_all", "touch", "_on"])
@pytest.mark.parametrize("page", [1, 3])
def test_a_reading_that_dies_at_any_point_and_is_resumed_leaves_the_same(github, monkeypatch, dies_in, page):
    repository = Repository.objects.get()
    walk = walking.begin(repository=repository, purpose=FIRST, since=NOW - timedelta(days=90), at=NOW)
    left, real = [page], getattr(walking, dies_in)

    def dying(*given, **named):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return real(*given, **named)

    monkeypatch.setattr(walking, dies_in, dying)
    moments = iter(NOW + timedelta(minutes=minute) for minute in range(1, 50))
    while True:
        try:
            if not walking.step(walk=walk, source=github.source, at=next(moments)).more:
                break
        except KeyboardInterrupt:
            Settling.objects.all().delete()  # what was touched before has long been settled
            settled_until = next(moments)
            walk = walking.current(repository=repository, purpose=FIRST)

    done = Walk.objects.get()
    assert (done.found, done.total, done.ended_at is not None) == (MANY, MANY, True)
    assert sorted(PullRequest.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6, 7]
    since = Settling.objects.get().since
    last = sorted(range(1, 1 + MANY), reverse=True)[2 * (page - 1) :]
    behind = PullRequest.objects.filter(number__in=last)
    assert all(row.touched_at >= since for row in behind), f"settled since {since}, dead at {settled_until}"


def test_of_two_who_read_the_same_first_pages_the_slower_one_stops(github, monkeypatch):
    repository, source = Repository.objects.get(), github.source
    slow = walking.begin(repository=repository, purpose=FIRST, since=NOW - timedelta(days=90), at=NOW)
    quick = walking.current(repository=repository, purpose=FIRST)
    real = walking._wanted

    def overtaken(*given):
        monkeypatch.setattr(walking, "_wanted", real)
        while walking.step(walk=quick, source=source, at=NOW).more:
            pass
        return real(*given)

    monkeypatch.setattr(walking, "_wanted", overtaken)
    with pytest.raises(walking.Overtaken):
        walking.step(walk=slow, source=source, at=NOW)

    assert Walk.objects.get().ended_at == NOW, "it has ended and does not begin again"
    assert not walking.under_way(source=source)


def test_a_poll_that_is_overtaken_in_its_first_reading_leaves_it_to_the_other(github, monkeypatch):
    def overtaken(**given):
        raise walking.Overtaken

    monkeypatch.setattr(walking, "step", overtaken)
    assert polling.poll_due(now=lambda: NOW) == 1
    assert (Source.objects.get().failures, Repository.objects.get().polled_at) == (0, None)


def test_first_readings_of_many_repositories_share_the_turn(github, monkeypatch):
    monkeypatch.setattr(polling, "FIRST_TURN", -1.0)
    other = {**made.REPOSITORY, "id": 98, "full_name": "northwind/api"}
    github.forge.script["GET /repos/northwind/api"] = Said(other)
    Repository.objects.create(name="northwind/api", in_scope_from=NOW)

    polling.poll_due(now=lambda: NOW)
    assert asked_by_graphql(github) == [None], "one page, of the first one"
    for _ in range(4):
        polling.poll_due(now=lambda: NOW)
    assert {row.name: row.poll_cursor is not None for row in Repository.objects.all()} == {
        "northwind/web": True,
        "northwind/api": False,
    }


def test_what_rest_goes_on_with_is_counted_once(github):
    repository = Repository.objects.get()
    walk = walking.begin(repository=repository, purpose=FIRST, since=NOW - timedelta(days=90), at=NOW)
    walking.step(walk=walk, source=github.source, at=NOW)
    github.forge.script["POST /graphql"] = Said({"message": "Not Found"}, 404)
    rows = [made.pull_request(number=number) for number in range(1, 1 + MANY)]
    github.forge.script[f"GET {REPO}/pulls"] = [Said(rows), Said([])]

    while walking.step(walk=walk, source=github.source, at=NOW).more:
        pass

    assert walking.told(walk=Walk.objects.get()).startswith("7 of 7 pull requests")


def test_pushes_to_a_repository_that_was_away_are_learned_when_it_is_back(github):
    polling.poll_due(now=lambda: NOW)
    github.forge.script[f"GET {REPO}"] = Said({"message": "Not Found"}, 404)
    for hour in (1, 24):
        polling.poll_due(now=lambda hour=hour: NOW + timedelta(hours=hour))
    github.forge.script[f"GET {REPO}"] = Said(made.REPOSITORY)
    github.forge.script[f"GET {REPO}/activity"] = Said([{**ENTRY, "timestamp": "2026-02-10T16:00:00Z"}])

    polling.poll_due(now=lambda: NOW + timedelta(hours=25))

    assert Push.objects.get().after == made.MERGE

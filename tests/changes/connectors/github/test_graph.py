"""A repository's pull requests by GraphQL give the rows that REST gives; what it cannot tell is asked for by REST."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors import polling
from changes.connectors.errors import NotFound, Passing
from changes.connectors.forges import client_of
from changes.connectors.github import auth, graph, walking
from changes.connectors.github.api import graph_address
from changes.connectors.github.graph_errors import Resting, TooMuch, Unusable, data_of, spoiled
from changes.connectors.github.reading import READERS
from changes.connectors.models import Reading, Source, Walk
from changes.connectors.readings import read_due
from changes.delivery import whole
from changes.delivery.models import Check, PullRequest, Repository, Review
from portal import vault
from portal.standins.limits import Window
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said
from tests.portal.standins.life import WEB, live_through
from tests.standins import github_standin, northwind

__all__ = ["connect", "github_standin", "northwind", "scripted"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEYS = {"id", "repository_id", "pull_request_id"}
FIRST = Walk.Purpose.FIRST


@pytest.fixture
def connected(transactional_db, settings, northwind):
    """The stand-in and the source that reads it."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    sealed = vault.seal(northwind.token())
    return northwind, Source.objects.create(
        name="github", kind="github", api_url=northwind.api_url, token_encrypted=sealed, connected_at=NOW
    )


def opened(github, branch, files, *, by="ann", **more):
    github.commit(repository=WEB, branch=branch, files=files, author=by, message=f"Work on {branch}")
    return github.open_pull_request(repository=WEB, head=branch, title=branch, by=by, **more)


def make_everything(github):
    """What is told differently by GraphQL: moved files, migrations, bots, forks, lists longer than their first page."""
    live_through(github)
    opened(github, "move", {"app/main.py": None, "app/moved.py": "print('hello')\nprint('you')\n"})
    opened(github, "migrate", {"shop/migrations/0002_more.py": "class Migration: ...\n"}, fork="mallory/web:migrate")
    mail = "49699333+dependabot[bot]@users.noreply.github.com"
    github.add_account(login="dependabot[bot]", uid=49699333, email=mail, kind="Bot")
    opened(github, "bump", {"requirements.txt": "a==2\n"}, by="dependabot[bot]", draft=True)
    large = opened(github, "large", {f"data/{number}.txt": "one\n" for number in range(102)})
    for number in range(31):
        github.review(repository=WEB, number=large["number"], by="bob", state="commented", body=f"{number}")
    for number in range(52):
        run = {"name": f"check {number}", "head_sha": large["head"]["sha"], "app": "github-actions", "suite": 1, "output": {}}
        times = {"started_at": "2026-02-10T10:00:00Z", "completed_at": "2026-02-10T10:01:00Z"}
        done = {"status": "completed", "conclusion": "success", "external_id": "", "details_url": ""}
        github.store.add("check_run", place=WEB, subject=large["head"]["sha"], body={**run, **times, **done})


def in_scope():
    """The repository, of which nothing is on record."""
    for model in (Review, Check, Reading, Walk, PullRequest, Repository):
        model.objects.all().delete()
    return Repository.objects.create(name=WEB, in_scope_from=LONG_AGO)


def walk(source, repository, at=NOW):
    made = walking.begin(repository=repository, purpose=FIRST, since=LONG_AGO, at=at)
    while walking.step(walk=made, source=source, at=at).more:
        made = walking.current(repository=repository, purpose=FIRST)
    return made


def rows():
    """Everything on record, by what the vendor calls it."""
    found = {}
    for model in (PullRequest, Review, Check):
        for row in model.objects.order_by("id").values():
            key = (model.__name__, row.get("number"), row.get("source"), row.get("vendor_id"))
            found[key] = {name: value for name, value in row.items() if name not in KEYS}
    return found


def test_graphql_gives_the_rows_that_rest_gives_and_a_second_reading_writes_nothing(connected):
    github, source = connected
    make_everything(github)
    many = len(github.pulls(WEB))
    repository = in_scope()
    client = client_of(source=source, repository_name=WEB, at=NOW)
    for number in range(1, 1 + many):
        READERS["pull_request"](client, repository, str(number), NOW)
    by_rest = rows()

    repository = in_scope()
    done = walk(source, repository)
    asked = sorted(Reading.objects.values_list("subject", flat=True))
    read_due(now=lambda: NOW)

    assert (done.rest_page, done.note, done.found, done.total, done.ended_at) == (0, "", many, many, NOW)
    assert rows() == by_rest
    heads = {row.number: row.head_sha for row in PullRequest.objects.all()}
    assert asked == sorted([f"files:{many - 3}", f"files:{many - 2}", f"statuses:{heads[1]}"])
    assert PullRequest.objects.get(number=many - 1).author_login == "dependabot[bot]"
    assert github.api.graph.refused == 0

    walk(source, repository, NOW + timedelta(hours=1))
    assert rows() == by_rest


def test_a_killed_worker_goes_on_where_it_stopped(connected, monkeypatch):
    github, source = connected
    for number in range(5):
        opened(github, f"b{number}", {f"{number}.txt": "x"})
    monkeypatch.setattr(walking, "LARGEST", 2)
    repository = in_scope()
    made = walking.begin(repository=repository, purpose=FIRST, since=LONG_AGO, at=NOW)
    assert walking.step(walk=made, source=source, at=NOW) == walking.Step(2, True)

    def killed(**given):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(walking, "record_read", killed)
        with pytest.raises(KeyboardInterrupt):
            walking.step(walk=made, source=source, at=NOW)
    before = github.api.graph.asked
    left = walking.current(repository=repository, purpose=FIRST)
    assert (left.found, walking.told(walk=left)) == (2, "2 of 5 pull requests")
    while walking.step(walk=left, source=source, at=NOW).more:
        pass
    assert (PullRequest.objects.count(), github.api.graph.asked - before, left.found) == (5, 2, 5)


def test_what_takes_too_long_is_asked_for_in_smaller_pages_and_at_last_by_rest(connected):
    github, source = connected
    opened(github, "one", {"one.txt": "x"})
    github.api.graph.slow_above = 30
    repository = in_scope()
    done = walk(source, repository)
    assert (done.found, done.rest_page, github.api.graph.asked) == (1, 0, 3), "100, 50, 25"
    assert "Pages of 25 from here on" in done.note
    assert done.size == 32, "larger again"

    github.api.graph.slow_above = 1
    done = walk(source, repository)
    assert (done.found, done.rest_page) == (1, 3)
    assert "Read by REST: " in done.note


def test_limits_of_the_stand_in_are_kept_and_a_used_up_hour_is_waited_for(connected):
    github, source = connected
    opened(github, "one", {"one.txt": "x"})
    repository = in_scope()
    api = github.api.graph
    asked = graph.Graph(source=source, repository_name=WEB, at=NOW)
    asked.page(after=None, size=100)
    assert asked.left == api.quota.limit - 7, "points of a page"
    asked.left, asked.resets_at = graph.RESERVE - 1, NOW + timedelta(minutes=9)
    with pytest.raises(Passing, match="Few points") as caught:
        asked.page(after=None, size=100)
    assert caught.value.retry_after == 540.0

    api.quota.limit = 5
    with pytest.raises(Passing, match="API rate limit exceeded"):
        walk(source, repository, datetime.now(UTC))
    source.refresh_from_db()
    assert (api.refused, source.not_before) == (1, None), "REST may go on"

    api.quota.limit, api.minute = 5000, Window(limit=1, seconds=60)
    api.minute.take()
    with pytest.raises(Passing, match="asks us to wait"):
        walk(source, repository, datetime.now(UTC))
    source.refresh_from_db()
    assert source.not_before is not None, "a secondary limit holds for all of the API"


def test_without_the_right_to_read_checks_rest_reads_and_it_is_said(connected):
    github, source = connected
    opened(github, "one", {"one.txt": "x"})
    source.token_encrypted = vault.seal(github.token(permissions={"metadata": "read", "pull_requests": "read"}))
    source.save()
    repository = in_scope()
    github.check(repository=WEB, sha="one")

    done = walk(source, repository)

    assert (done.rest_page, "refuses the token: Resource not accessible by integration" in done.note) == (3, True)
    assert list(Reading.objects.values_list("subject", flat=True)) == ["pull_request:1"]


def test_the_first_poll_reads_page_by_page_and_vouches_for_nothing_before_its_end(connected, monkeypatch):
    github, source = connected
    for number in range(3):
        opened(github, f"b{number}", {f"{number}.txt": "x"})
    monkeypatch.setattr(walking, "LARGEST", 2)
    monkeypatch.setattr(polling, "FIRST_TURN", -1.0)
    at = datetime.now(UTC)
    repository = in_scope()

    polling.poll_due(now=lambda: at)
    repository.refresh_from_db()
    source.refresh_from_db()
    assert (PullRequest.objects.count(), repository.poll_cursor, repository.polled_at, source.covered_until) == (
        2,
        None,
        None,
        None,
    )

    polling.poll_due(now=lambda: at)
    repository.refresh_from_db()
    source.refresh_from_db()
    newest = max(PullRequest.objects.values_list("vendor_updated_at", flat=True))
    assert (PullRequest.objects.count(), repository.poll_cursor, source.covered_until) == (3, newest, at)


def test_two_who_tell_of_the_same_thing_at_once_both_count(connected, monkeypatch):
    github, source = connected
    opened(github, "one", {"one.txt": "x"})
    repository = in_scope()

    def refused(**given):
        raise whole.IntegrityError("somebody was faster")

    monkeypatch.setattr(whole, "record_all", refused)
    github.review(repository=WEB, number=1, by="bob")
    github.check(repository=WEB, sha="one")
    walk(source, repository)
    assert (PullRequest.objects.count(), Review.objects.count(), Check.objects.count()) == (1, 1, 1)


REPOSITORY = {"pullRequests": {"totalCount": 0, "pageInfo": {"hasNextPage": False}, "nodes": []}}


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, Resting),
        ({"message": "You have exceeded a secondary rate limit."}, Resting),
        ({"message": "Something went wrong while executing your query. This may be the result of a timeout"}, TooMuch),
        ({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "This query requests up to 1,000,000 possible nodes"}, TooMuch),
        ({"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}, TooMuch),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, Unusable),
        ({"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the required scopes"}, Unusable),
        ({"extensions": {"saml_failure": True}, "message": "Resource protected by organization SAML enforcement."}, Unusable),
        ({"extensions": {"code": "undefinedField"}, "message": "Field 'x' doesn't exist on type 'PullRequest'"}, Unusable),
        ({"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}, NotFound),
        (None, Unusable),
    ],
)
def test_errors_of_graphql_are_told_apart(error, raised):
    with pytest.raises(raised):
        data_of({"data": None, "errors": [error] if error else None})
    with pytest.raises(Unusable):
        data_of([])


def test_an_error_beside_data_spoils_only_what_it_names():
    error = {"message": "Something\x00 odd", "path": ["repository", "pullRequests", "nodes", 3, "reviews"]}
    repository, errors = data_of({"data": {"repository": REPOSITORY}, "errors": [error]})
    assert (repository, spoiled(errors, below="nodes")) == (REPOSITORY, {"3": "Something  odd"})


def node(number, **more):
    """A pull request as GraphQL answers it."""
    none = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}
    lists = dict.fromkeys(("reviews", "files", "commits", "labels"), none) | {"head": {"nodes": []}}
    repositories = {"headRepository": {"databaseId": 1}, "baseRepository": {"databaseId": 1}}
    refs = {"headRefName": "b", "headRefOid": "a" * 40, "baseRefName": "main", "baseRefOid": "b" * 40}
    times = dict.fromkeys(("createdAt", "updatedAt"), "2026-02-10T10:00:00Z")
    return {"number": number, "title": "t", "state": "OPEN", **refs, **times, **repositories, **lists, **more}


def answer(nodes, errors=None):
    listed = {"totalCount": len(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
    body = {"data": {"repository": {"pullRequests": listed}}}
    return Said({**body, "errors": errors} if errors else body)


def test_what_is_told_in_part_or_wrongly_is_read_by_rest(connect):
    client, forge = connect({})
    broken = node(7, commits={"pageInfo": {}, "nodes": [None]})
    odd = node(8, files={"pageInfo": {}, "nodes": [{"path": "a", "changeType": "SHREDDED", "additions": 1, "deletions": 0}]})
    errors = [{"message": "No reviews today", "path": ["repository", "pullRequests", "nodes", 0, "reviews"]}]
    more = {"pageInfo": {"hasNextPage": True, "endCursor": "c"}, "nodes": []}
    forge.script["POST /graphql"] = [
        answer([node(6, reviews=None), broken, odd, node(9), node(10, reviews=more)], errors),
        Said({"data": {"repository": {"p0": None}}, "errors": [{"message": "Gone", "path": ["repository", "p0"]}]}),
    ]

    page = graph.Graph(source=client.source, repository_name="northwind/web", at=NOW).page(after=None, size=100)

    assert [one.whole.pull_request.number for one in page.read] == [9]
    assert {number: words.split(".")[0] for number, words in page.by_rest.items()} == {
        6: "No reviews today",
        7: "pullRequest",
        8: "file",
        10: "Gone",
    }
    assert forge.asked[0].body["variables"] == {"owner": "northwind", "name": "web", "first": 100, "after": None}
    assert forge.asked[1].body["variables"] == {"owner": "northwind", "name": "web", "a0": "c"}


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        (Said({"message": "Not Found"}, 404), Unusable),
        (Said(b"<html>busy</html>"), Unusable),
        (Said({"message": "bad gateway"}, 502), TooMuch),
        (answer([None]), TooMuch),
        (Said({"data": {"repository": {}}}), TooMuch),
    ],
    ids=["missing", "html", "502", "null", "empty"],
)
def test_whatever_comes_instead_of_an_answer_has_its_way_on(connect, said, raised):
    client, _ = connect({"POST /graphql": said})
    with pytest.raises(raised):
        graph.Graph(source=client.source, repository_name="northwind/web", at=NOW).page(after=None, size=100)


def test_a_continuation_that_is_too_much_is_halved(connect):
    client, forge = connect({})
    more = {"pageInfo": {"hasNextPage": True, "endCursor": "c"}, "nodes": []}

    def said(asked):
        if "a1" in asked.body["variables"]:
            return Said({"message": "bad gateway"}, 502)
        if "a0" in asked.body["variables"]:
            return Said({"data": {"repository": {"p0": {"reviews": {"pageInfo": {}, "nodes": []}}}}})
        return answer([node(1, reviews=more), node(2, reviews=more)])

    forge.script["POST /graphql"] = said
    page = graph.Graph(source=client.source, repository_name="northwind/web", at=NOW).page(after=None, size=100)
    assert (len(page.read), page.by_rest, len(forge.asked)) == (2, {}, 4)


@pytest.mark.parametrize(
    ("api_url", "expected"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://forge.example.com/api/v3", "https://forge.example.com/api/graphql"),
    ],
)
def test_graphql_answers_beside_rest(api_url, expected):
    assert graph_address(api_url=api_url) == expected

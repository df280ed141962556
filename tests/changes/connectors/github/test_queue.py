"""A merge queue that waits for the portal's own check, over HTTP at the stand-in: asked, published on its head, merged."""

import pytest
from django.utils.timezone import now

from changes.connectors.actions import connect_github
from changes.connectors.door import forget
from changes.connectors.forges import client_of
from changes.connectors.github.graph import Graph
from changes.connectors.github.graph_errors import Unusable
from changes.connectors.github.reading import READERS
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.proposals.models import Change
from portal.outbox.delivery import deliver_due
from tests.changes.stories import Clock
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = ["ci / tests", "Countersign"]


@pytest.fixture
def portal(client, settings, northwind):
    """The portal in front of the stand-in: `portal()` is what its workers do within seconds."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    forget()
    clock = Clock(now())
    connect_github(
        repository=WEB,
        secret="standin-secret",
        main="main",
        prod="prod",
        at=clock(),
        api_url=northwind.api_url,
        token=northwind.token(),
    )

    def post(headers, body):
        kind = headers.pop("Content-Type")
        return client.post("/hooks/github/", data=body, content_type=kind, headers=headers).status_code

    def work():
        northwind.post_held(post)
        drain(now=clock)
        read_due(now=clock)
        clock.wait(6)
        settle_due(now=clock)
        deliver_due(now=clock)
        northwind.post_held(post)
        drain(now=clock)

    return work


def uid_of(github, login):
    return next(row["uid"] for row in github.store.all("account") if row["login"] == login)


def gate_on(github, sha):
    """The portal's check on a commit: status and conclusion."""
    runs = [row for row in github.store.all("check_run", place=WEB, subject=sha) if row["name"] == "Countersign"]
    return [(row["status"], row["conclusion"]) for row in runs]


def test_the_queue_merges_once_the_portal_has_said_yes_on_its_head(northwind, portal):
    northwind.set_protection(repository=WEB, branch="main", by="rex", checks=CHECKS, reviews=1)
    northwind.commit(repository=WEB, branch="greet", files={"greet.txt": "hi\n"}, author="ann", message="Greet")
    opened = northwind.open_pull_request(repository=WEB, head="greet", title="Greet", by="ann", body="## Why\nPolite.")
    head = opened["head"]["sha"]
    portal()
    assert gate_on(northwind, head) == [("in_progress", None)]

    northwind.check(repository=WEB, sha=head, name="ci / tests")
    northwind.review(repository=WEB, number=1, by="bob")
    portal()
    portal()
    assert gate_on(northwind, head) == [("completed", "success")]

    group = northwind.enqueue(repository=WEB, number=1, by="bob")
    assert northwind.run_queue(repository=WEB, base="main")["waiting"] == [1]
    portal()
    assert gate_on(northwind, group["head_sha"]) == [("completed", "success")]
    assert MergeGroup.objects.get().numbers == [1]

    northwind.check(repository=WEB, sha=group["head_sha"], name="ci / tests")
    assert northwind.run_queue(repository=WEB, base="main")["merged"] == [1]
    portal()

    row = PullRequest.objects.get()
    assert row.merged_by_login == "github-merge-queue[bot]"
    assert (row.queued_by_login, row.queued_by_uid) == ("bob", uid_of(northwind, "bob"))
    assert MergeGroup.objects.get().state == "gone"
    assert Change.objects.count() == 1
    assert not Delivery.objects.exclude(state__in=["applied", "ignored"]).exists()


def test_who_queued_it_is_read_alone_and_with_a_whole_page_and_nobody_is_named_where_it_is_not_told(northwind, portal, monkeypatch):
    northwind.commit(repository=WEB, branch="greet", files={"greet.txt": "hi\n"}, author="ann", message="Greet")
    opened = northwind.open_pull_request(repository=WEB, head="greet", title="Greet", by="ann")
    northwind.check(repository=WEB, sha=opened["head"]["sha"], name="ci / tests")
    northwind.review(repository=WEB, number=1, by="bob")
    group = northwind.enqueue(repository=WEB, number=1, by="bob")
    northwind.check(repository=WEB, sha=group["head_sha"], name="ci / tests")
    assert northwind.run_queue(repository=WEB, base="main")["merged"] == [1]
    source, repository = Source.objects.get(), Repository.objects.get()
    graph = Graph(source=source, repository_name=WEB, at=now())
    uid = uid_of(northwind, "bob")

    assert graph.queued_by(number=1) == (uid, "bob")
    (read,) = graph.page(after=None, size=5).read
    assert (read.whole.pull_request.queued_by_uid, read.whole.pull_request.queued_by_login) == (uid, "bob")

    def refuse(*_, **__):
        raise Unusable("GraphQL refuses the token")

    monkeypatch.setattr(Graph, "queued_by", refuse)
    READERS["pull_request"](client_of(source=source, repository_name=WEB, at=now()), repository, "1", now())
    row = PullRequest.objects.get()
    assert (row.merged_by_login, row.queued_by_login) == ("github-merge-queue[bot]", "")


def test_an_answer_without_the_pull_request_names_nobody(northwind, portal):
    with pytest.raises(Unusable, match="left something out"):
        Graph(source=Source.objects.get(), repository_name=WEB, at=now()).queued_by(number=99)

"""A repository's pull requests by GraphQL give the rows that REST gives; what it cannot tell is asked for by REST."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.github import auth, walking
from changes.connectors.github.reading import READERS
from changes.connectors.forges import client_of
from changes.connectors.models import Reading, Source, Walk
from changes.connectors.readings import read_due
from changes.delivery.models import Check, PullRequest, Repository, Review
from portal import vault
from tests.changes.connectors.github.conftest import NOW
from tests.portal.standins.life import WEB, live_through
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
WITHOUT = {"id", "repository_id", "pull_request_id"}


@pytest.fixture
def lived(transactional_db, settings, northwind):
    """A repository with a week of life and the source that reads it: (stand-in, source)."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    live_through(northwind)
    source = Source.objects.create(
        name="github", kind="github", api_url=northwind.api_url, token_encrypted=vault.seal(northwind.token()), connected_at=NOW
    )
    return northwind, source


def repository():
    Review.objects.all().delete()
    Check.objects.all().delete()
    Reading.objects.all().delete()
    Walk.objects.all().delete()
    PullRequest.objects.all().delete()
    Repository.objects.all().delete()
    return Repository.objects.create(name=WEB, in_scope_from=LONG_AGO)


def walk(source, repo, at=NOW):
    made = walking.begin(repository=repo, purpose=Walk.Purpose.FIRST, since=LONG_AGO, at=at)
    while walking.step(walk=made, source=source, at=at).more:
        pass
    return made


def rows():
    """Everything on record, by what the vendor calls it."""
    found = {}
    for model in (PullRequest, Review, Check):
        for row in model.objects.order_by("id").values():
            key = (model.__name__, row.get("number"), row.get("source"), row.get("vendor_id"))
            found[key] = {name: value for name, value in row.items() if name not in WITHOUT}
    return found


def test_graphql_gives_the_rows_that_rest_gives(lived):
    github, source = lived
    repo = repository()
    client = client_of(source=source, repository_name=WEB, at=NOW)
    for number in range(1, 1 + len(github.pulls(WEB))):
        READERS["pull_request"](client, repo, str(number), NOW)
    by_rest = rows()

    repo = repository()
    done = walk(source, repo)
    read_due(now=lambda: NOW)

    assert (done.rest_page, done.note, done.found) == (0, "", len(github.pulls(WEB)))
    assert rows() == by_rest
    assert {key[0] for key in by_rest} == {"PullRequest", "Review", "Check"}

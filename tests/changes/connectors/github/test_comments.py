"""Comments on pull requests and commits, through the outbox, at the stand-in of GitHub: once, whatever gets lost."""

import json
from datetime import UTC, datetime

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from changes.connectors.github import comments
from changes.connectors.models import Source
from portal import vault
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from portal.standins.github.shapes import comments as shapes
from tests.changes.connectors.github import vendor_data
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAME = "northwind/web"
BODY = "**Reason**, by Rex Stone:\n\n> The printer was on fire."


def official(name):
    """GitHub's own description of an answer; paths of its schema lead into the whole document."""
    path = vendor_data.GITHUB / "openapi.github.cut.json"
    if not path.is_file():
        pytest.skip(vendor_data.ABSENT)
    document = Resource(contents=json.loads(path.read_bytes()), specification=DRAFT202012)
    registry = Registry().with_resource("urn:github", document)
    return OAS30Validator({"$ref": f"urn:github#/components/schemas/{name}"}, registry=registry)


@pytest.fixture
def github(northwind, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    northwind.commit(repository=NAME, branch="fix", files={"app/main.py": "print()\n"}, message="Fix", author="ann")
    northwind.open_pull_request(repository=NAME, head="fix", base="main", title="Fix", by="ann")
    token = vault.seal(northwind.token())
    Source.objects.create(name="github", kind="github", api_url=northwind.api_url, token_encrypted=token, connected_at=AT)
    return northwind


def delivered(**place):
    enqueue(kind=comments.KIND, key="emergency:7:reason:1", payload={"repository": NAME, "body": BODY, **place}, at=AT)
    deliver_due(now=lambda: AT)
    return Effect.objects.get()


def kept(github, kind):
    return [row["body"] for row in github.store.all(kind, place=NAME, subject=subject(github, kind))]


def subject(github, kind):
    return "1" if kind == "issue_comment" else github.git(NAME).tip("refs/heads/main")


@pytest.mark.parametrize("kind", ["issue_comment", "commit_comment"])
def test_a_comment_stands_there_once_even_when_the_answer_got_lost(github, kind):
    place = {"number": 1} if kind == "issue_comment" else {"commit": subject(github, kind)}

    first = delivered(**place)
    Effect.objects.update(state="waiting", done_at=None, result=None, not_before=AT)
    deliver_due(now=lambda: AT)
    second = Effect.objects.get()

    (text,) = kept(github, kind)
    assert text.startswith(BODY)
    assert (first.state, second.state, first.error) == ("done", "done", "")
    assert first.result == second.result
    assert first.result["url"].startswith(github.url)


def test_the_comment_on_a_commit_has_githubs_shape(github):
    sha = subject(github, "commit_comment")
    delivered(commit=sha)
    row = github.store.all("commit_comment", place=NAME, subject=sha)[0]

    shape = shapes.commit_comment(github, github.repository(NAME), row)

    assert [error.message for error in official("commit-comment").iter_errors(shape)] == []


def test_a_forge_that_is_away_is_asked_again(github):
    github.faults.switch({"rules": [{"fault": "503"}]})

    assert delivered(number=1).state == "waiting"


def test_a_pull_request_that_is_not_there_sets_the_effect_aside(github):
    effect = delivered(number=99)

    assert (effect.state, "404" in effect.error) == ("quarantined", True)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"paused_at": AT}, "not connected: the GitHub source is paused"),
        ({"token_encrypted": b"", "api_url": "https://api.github.com"}, "not connected: the GitHub source has no token"),
    ],
)
def test_without_a_usable_source_it_says_so_and_is_done(github, values, reason):
    Source.objects.update(**values)

    effect = delivered(number=1)

    assert (effect.state, effect.result) == ("done", {"published": False, "reason": reason})


def test_without_a_source_it_says_so_and_is_done(db):
    assert delivered(number=1).result == {"published": False, "reason": "not connected: no GitHub source"}

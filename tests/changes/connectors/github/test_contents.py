"""Decisions as files at the stand-in of GitHub: written once, replaced when they change, nothing where no place is named."""

from datetime import UTC, datetime

import pytest

from changes.connectors.actions import connect_github
from changes.connectors.github.contents import KIND
from changes.connectors.models import Source
from portal.ledger.models import LedgerLeaf
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from tests.changes.connectors.github.test_comments import official
from tests.portal.standins.asking import ask
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLACE = "northwind/architecture"
PATH = "docs/decisions/0007-split-the-queue.md"


@pytest.fixture
def github(northwind, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    northwind.create_repository(name=PLACE, by="rex")
    values = {"repository": "northwind/web", "secret": "s", "main": "main", "prod": "prod", "at": AT}
    connect_github(**values, api_url=northwind.api_url, token=northwind.token(), decisions=PLACE)
    return northwind


def written(text="# Größe\n", key="decision:7", at=AT):
    payload = {"number": 7, "path": PATH, "text": text, "message": "Decision 7: Split the queue"}
    enqueue(kind=KIND, key=key, subject="decision:7", payload=payload, at=at)
    deliver_due(now=lambda: at)
    return Effect.objects.get(key=key)


def there(github):
    return github.git(PLACE).run("show", f"main:{PATH}")


def commits(github):
    return [entry.message.strip() for entry in github.git(PLACE).commits("main")]


def test_a_decision_is_a_commit_in_the_repository_of_decisions(github):
    effect = written()

    assert (effect.state, effect.error) == ("done", "")
    assert effect.result["published"]
    assert effect.result["url"] == f"{github.url}/{PLACE}/blob/main/{PATH}"
    assert there(github) == "# Größe\n"
    assert commits(github)[-1] == "Decision 7: Split the queue"


def test_it_is_written_once_and_replaced_when_it_says_something_else(github):
    written()
    again = written(key="decision:7:again")
    assert len(commits(github)) == 2
    assert again.result["sha"] == Effect.objects.get(key="decision:7").result["sha"]

    written("# Ended\n", key="decision:7:ended")

    assert there(github) == "# Ended\n"
    assert len(commits(github)) == 3


def test_a_lost_answer_makes_no_second_commit(github):
    first = written().result
    Effect.objects.update(state=Effect.State.WAITING, result=None, not_before=AT)

    deliver_due(now=lambda: AT)

    assert Effect.objects.get().result["sha"] == first["sha"]
    assert len(commits(github)) == 2


def test_without_a_place_nothing_is_written_and_nothing_waits(github):
    Source.objects.update(settings={})
    assert written().result == {"published": False, "reason": "no repository is named for decisions"}
    Source.objects.update(paused_at=AT)
    assert written(key="decision:7:later").result["reason"] == "not connected: the GitHub source is paused"


def test_a_folder_of_that_name_is_said_to_people(github):
    files = {f"{PATH}/inside.md": "x\n"}
    github.commit(repository=PLACE, branch="main", files=files, message="A folder", author="rex")

    effect = written()

    assert effect.state == Effect.State.QUARANTINED
    assert effect.error.endswith("is no file")


def test_the_place_is_named_when_github_is_connected(github):
    assert Source.objects.get().settings["decisions"] == PLACE
    assert LedgerLeaf.objects.filter(kind="source.decisions_named").count() == 1
    values = {"repository": "northwind/web", "secret": "s", "main": "main", "prod": "prod", "at": AT}
    with pytest.raises(ValueError, match="is no repository"):
        connect_github(**values, decisions="architecture")


def test_the_stand_in_answers_as_the_vendor_describes(github):
    def put(name, **body):
        return ask(github, f"/repos/{PLACE}/contents/{name}", method="PUT", json={"message": "x", "content": "eA==", **body})

    written()
    official("content-file").validate(ask(github, f"/repos/{PLACE}/contents/{PATH}").json())
    assert ask(github, f"/repos/{PLACE}/contents/{PATH}?ref=nowhere").status_code == 404
    assert put(PATH).status_code == 422
    assert put(PATH, sha="0" * 40).status_code == 409
    made = put("docs/new.md")
    assert made.status_code == 201
    official("file-commit").validate(made.json())
    assert put("docs/other.md", content="?").status_code == 422

"""The check run on the pull request, through the outbox, at the stand-in of GitHub."""

from datetime import UTC, datetime

import pytest

from changes.connectors import errors
from changes.connectors.github import check_run
from changes.connectors.github.client import GitHub
from changes.connectors.github.witness import witness_of
from changes.connectors.models import Source
from portal import vault
from portal.ledger.models import LedgerCheckpoint, LedgerLeaf
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from portal.outbox.registry import deliverer_of
from tests.portal.ledger.conftest import ORIGIN, note
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAME = "northwind/web"


@pytest.fixture
def source(northwind, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    return Source.objects.create(
        name="github",
        kind="github",
        api_url=northwind.api_url,
        token_encrypted=vault.seal(northwind.token()),
        connected_at=AT,
    )


@pytest.fixture
def sha(northwind):
    return northwind.git(NAME).tip("refs/heads/main")


def payload(sha, **changed):
    made = {
        "repository": NAME,
        "head_sha": sha,
        "external_id": "CHG-1",
        "name": "Countersign",
        "status": "in_progress",
        "conclusion": "",
        "title": "2 gates are waiting",
        "summary": "| Gate | State |",
        "details_url": "http://127.0.0.1:8000/changes/1/",
    }
    return {**made, **changed}


def ask(key, body):
    enqueue(kind=check_run.KIND, key=key, payload=body, at=AT, subject="check:1")


def delivered():
    deliver_due(now=lambda: AT)
    return Effect.objects.order_by("-id").first()


def runs(source, sha):
    client = GitHub(source=source, repository_name=NAME, at=AT)
    return [(run.name, run.status, run.conclusion) for run in client.check_runs(sha=sha)]


def test_the_deliverer_is_registered_when_the_app_starts():
    assert deliverer_of("github.check_run") is check_run.deliver_check_run


def test_a_check_run_appears_on_the_commit(source, sha):
    ask("one", payload(sha))

    effect = delivered()

    assert (effect.state, effect.result["published"]) == ("done", True)
    assert runs(source, sha) == [("Countersign", "in_progress", "")]


def test_a_second_version_changes_the_same_run(source, sha):
    ask("one", payload(sha))
    first = delivered()
    ask("two", payload(sha, status="completed", conclusion="success", title="Everything is met"))

    second = delivered()

    assert second.result == first.result
    assert runs(source, sha) == [("Countersign", "completed", "success")]


def test_an_effect_whose_answer_was_lost_makes_no_second_run(source, sha):
    ask("one", payload(sha))
    delivered()
    Effect.objects.update(state="waiting", result=None, done_at=None, not_before=AT)

    assert delivered().state == "done"
    assert len(runs(source, sha)) == 1


def test_a_commit_that_the_forge_does_not_know_is_quarantined_with_the_reason(source):
    ask("one", payload("0" * 40))

    effect = delivered()

    assert effect.state == "quarantined"
    assert effect.error


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"paused_at": AT}, "paused"),
        ({"api_url": "https://api.github.com", "token_encrypted": b""}, "no token"),
        ({"api_url": "https://api.github.com"}, "only an App"),
    ],
)
def test_a_source_that_cannot_write_is_a_result_and_no_error(source, sha, changed, reason):
    Source.objects.update(**changed)
    ask("one", payload(sha))

    effect = delivered()

    assert (effect.state, effect.result["published"]) == ("done", False)
    assert reason in effect.result["reason"]


def test_without_any_source_the_effect_is_done_as_not_connected():
    ask("one", payload("1" * 40))

    assert delivered().result == {"published": False, "reason": "not connected: no GitHub source"}


@pytest.mark.parametrize(
    ("problem", "state", "wait"),
    [
        (errors.Passing("busy", retry_after=90.0), "waiting", 90),
        (errors.Passing("no connection"), "waiting", None),
        (errors.Forbidden("no"), "quarantined", None),
    ],
)
def test_an_error_of_the_client_keeps_its_kind(source, sha, monkeypatch, problem, state, wait):
    def fail(self, **options):
        raise problem

    monkeypatch.setattr(GitHub, "publish_check_run", fail)
    ask("one", payload(sha))

    effect = delivered()

    assert (effect.state, effect.error) == (state, problem.reason)
    if wait:
        assert (effect.not_before - AT).total_seconds() == wait


def test_texts_are_no_longer_than_github_takes():
    run = check_run.run_of(payload("1" * 40, title="t" * 999, summary="s" * 99_999))

    assert (len(run["output"]["title"]), len(run["output"]["summary"])) == (255, 65_535)
    assert "conclusion" not in run


@pytest.mark.django_db(transaction=True)
def test_the_check_run_is_a_witness_of_the_ledger(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert witness_of(change="CHG-7") == ""
    note("one", stream="change:7")
    assert witness_of(change="CHG-7") == "", "nothing is signed yet"
    seal(at=AT, where=places(), origin=ORIGIN, force=True)
    entry, checkpoint = LedgerLeaf.objects.get(), LedgerCheckpoint.objects.get()

    said = witness_of(change="CHG-7")
    assert f"`{bytes(entry.hash).hex()}`, and is fixed by the checkpoint of 1 entries" in said
    assert checkpoint.note.split("\n")[2] in said
    note("two", stream="change:7")
    assert "is sealed with the next checkpoint" in witness_of(change="CHG-7")
    assert witness_of(change="CHG-8") == witness_of(change="something else") == ""

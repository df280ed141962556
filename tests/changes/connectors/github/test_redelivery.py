"""Deliveries that GitHub could not hand over are asked for again, once each, and come in by the door."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.door import forget
from changes.connectors.errors import Passing
from changes.connectors.github import auth, redelivery
from changes.connectors.github.deliveries import Attempt
from changes.connectors.models import Delivery, HookSecret, Source
from changes.delivery.models import Repository
from portal import vault
from portal.ledger.models import LedgerLeaf
from portal.ledger.queries import entries_about
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["connect", "github_standin", "northwind", "scripted"]


def attempt(number, guid, *, minute=0, status="failed to connect to host", redelivery=False):
    return Attempt(number, guid, datetime(2026, 2, 10, 11, minute, tzinfo=UTC), redelivery, status, "push", "")


def test_of_each_guid_without_success_the_newest_attempt_is_asked_for_again():
    attempts = [
        attempt(9, "b", minute=9, redelivery=True),
        attempt(5, "c", minute=5),
        attempt(4, "b", minute=4),
        attempt(3, "a", minute=3),
        attempt(2, "ok", minute=2, status="OK"),
        *(attempt(20 + n, "tired", minute=20 + n, redelivery=True) for n in range(redelivery.TRIES)),
    ]

    chosen = redelivery.lost(attempts=attempts, held=frozenset({"a"}))

    assert [one.id for one in chosen] == [5, 9]


@pytest.fixture
def source(transactional_db, settings, northwind) -> Source:
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    forget()
    app = {"app_id": northwind.app_id, "installation_id": northwind.installation_id}
    made = Source.objects.create(
        name="github",
        kind="github",
        api_url=northwind.api_url,
        token_encrypted=vault.seal(northwind.app_private_key),
        connected_at=NOW,
        **app,
    )
    HookSecret.objects.create(source=made, secret_encrypted=vault.seal("standin-secret"), created_at=NOW)
    Repository.objects.create(name=WEB, in_scope_from=NOW)
    return made


def test_what_failed_at_the_door_comes_in_after_one_look(source, northwind, client):
    answers = {"push": 503}

    def post(headers, body):
        if answers:
            return answers.get(headers["X-GitHub-Event"], 202)
        return client.post("/hooks/github/", data=body, content_type="application/json", headers=headers).status_code

    northwind.commit(repository=WEB, branch="idea", files={"a.txt": "a"}, author="ann", message="An idea")
    northwind.post_held(post)
    lost = [row for row in northwind.deliveries() if row["status_code"] == 503]
    at = datetime.now(UTC)

    asked = redelivery.send_again_due(source=source, at=at)
    again = redelivery.send_again_due(source=source, at=at + timedelta(seconds=10))
    answers.clear()
    northwind.post_held(post)

    assert (asked, again) == (len(lost), 0)
    assert lost
    assert {row.delivery_id for row in Delivery.objects.all()} == {row["guid"] for row in lost}
    assert LedgerLeaf.objects.filter(kind="source.sent_again").count() == 1
    noted = Source.objects.get().settings["redelivery"]
    assert (noted["asked"], noted["problem"]) == (len(lost), "")
    assert redelivery.send_again_due(source=Source.objects.get(), at=at + redelivery.EVERY) == 0, "what came in is not asked for"


@pytest.mark.django_db
def test_a_token_reads_the_log_of_the_hook_that_leads_here_and_old_failures_rest(connect, settings):
    settings.BASE_URL = "https://portal.example"
    hook = {"id": 7, "config": {"url": "https://portal.example/hooks/github/"}}
    row = {"id": 3, "guid": "g-3", "delivered_at": "2026-02-10T11:00:00Z", "redelivery": False, "status": "timed out"}
    log = "/repos/northwind/web/hooks/7/deliveries"
    script = {
        "GET /repos/northwind/web/hooks": Said([{"id": 6, "config": {"url": "https://elsewhere.example/"}}, hook]),
        f"GET {log}": Said([row, row | {"id": 2, "guid": "g-2", "delivered_at": "2026-02-07T11:59:00Z"}]),
        f"POST {log}/3/attempts": Said({}, 202),
    }
    github, forge = connect(script)
    Repository.objects.create(name="northwind/web", in_scope_from=NOW)

    assert redelivery.send_again_due(source=github.source, at=NOW) == 1
    assert [one for one in forge.targets() if one.startswith("POST")] == [f"POST {log}/3/attempts"]


@pytest.mark.django_db
def test_what_was_asked_for_stays_on_record_whatever_github_says_to_the_next(connect, settings):
    settings.BASE_URL = "https://portal.example"
    row = {"delivered_at": "2026-02-10T11:00:00Z", "redelivery": False, "status": "timed out"}
    log = "/repos/northwind/web/hooks/7/deliveries"
    script = {
        "GET /repos/northwind/web/hooks": Said([{"id": 7, "config": {"url": "https://portal.example/hooks/github/"}}]),
        f"GET {log}": Said([row | {"id": number, "guid": f"g-{number}"} for number in (3, 2, 1)]),
        f"POST {log}/1/attempts": Said({"message": "Too old"}, 422),
        f"POST {log}/2/attempts": Said({}, 202),
        f"POST {log}/3/attempts": Said({"message": "busy"}, 503),
    }
    github, _ = connect(script)
    Repository.objects.create(name="northwind/web", in_scope_from=NOW)

    with pytest.raises(Passing, match="busy"):
        redelivery.send_again_due(source=github.source, at=NOW)

    [entry] = [one for one in entries_about(stream=f"source:{github.source.pk}") if one.kind == "source.sent_again"]
    noted = Source.objects.get().settings["redelivery"]
    assert entry.fact["deliveries"] == ["g-2"]
    assert (noted["asked"], "Too old" in noted["problem"]) == (1, True)


@pytest.mark.django_db
def test_a_log_that_may_not_be_read_is_noted_and_fails_nothing(connect):
    github, _ = connect({"GET /repos/northwind/web/hooks": Said({"message": "Resource not accessible"}, 403)})
    Repository.objects.create(name="northwind/web", in_scope_from=NOW)

    assert redelivery.send_again_due(source=github.source, at=NOW) == 0
    assert "Resource not accessible" in Source.objects.get().settings["redelivery"]["problem"]
    assert Source.objects.get().failures == 0


def test_what_an_organisations_hook_could_not_deliver_is_asked_for_again(source, northwind, client, settings):
    settings.BASE_URL = "hold:"
    northwind.create_repository(name="northwind/other", by="rex")
    northwind.send_hooks_to("hold:/hooks/github/", secret="standin-secret", organization="northwind")
    Source.objects.update(app_id="", installation_id="", token_encrypted=vault.seal(northwind.token_of("rex")))
    Repository.objects.update(vendor_id=northwind.repository(WEB)["id"])
    for name in (WEB, "northwind/other"):
        northwind.commit(repository=name, branch="idea", files={"a.txt": "a"}, author="rex", message="An idea")
    northwind.post_held(lambda headers, body: 503)

    asked = redelivery.send_again_due(source=Source.objects.get(), at=datetime.now(UTC))
    northwind.post_held(
        lambda headers, body: client.post("/hooks/github/", data=body, content_type="application/json", headers=headers).status_code
    )

    failed = [row for row in northwind.deliveries() if row["status_code"] == 503]
    others = northwind.repository("northwind/other")["id"]
    ours = {row["guid"] for row in failed if row["repository_id"] != others}
    assert (asked, {row.delivery_id for row in Delivery.objects.all()}) == (len(ours), ours)
    assert len(failed) > len(ours) > 0, "what the same hook tells of other repositories is left alone"
    assert Source.objects.get().settings["redelivery"]["problem"] == ""


@pytest.mark.django_db
def test_one_log_that_may_not_be_read_does_not_hide_the_others(connect, settings):
    settings.BASE_URL = "https://portal.example"
    row = {"id": 3, "guid": "g-3", "delivered_at": "2026-02-10T11:00:00Z", "redelivery": False, "status": "timed out"}
    hooks = Said([{"id": 7, "config": {"url": "https://portal.example/hooks/github/"}}])
    log = "/orgs/northwind/hooks/7/deliveries"
    script = {
        "GET /repos/northwind/api/hooks": Said({"message": "Resource not accessible"}, 403),
        "GET /repos/northwind/web/hooks": Said([]),
        "GET /repos/ann/own/hooks": Said([]),
        "GET /orgs/northwind/hooks": hooks,
        f"GET {log}": Said([row]),
        f"POST {log}/3/attempts": Said({}, 202),
    }
    github, forge = connect(script)
    for name in ("northwind/api", "northwind/web", "ann/own"):
        Repository.objects.create(name=name, in_scope_from=NOW)

    assert redelivery.send_again_due(source=github.source, at=NOW) == 1
    assert "Resource not accessible" in Source.objects.get().settings["redelivery"]["problem"]
    assert len([one for one in forge.targets() if "/orgs/northwind/hooks?" in one]) == 1, "once for all its repositories"

    forge.script["GET /orgs/northwind/hooks"] = Said({"message": "Must have admin rights"}, 403)
    forge.script["GET /repos/northwind/api/hooks"] = Said([])
    for turn in range(1, 4):
        redelivery.send_again_due(source=Source.objects.get(), at=NOW + turn * redelivery.EVERY)
        assert "Must have admin rights" in Source.objects.get().settings["redelivery"]["problem"]
    asked = [one.split("?")[0] for one in forge.targets() if "/orgs/" in one and "/7/" not in one]
    assert asked == ["GET /orgs/northwind/hooks", "GET /orgs/ann/hooks", "GET /orgs/northwind/hooks"], "what is hidden rests a day"

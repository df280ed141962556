"""Read now and fill back: steps that survive their worker, with progress, cancelled by hand; pause and go on."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors import fetch_asking as asking
from changes.connectors import fetching, pages
from changes.connectors.models import Fetch, Reading, Source
from changes.delivery.models import PullRequest, Repository
from portal import vault
from portal.access.roles import Role
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said
from tests.changes.people import person, sign_in

__all__ = ["connect", "scripted"]
pytestmark = pytest.mark.django_db(transaction=True)
REPO = "/repos/northwind/web"


def pulls(asked):
    """Two full pages and the one that ends it; the numbers tell the page."""
    page = int(asked.target.partition("&page=")[2])
    days = {1: "2026-02-10", 2: "2026-02-01", 3: "2025-11-01"}[page]
    return Said([made.pull_request(number=page * 10 + n, updated_at=f"{days}T10:00:00Z") for n in range(2)])


@pytest.fixture
def github(connect):
    script = {f"GET {REPO}/pulls": pulls, f"GET {REPO}/deployments": Said([]), f"GET {REPO}/activity": Said([])}
    client, forge = connect(script)
    Repository.objects.create(name="northwind/web", in_scope_from=NOW - timedelta(days=300))
    client.forge = forge
    return client


def fetch():
    return Fetch.objects.get()


def test_filling_back_goes_step_by_step_and_survives_a_killed_worker(github):
    rex = person("Rex", Role.ADMINISTRATOR)
    asking.ask_fetch(source=github.source, days=30, by=rex, at=NOW)
    with pytest.raises(Stale, match="being read already"):
        asking.ask_fetch(source=github.source, days=None, by=rex, at=NOW)
    at = NOW

    taken = fetching._claim(at)
    assert (taken.pk, fetch().state) == (fetch().pk, "running")
    assert fetching.work_on_fetches(now=lambda: at) == 0, "a worker has it"
    at += fetching.LEASE
    done = fetching.work_on_fetches(now=lambda: at)

    row = fetch()
    assert done == 6, "three pages of pull requests, and three more parts"
    assert (row.state, row.done, row.total, row.found, row.ended_at) == ("done", 4, 4, 4, at)
    assert sorted(PullRequest.objects.values_list("number", flat=True)) == [10, 11, 20, 21], "none that is older"
    assert Reading.objects.filter(subject__startswith="pull_request:").count() == 4
    kinds = [entry.kind for entry in entries_about(stream=f"source:{github.source.pk}")]
    assert kinds == ["source.fetch_ended", "source.fetch_asked"]
    assert row.note == "northwind/web: Read by REST: POST /graphql answered 404: Not Found"
    assert [one.method for one in github.forge.asked].count("POST") == 1, "GraphQL is not asked again on the way"


@pytest.mark.parametrize(
    ("path", "odd", "words"),
    [("deployments", {"id": 5}, "deployment.environment"), ("activity", {"ref": "refs/heads/main"}, "activity.activity_type")],
)
def test_filling_back_says_what_cannot_be_used(github, path, odd, words):
    asking.ask_fetch(source=github.source, days=30, by=person("Rex", Role.ADMINISTRATOR), at=NOW)
    github.forge.script[f"GET {REPO}/{path}"] = Said([odd])

    fetching.work_on_fetches(now=lambda: NOW)

    assert (fetch().state, words in fetch().note) == ("failed", True)


def test_filling_back_leaves_out_an_odd_pull_request_alone_and_says_so(github):
    asking.ask_fetch(source=github.source, days=30, by=person("Rex", Role.ADMINISTRATOR), at=NOW)
    page = [made.pull_request(number=1, title=None), made.pull_request(number=2)]
    github.forge.script[f"GET {REPO}/pulls"] = [Said(page), Said([])]

    fetching.work_on_fetches(now=lambda: NOW)

    assert (fetch().state, list(PullRequest.objects.values_list("number", flat=True))) == ("done", [2])
    assert "1 pull requests of a page are left out: The forge's answer cannot be used: pull_request.title" in fetch().note


def test_the_vendors_wait_puts_it_off_and_a_refusal_stops_it(github):
    rex = person("Rex", Role.ADMINISTRATOR)
    asking.ask_fetch(source=github.source, days=30, by=rex, at=NOW)
    github.forge.script[f"GET {REPO}/pulls"] = Said({"message": "busy"}, 503)

    fetching.work_on_fetches(now=lambda: NOW)

    assert (fetch().state, fetch().done, fetch().not_before) == ("running", 0, NOW + fetching.WAIT)
    github.forge.script[f"GET {REPO}/pulls"] = Said({"message": "not yours"}, 403)
    fetching.work_on_fetches(now=lambda: NOW + fetching.WAIT)
    assert (fetch().state, "not yours" in fetch().note) == ("failed", True)


def test_what_is_cancelled_while_a_step_runs_ends_there(github, monkeypatch):
    rex = person("Rex", Role.ADMINISTRATOR)
    row = asking.ask_fetch(source=github.source, days=30, by=rex, at=NOW)

    def cancelled_meanwhile(*given):
        asking.cancel_fetch(fetch=row, by=rex, at=NOW)
        return 2, True

    monkeypatch.setitem(fetching.BACK["github"], "pulls", cancelled_meanwhile)

    assert fetching.work_on_fetches(now=lambda: NOW) == 1
    assert (fetch().state, fetch().done, fetch().cancelled_by) == ("cancelled", 0, rex)
    with pytest.raises(Stale, match="ended already"):
        asking.cancel_fetch(fetch=row, by=rex, at=NOW)


def test_reading_now_is_a_poll_that_was_not_due(github):
    rex = person("Rex", Role.ADMINISTRATOR)
    github.forge.script |= {f"GET {REPO}": Said(made.REPOSITORY), f"GET {REPO}/pulls": Said([])}
    Repository.objects.update(polled_at=NOW - timedelta(seconds=5))
    asking.ask_fetch(source=github.source, days=None, by=rex, at=NOW)

    fetching.work_on_fetches(now=lambda: NOW)

    assert (fetch().state, Repository.objects.get().polled_at) == ("done", NOW)


@pytest.mark.parametrize("days", [0, 731])
def test_what_cannot_be_filled_back_is_refused(github, days):
    with pytest.raises(Refused, match="at least a day"):
        asking.ask_fetch(source=github.source, days=days, by=person("Rex", Role.ADMINISTRATOR), at=NOW)


def test_the_page_has_the_buttons_for_whoever_may(client, db):
    at = datetime.now(UTC)
    source = Source.objects.create(
        name="github", kind="github", api_url="http://127.0.0.1:1", token_encrypted=vault.seal("t"), connected_at=at
    )
    Repository.objects.create(name="northwind/web", in_scope_from=at)
    sign_in(client, person("Rex", Role.ADMINISTRATOR))

    def press(address, **data):
        return client.post(f"/integrations/{address}/", data, follow=True).content.decode()

    asked = press(f"{source.pk}/fetch", days="90")
    assert "Fill back 90 days: waiting, 0 of 4 steps, 0 things read. <" in asked
    under_way = {"began_at": at - timedelta(minutes=3), "moved_at": datetime.now(UTC), "todo": fetch().todo[1:], "part": 0.5}
    Fetch.objects.update(state=Fetch.State.RUNNING, **under_way)
    for page in ("/integrations/", "/setup/"):
        assert "unning, 1 of 4 steps, 0 things read, about 5 minutes left." in client.get(page).content.decode().replace(
            ": 1 of", ", 1 of"
        )
    assert "Cancelled. What was read stays." in press(f"fetches/{fetch().pk}/cancel")
    paused = press(f"{source.pk}/pause")
    assert ("Go on" in paused, "Read now" in paused.partition("Fill back 90")[2]) == (True, False)
    assert "is paused already" in press(f"{source.pk}/pause")
    assert "paused, or has no token" in press(f"{source.pk}/fetch")
    assert "Read now" in press(f"{source.pk}/resume")
    assert "is not paused" in press(f"{source.pk}/resume")
    kinds = {entry.kind for entry in entries_about(stream=f"source:{source.pk}")}
    assert kinds == {"source.fetch_asked", "source.fetch_cancelled", "source.paused", "source.resumed"}

    client.logout()
    sign_in(client, person("Ann", Role.ENGINEER))
    assert client.post(f"/integrations/{source.pk}/pause/").status_code == 403
    assert "Fill back</button>" not in client.get("/integrations/").content.decode()


def test_what_is_disconnected_is_not_gone_on_with_even_where_no_token_is_needed(client, db):
    at = datetime.now(UTC)
    source = Source.objects.create(name="gitea", kind="gitea", api_url="https://git.example.com/api/v1", connected_at=at)
    rex = person("Rex", Role.ADMINISTRATOR)
    sign_in(client, rex)
    buttons = ("Test connection", "Go on<", "Pause<", "Read now")
    before = client.get("/integrations/").content.decode()
    assert [words in before for words in buttons] == [True, False, True, True]
    asking.disconnect(source=source, reason="Moved away.", by=rex, at=at)

    refused = client.post(f"/integrations/{source.pk}/resume/")

    assert (refused.status_code, "gitea is disconnected" in refused.content.decode()) == (422, True)
    assert Source.objects.get().paused_at == at
    page = client.get("/integrations/").content.decode()
    assert [words in page for words in buttons] == [False, False, False, False]


def test_what_renews_itself_on_the_page_opens_no_credential(client, db, monkeypatch):
    Source.objects.create(name="slack", kind="slack", api_url="https://slack.com/api", connected_at=datetime.now(UTC))
    sign_in(client, person("Rex", Role.ADMINISTRATOR))
    asked = []
    for where, name in ((pages.keyring, "counts"), (pages, "late_jobs"), (pages, "per_day")):
        monkeypatch.setattr(where, name, lambda name=name, **given: asked.append(name) or [])

    piece = client.get("/integrations/", headers={"HX-Request": "true"}).content.decode()
    assert ("Slack" in piece, "<html" in piece, asked) == (True, False, [])
    assert "Encryption keys" in client.get("/integrations/").content.decode()
    assert sorted(asked) == ["counts", "late_jobs", "per_day"]


def test_a_source_that_rests_is_not_read_before_its_time_and_keeps_its_health(github):
    rests = {"not_before": NOW + timedelta(minutes=7), "last_good_read_at": NOW - timedelta(hours=1), "last_error": "asked to wait"}
    Source.objects.update(**rests)
    asking.ask_fetch(source=github.source, days=None, by=person("Rex", Role.ADMINISTRATOR), at=NOW)

    fetching.work_on_fetches(now=lambda: NOW)

    assert (fetch().state, fetch().not_before, fetch().note) == ("running", NOW + timedelta(minutes=7), "asked to wait")
    assert Source.objects.values(*rests).get() == rests
    assert github.forge.asked == []

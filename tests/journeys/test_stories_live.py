"""Recorded stories and payloads against a whole running portal over HTTP, without an API, with one, and with broken ones."""

import http.server
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.changes.stories import FOLDER, NAMES, read_story
from tests.journeys.chaos.facts import Sent, life_of
from tests.journeys.chaos.portal import SECRET, Portal, figures
from tests.journeys.chaos.sender import Sender, signed
from tests.stack import wait_for

pytestmark = pytest.mark.stack
WEBHOOKS = FOLDER.parent / "webhooks"
LARGE = b"x" * (26 * 1024 * 1024)
FINAL = {"applied", "duplicate", "ignored", "quarantined"}


def thrice_and_shuffled(deliveries):
    mixed = deliveries * 3
    random.Random(7).shuffle(mixed)
    return mixed


def test_a_story_posted_thrice_and_shuffled_ends_with_exactly_its_findings(seed):
    """Each story has a portal of its own; most of the time they wait for their repositories to settle, so they do it together.

    In order, and each delivery once, they are told without a whole stack: tests/changes/connectors/test_stories.py.
    """
    with ThreadPoolExecutor(len(NAMES)) as pool:
        for told in [pool.submit(tell, seed, name) for name in NAMES]:
            told.result()


def tell(seed, name):
    story = read_story(name)
    with seed.running() as portal:
        for delivery in thrice_and_shuffled(story["deliveries"]):
            assert portal.post(body=delivery["body_raw"].encode(), headers=delivery["headers"]) == 202
        portal.settle(seconds=60.0)

        found = sorted(row["finding"] for row in portal.all("exceptions", repository=story["repository"]))
        assert found == sorted(story["expect"]["violations"])
        assert {state for state, _ in portal.inbox().values()} == {"applied"}
        assert len(portal.inbox()) == len(story["deliveries"])
        CHECKS[name](portal, story["expect"])


def the_standard_change(portal, expect):
    (change,) = portal.all("changes")
    whole = portal.ask(f"changes/{change['id']}")
    bases = [(row["base"], row["role"]) for row in sorted(whole["pull_requests"], key=lambda row: row["number"])]
    assert (change["state"], change["emergency"]) == ("released", False)
    assert bases == [("main", "work"), ("prod", "promotion")]
    assert sorted(row["moment"] for row in whole["verdicts"]) == ["merge", "release"]
    assert {row["author"] for row in whole["pull_requests"] if row["role"] == "work"} == {expect["author"]}
    assert not any(row["confirmed"] for row in whole["pull_requests"])


def the_emergency(portal, expect):
    (change,) = portal.all("changes")
    (back,) = portal.all("releases", commit=expect["rollback_to"])
    assert (change["state"], change["emergency"]) == ("rolled_back", expect["emergency"])
    assert (change["retrospective_due_at"] is not None) == expect["retro_review_due"]
    assert (back["rollback"], back["rolls_back_commit"]) == (True, expect["failed_deploy"])


def the_violations(portal, expect):
    rows = [portal.ask(f"changes/{row['id']}") for row in portal.all("changes")]
    opened = [row for row in rows if not row["pull_requests"]]
    assert {row["pull_requests"][0]["number"] for row in rows if row["pull_requests"]} == {31, 32}
    # Two pushes went past every pull request: the portal opened a change for each, and declared three emergencies in all.
    assert (len(opened), sum(row["emergency"] for row in rows)) == (2, 3)


CHECKS = dict(zip(NAMES, (the_standard_change, the_violations, the_emergency), strict=True))


def recorded():
    """Every recorded payload with the event that its folder names."""
    if not WEBHOOKS.exists():
        pytest.skip(f"{WEBHOOKS} is not here: recorded payloads are read in place and are no part of the project")
    return [Sent(str(uuid.uuid4()), path.parent.name, path.read_bytes()) for path in sorted(WEBHOOKS.rglob("*.json"))]


@pytest.fixture(scope="module")
def portal(seed):
    """One that knows its forge by deliveries only, for the tests that leave it able to take the next one."""
    with seed.running() as running:
        yield running


def test_an_oversized_delivery_is_refused_and_the_next_one_taken(portal):
    (sent, *_), _ = life_of(deliveries=1, seed=13)

    status = portal.post(body=LARGE, headers=signed(Sent("large", "push", LARGE), SECRET))
    tally = Sender(port=portal.stack.port, secret=SECRET, threads=1).start([sent]).finish()
    portal.settle()

    assert status == 413
    assert tally.acknowledged == {sent.id}
    inbox = portal.inbox()
    assert inbox[sent.id][0] == "applied"
    assert "large" not in inbox


def test_every_recorded_payload_is_accepted_and_ends_somewhere_with_a_reason(portal):
    deliveries, before = recorded(), set(portal.inbox())

    answers = [portal.post(body=each.body, headers=signed(each, SECRET)) for each in deliveries]
    wait_for(lambda: {state for state, _ in portal.inbox().values()} <= FINAL, seconds=60.0, what="an end of every delivery")

    inbox = portal.inbox()
    assert set(answers) == {202}
    assert set(inbox) - before == {each.id for each in deliveries}
    assert [pk for pk, (state, note) in inbox.items() if state != "applied" and not note] == []


class Broken:
    """A vendor that answers everything with one bad answer."""

    def __init__(self, *, status, kind, body):
        owner = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                owner.asked += 1
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *args):
                """Silence."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def broken():
    """It answers with a page for people: the worst, because it says that all is well."""
    vendor = Broken(status=200, kind="text/html", body=b"<html><h1>Unicorn!</h1></html>")
    yield vendor
    vendor.close()


def test_with_a_broken_api_facts_stay_unconfirmed_and_the_workers_go_on(stack, broken):
    """Refused connections and errors are the same to the workers: tests/changes/connectors/http."""
    portal = Portal(stack(empty=True, env={"COUNTERSIGN_PRIVATE_HOSTS": "127.0.0.1"})).connect(api_url=broken.url, token="t0ken")
    sent, expected = life_of(deliveries=30, seed=14)

    tally = Sender(port=portal.stack.port, secret=SECRET, threads=2).start(sent).finish()
    wait_for(
        lambda: portal.sql("SELECT count(*) FROM changes_delivery WHERE state = 'applied'") == [(len(sent),)],
        seconds=30.0,
        what="the deliveries",
    )
    wait_for(lambda: portal.sql("SELECT count(*) FROM changes_settling") == [(0,)], seconds=90.0, what="the settling")

    assert tally.acknowledged == {each.id for each in sent}
    assert portal.sql("SELECT count(*), count(confirmed_at) FROM changes_pullrequest") == [(len(expected.pull_requests), 0)]
    assert broken.asked > 0
    # Said by the poll, which runs every fifteen seconds.
    said = "SELECT last_error <> '' FROM changes_source"
    wait_for(lambda: portal.sql(said) == [(True,)], seconds=40.0, what="the error at the source")
    assert portal.stack.status()["programs"]["worker"]["starts"] == 1
    assert portal.stack.get("/healthz") == 200


def live(github):
    """Open, check, review, merge, stage, promote, deploy at the stand-in. Each merge waits for the portal's word on the head."""
    at = {"repository": "acme/web"}
    github.commit(**at, branch="greet", files={"app/main.py": "print('hello')\n"}, author="ann", message="Greet")
    for head, base, environment in (("greet", "main", "staging"), ("main", "prod", "production")):
        opened = github.open_pull_request(
            **at, head=head, base=base, title=f"Bring {head} to {base}", by="ann", body="## Why\nPolite."
        )
        github.check(**at, sha=opened["head"]["sha"])
        github.review(**at, number=opened["number"], by="bob")
        told = wait_for(lambda sha=opened["head"]["sha"]: check_runs(github, sha), seconds=60.0, what="the check run")
        assert [run["external_id"][:4] for run in told] == ["CHG-"]
        merged = github.merge(**at, number=opened["number"], by="bob")
        github.deploy(**at, environment=environment, sha=merged["sha"], by="bob")
    assert github.flush()


def check_runs(github, sha):
    """The check runs ``Countersign`` on one commit."""
    return [row for row in github.store.all("check_run", place="acme/web", subject=sha) if row["name"] == "Countersign"]


def test_with_a_reachable_api_facts_are_confirmed_and_the_check_run_is_published(stack, github_standin):
    github = github_standin
    github.create_repository(name="acme/web", by="rex", files={"app/main.py": "print()\n"})
    for login in ("ann", "bob"):
        github.add_member(repository="acme/web", login=login, by="rex")
    for branch in ("main", "prod"):
        github.set_protection(repository="acme/web", branch=branch, by="rex")
    portal = Portal(stack(empty=True, env={"COUNTERSIGN_PRIVATE_HOSTS": "127.0.0.1"}))
    portal.connect(api_url=github.api_url, token=github.token(), clone_url=github.clone_url("acme/web")).join()
    github.send_hooks_to(f"{portal.stack.url}/hooks/github/", secret=SECRET)

    live(github)
    wait_for(lambda: [row["state"] for row in portal.all("changes")] == ["released"], seconds=90.0, what="the release")
    wait_for(lambda: all(row["confirmed"] for row in whole(portal)["pull_requests"]), seconds=60.0, what="confirmation")

    assert portal.all("exceptions") == []
    assert portal.sql("SELECT count(*) FROM changes_release WHERE confirmed_at IS NULL") == [(0,)]
    assert {state for state, _ in portal.inbox().values()} <= {"applied", "ignored"}
    figures("reachable api", gates=whole(portal)["gates_summary"], deliveries=len(portal.inbox()))


def whole(portal):
    (change,) = portal.all("changes")
    return portal.ask(f"changes/{change['id']}")

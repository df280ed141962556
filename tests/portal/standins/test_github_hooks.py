"""Webhooks of the stand-in: what each act tells, how it is signed, and how it can go wrong on purpose."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.standins.github import hooks
from portal.standins.github.hooks import as_github_writes
from tests.portal.standins.asking import ask
from tests.portal.standins.life import WEB
from tests.portal.standins.test_github_api import open_one

SECRET = "standin-secret"


class Receiver:
    """A place that webhooks are sent to: keeps them and answers ``status``."""

    def __init__(self):
        self.got, self.status = [], 202
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/github/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def events(self):
        return [(headers["X-GitHub-Event"], json.loads(body).get("action")) for headers, body in self.got]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def test_each_act_tells_what_github_tells(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    opened = open_one(northwind)
    northwind.check(repository=WEB, sha=opened["head"]["sha"])
    northwind.review(repository=WEB, number=1, by="bob")
    northwind.merge(repository=WEB, number=1, by="bob")
    northwind.deploy(repository=WEB, environment="staging", sha="main", by="bob")
    northwind.flush()

    assert receiver.events() == [
        ("push", None),
        ("pull_request", "opened"),
        ("check_run", "created"),
        ("check_run", "completed"),
        ("check_suite", "completed"),
        ("pull_request_review", "submitted"),
        ("pull_request", "closed"),
        ("push", None),
        ("deployment", "created"),
        ("deployment_status", "created"),
        ("deployment_status", "created"),
    ]


def test_a_delivery_is_signed_over_its_raw_bytes(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.ping()
    northwind.flush()

    headers, body = receiver.got[0]

    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")


def test_control_characters_are_written_as_github_writes_them():
    assert as_github_writes({"message": "a\x1bb \\u001b \n é"}) == '{"message":"a\\u001Bb \\\\u001b \\n é"}'


def test_a_push_moves_the_pull_requests_from_that_branch(northwind, receiver):
    opened = open_one(northwind)
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.commit(repository=WEB, branch="greet", files={"greet.txt": "2\n"}, author="ann", message="More")
    northwind.flush()

    told = json.loads(receiver.got[1][1])

    assert receiver.events() == [("push", None), ("pull_request", "synchronize")]
    assert (told["before"], told["after"]) == (opened["head"]["sha"], northwind.tip(WEB, "greet"))


def test_a_push_of_the_commits_to_the_base_merges_the_pull_request(northwind, receiver):
    opened = open_one(northwind)
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.force_push(repository=WEB, branch="main", by="rex", to=opened["head"]["sha"])
    northwind.flush()

    assert receiver.events() == [("push", None), ("pull_request", "closed")]
    assert ask(northwind, f"/repos/{WEB}/pulls/1").json()["merged"] is True


def test_new_commits_dismiss_an_approval_where_the_branch_says_so(northwind, receiver):
    northwind.set_protection(repository=WEB, branch="main", by="rex", dismiss_stale=True)
    open_one(northwind)
    northwind.review(repository=WEB, number=1, by="bob")
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.commit(repository=WEB, branch="greet", files={"greet.txt": "2\n"}, author="ann", message="More")
    northwind.flush()

    assert receiver.events()[-1] == ("pull_request_review", "dismissed")
    assert ask(northwind, f"/repos/{WEB}/pulls/1/reviews").json()[0]["state"] == "DISMISSED"


def test_a_failed_delivery_can_be_sent_again_under_the_same_name(northwind, receiver):
    receiver.status = 500
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.push_direct(repository=WEB, branch="prod", files={"a": "b"}, by="rex", message="x")
    northwind.flush()
    receiver.status = 202
    log = f"/repos/{WEB}/hooks/1/deliveries"
    failed = ask(northwind, log + "?status=failure").json()

    answer = ask(northwind, f"{log}/{failed[0]['id']}/attempts", method="POST")
    northwind.flush()

    assert answer.status_code == 202
    assert len(failed) == 1
    assert len({headers["X-GitHub-Delivery"] for headers, _ in receiver.got}) == 1
    assert [(row["status"], row["redelivery"]) for row in ask(northwind, log).json()][:2] == [
        ("OK", True),
        ("Invalid HTTP Response: 500", False),
    ]


def test_a_delivery_to_nobody_is_kept_as_failed(northwind):
    northwind.send_hooks_to("http://127.0.0.1:9/hooks/", secret=SECRET)
    northwind.ping()
    northwind.flush()

    assert northwind.deliveries()[-1]["status_code"] == 0


def test_what_was_not_sent_before_a_restart_is_sent_after_it(northwind, receiver, tmp_path):
    northwind.ping()
    northwind.stop()
    again = type(northwind)(tmp_path / "github")
    again.send_hooks_to(receiver.url, secret=SECRET)
    again.start()
    again.flush()
    again.stop()

    assert ("ping", None) in receiver.events()


def test_old_deliveries_are_forgotten(northwind, monkeypatch):
    monkeypatch.setattr(hooks, "DELIVERIES_KEPT", 3)
    northwind.hooks._counted = 495

    for _ in range(6):
        northwind.ping()

    assert [row["event"] for row in northwind.deliveries()] == ["ping"] * 4


def test_held_deliveries_are_posted_by_whoever_asks(northwind):
    seen = []
    northwind.ping()

    count = northwind.post_held(lambda headers, body: seen.append(headers["X-GitHub-Event"]) or 202)

    assert count == len(seen) > 0
    assert seen[-1] == "ping"
    assert northwind.post_held(lambda headers, body: 202) == 0


def push_some(github, count):
    for number in range(count):
        github.push_direct(repository=WEB, branch="prod", files={"n": str(number)}, by="rex", message=f"Push {number}")
    github.flush()


def test_faulty_hooks_come_twice(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.faults.switch({"hooks": {"duplicate": 2}})
    push_some(northwind, 2)

    names = [headers["X-GitHub-Delivery"] for headers, _ in receiver.got]

    assert [names.count(name) for name in dict.fromkeys(names)] == [3, 3]


def test_faulty_hooks_come_in_disorder(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.faults.switch({"hooks": {"shuffle": 8, "seed": 7}})
    push_some(northwind, 8)

    messages = [json.loads(body)["head_commit"]["message"] for _, body in receiver.got]

    assert sorted(messages) == [f"Push {number}" for number in range(8)]
    assert messages != sorted(messages)


def test_faulty_hooks_get_lost(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.faults.switch({"hooks": {"drop_every": 2}})
    push_some(northwind, 4)

    assert len(receiver.got) == 2


def test_faulty_hooks_carry_a_wrong_signature(northwind, receiver):
    northwind.send_hooks_to(receiver.url, secret=SECRET)
    northwind.faults.switch({"hooks": {"bad_signature": 1}})
    push_some(northwind, 2)

    right = [
        headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        for headers, body in receiver.got
    ]

    assert right == [False, True]


def test_a_pull_request_from_a_fork_names_the_other_repository(northwind):
    northwind.add_account(login="mallory")
    northwind.commit(repository=WEB, branch="mallory-main", files={"x.txt": "x\n"}, author="mallory", message="x", committer="bob")

    opened = northwind.open_pull_request(
        repository=WEB, head="mallory-main", base="prod", title="x", by="mallory", fork="mallory/web:main"
    )

    head, base = opened["head"], opened["base"]
    assert (head["label"], head["ref"], head["repo"]["full_name"]) == ("mallory:main", "main", "mallory/web")
    assert head["repo"]["id"] != base["repo"]["id"]


def test_another_base_is_told_with_the_one_before(northwind):
    northwind.commit(repository=WEB, branch="idea", files={"x.txt": "x\n"}, author="ann", message="x")
    northwind.open_pull_request(repository=WEB, head="idea", title="x", by="ann")

    edited = northwind.edit_pull_request(repository=WEB, number=1, by="ann", base="prod")

    last = json.loads(northwind.deliveries()[-1]["body"])
    assert edited["base"]["ref"] == "prod"
    assert (last["action"], last["changes"]["base"]["ref"]) == ("edited", {"from": "main"})

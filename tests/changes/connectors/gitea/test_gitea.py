"""Gitea and Forgejo behind the same door: signed, parsed, read again, answered with a status, each as the swagger file says."""

import hashlib
import hmac
import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from changes.connectors import actions
from changes.connectors.door import forget
from changes.connectors.errors import NotJson
from changes.connectors.fields import Fields, Unreadable
from changes.connectors.forges import client_of
from changes.connectors.gitea import objects
from changes.connectors.gitea.payloads import parse
from changes.connectors.github.check_run import deliver_check_run
from changes.connectors.github.client import read_answer
from changes.connectors.github.comments import deliver_comment
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.polling import poll_due
from changes.connectors.readings import read_due
from changes.delivery.models import Check, PullRequest, Push, Repository, Review
from changes.delivery.rule_models import BranchRules, RulesSnapshot
from portal.ledger.queries import entries_about
from tests.changes.connectors.github.conftest import NOW, scripted
from tests.changes.connectors.github.forge import Said

__all__ = ["scripted"]
FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "gitea"
absent = pytest.mark.skipif(not FOLDER.is_dir(), reason="Gitea's recordings are not here")
HEAD, MERGE = "b" * 40, "c" * 40
REPO = "/api/v1/repos/acme/shop"
ANN, BOB = {"id": 7, "login": "ann"}, {"id": 8, "login": "bob"}
REPOSITORY = {"id": 61, "full_name": "acme/shop", "name": "shop", "owner": ANN, "default_branch": "main"}
PULL = {
    "id": 900,
    "number": 4,
    "title": "Sell shoes",
    "body": "",
    "state": "open",
    "draft": False,
    "merged": False,
    "user": ANN,
    "labels": [],
    "head": {"ref": "shoes", "sha": HEAD, "repo": {"id": 61}},
    "base": {"ref": "main", "sha": "a" * 40, "repo": {"id": 61}},
    "created_at": "2026-02-10T09:00:00Z",
    "updated_at": "2026-02-10T10:00:00Z",
}
REVIEW = {"id": 55, "state": "APPROVED", "user": BOB, "commit_id": HEAD, "submitted_at": "2026-02-10T10:05:00Z", "dismissed": False}
RULE = {
    "rule_name": "pro*",
    "required_approvals": 2,
    "enable_status_check": True,
    "status_check_contexts": ["ci", "Countersign"],
    "enable_merge_whitelist": True,
    "merge_whitelist_usernames": ["bob"],
    "apply_to_admins": True,
}
COMMIT = {"sha": HEAD, "author": ANN, "committer": ANN, "parents": [], "commit": {"message": "shoes", "author": {"name": "Ann"}}}
SCRIPT = {
    f"GET {REPO}": Said(REPOSITORY),
    f"GET {REPO}/pulls": Said([PULL]),
    f"GET {REPO}/pulls/4": Said(PULL),
    f"GET {REPO}/pulls/4/files": Said([{"filename": "shoes.py", "status": "added", "changes": 3}]),
    f"GET {REPO}/pulls/4/commits": Said([COMMIT]),
    f"GET {REPO}/pulls/4/reviews": Said([REVIEW, REVIEW | {"id": 56, "state": "REQUEST_REVIEW"}]),
    f"GET {REPO}/commits/{HEAD}/status": Said({"statuses": [{"id": 9, "context": "ci", "status": "warning", "creator": ANN}]}),
    f"GET {REPO}/commits/{MERGE}/pull": Said(PULL),
    f"GET {REPO}/branch_protections": Said([RULE]),
    f"POST {REPO}/statuses/{HEAD}": Said({"id": 12}, 201),
}


@pytest.fixture
def gitea(transactional_db, scripted):
    """(repository in scope, the forge that answers)."""
    forget()
    forge = scripted(dict(SCRIPT))
    given = {"repository": "acme/shop", "secret": "s3cret", "main": "main", "prod": "prod", "token": "t0ken-t0ken"}
    return actions.connect_gitea(**given, api_url=f"{forge.url}/api/v1", at=NOW), forge


def send(client, body, *, event="pull_request_approved", secret=b"s3cret", **headers):
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    sent = {"X-Gitea-Event": event, "X-Gitea-Delivery": "d-1", "X-Hub-Signature-256": f"sha256={digest}", **headers}
    sent = {name: value for name, value in sent.items() if value is not None}
    return client.post("/hooks/gitea/", data=body, content_type="application/json", headers=sent).status_code


def test_a_delivery_is_signed_by_either_header_and_never_by_an_empty_secret(client, gitea):
    body = json.dumps({"action": "opened", "pull_request": PULL, "repository": REPOSITORY, "sender": ANN}).encode()
    plain = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()

    assert send(client, body) == 202
    assert send(client, body, **{"X-Hub-Signature-256": None, "X-Gitea-Signature": plain, "X-Gitea-Delivery": "d-2"}) == 202
    assert send(client, body, secret=b"") == 401
    assert send(client, body, **{"X-Hub-Signature-256": "sha256="}) == 401
    assert send(client, body, **{"X-Hub-Signature-256": None}) == 401


def test_a_review_is_read_again_and_its_people_are_never_githubs(client, gitea):
    repository, _ = gitea
    body = json.dumps(
        {"action": "reviewed", "pull_request": PULL, "repository": REPOSITORY, "sender": BOB, "review": {"type": "x"}}
    )
    send(client, body.encode())

    drain(now=lambda: NOW)
    assert Delivery.objects.get().state == "applied"
    assert not Review.objects.exists(), "the delivery names no review"
    read_due(now=lambda: NOW)

    review = Review.objects.get()
    assert (review.state, review.commit_sha, review.uid) == ("approved", HEAD, objects.ACCOUNTS + 8)
    row = PullRequest.objects.get(repository=repository)
    assert (row.author_uid, row.paths, row.confirmed_at) == (objects.ACCOUNTS + 7, ["shoes.py"], NOW)
    assert {person["uid"] for person in row.commit_people} == {objects.ACCOUNTS + 7}
    assert list(Check.objects.values_list("name", "conclusion")) == [("ci", "success")]
    rules = BranchRules.objects.get(branch="prod")
    assert rules.required_checks == ["Countersign", "ci"]
    guard = RulesSnapshot.objects.get(subject="branch:prod").rules
    assert (guard["reviews"], guard["may_push"], guard["admins_bound"], guard["force_pushes"]) == (2, ["bob"], True, False)
    assert RulesSnapshot.objects.get(subject="branch:main").rules["pull_request"] is False


def test_a_poll_finds_what_no_delivery_told(gitea):
    repository, forge = gitea

    assert poll_due(now=lambda: NOW) == 1

    assert PullRequest.objects.get(repository=repository).title == "Sell shoes"
    assert Source.objects.get().failures == 0
    assert forge.asked[0].headers["authorization"].endswith("t0ken-t0ken")


def test_the_verdict_is_published_as_a_status(gitea):
    _, forge = gitea
    run = {"repository": "acme/shop", "head_sha": HEAD, "external_id": "x", "name": "Countersign", "title": "Two gates wait"}
    run |= {"status": "completed", "conclusion": "action_required", "summary": "…", "details_url": "https://p.example/changes/1/"}

    assert deliver_check_run(run) == {"published": True, "check_run": 12}

    assert forge.asked[-1].body == {
        "state": "failure",
        "context": "Countersign",
        "target_url": "https://p.example/changes/1/",
        "description": "Two gates wait",
    }
    assert deliver_comment({"repository": "acme/shop", "body": "b", "number": 4, "key": "k"})["published"] is False


def test_connecting_says_what_is_wrong_and_changes_what_is_given(gitea):
    repository, forge = gitea
    given = {"repository": "acme/shop", "secret": "s3cret", "main": "main", "prod": "prod", "at": NOW}
    with pytest.raises(ValueError, match="ends in /api/v1"):
        actions.connect_gitea(**given, api_url="https://git.example.com")
    Repository.objects.create(forge="github", name="acme/web", in_scope_from=NOW)
    with pytest.raises(ValueError, match="another forge"):
        actions.connect_gitea(**given | {"repository": "acme/web"}, api_url="https://git.example.com/api/v1")

    again = actions.connect_gitea(**given, api_url=f"{forge.url}/api/v1/", approved_by="portal")

    assert (again.pk, again.approved_by, again.clone_url) == (repository.pk, "portal", f"{forge.url}/acme/shop.git")
    kinds = [entry.kind for entry in entries_about(stream=f"repository:{again.pk}")]
    assert kinds == ["repository.changed", "repository.connected"]


def test_every_request_is_one_of_the_swagger_file(gitea):
    _, forge = gitea
    path = FOLDER / "swagger2.forgejo.cut.json"
    if not path.is_file():
        pytest.skip("Gitea's swagger file is not here")
    swagger = json.loads(path.read_bytes())
    client = client_of(source=Source.objects.get(), repository_name="acme/shop", at=NOW)
    forge.asked.clear()

    client.repository()
    client.pull_request(number=4)
    client.reviews(number=4)
    list(client.pull_requests_updated_since(since=NOW - timedelta(days=9)))
    client.commit_pulls(sha=MERGE)
    assert client.commit_pulls(sha="d" * 40) == ()
    client.statuses(sha=HEAD)
    client.branch_rules(branch="prod")
    client.set_status(sha=HEAD, name="Countersign", run={"status": "queued"})
    assert [*client.check_runs(sha=HEAD), *client.deployments_since(since=None), *client.activity_since(since=NOW)] == []

    for one in forge.asked:
        place = one.path.removeprefix("/api/v1")
        fits = [name for name in swagger["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), place)]
        allowed = {each["name"]: each for each in swagger["paths"][fits[0]][one.method.lower()]["parameters"]}
        asked = dict(part.split("=") for part in one.target.partition("?")[2].split("&") if part)
        assert set(asked) <= set(allowed), one.target
        assert all(value in allowed[name].get("enum", [value]) for name, value in asked.items()), one.target
        assert set(one.body or {}) <= set(swagger["definitions"]["CreateStatusOption"]["properties"])
    assert len({one.path for one in forge.asked}) == 11


@absent
@pytest.mark.parametrize("path", sorted((FOLDER / "webhooks").glob("*/*.json")), ids=lambda path: path.stem)
def test_every_recorded_delivery_is_facts_or_says_why_not(path):
    event = path.stem.rpartition("_")[0] or path.stem
    event = {"branch": "create", "tag": "create", "pull_request_comment": "issue_comment"}.get(event, event)

    parsed = parse(event, path.read_bytes())

    assert parsed.kind == ("known" if event in ("pull_request", "push") else "unknown"), parsed.note
    assert bool(parsed.facts) == (parsed.kind == "known")
    assert parsed.repository.name.count("/") == 1
    assert parsed.sender_uid > objects.ACCOUNTS if parsed.kind == "known" else parsed.sender_uid is None


def test_a_push_is_kept_and_nonsense_is_set_aside(client, gitea):
    commit = {"id": MERGE, "message": "hot", "timestamp": "2026-02-10T11:00:00Z", "added": ["a"], "author": {"username": "ann"}}
    body = {"ref": "refs/heads/prod", "before": HEAD, "after": MERGE, "commits": [commit], "repository": REPOSITORY, "sender": ANN}
    send(client, json.dumps(body).encode(), event="push")
    send(client, json.dumps({"repository": REPOSITORY, "sender": ANN}).encode(), event="push", **{"X-Gitea-Delivery": "d-2"})

    drain(now=lambda: NOW)

    push = Push.objects.get()
    assert (push.branch, push.pusher_uid, push.commits[0]["paths"]) == ("prod", objects.ACCOUNTS + 7, ["a"])
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["applied", "quarantined"]
    with pytest.raises(Unreadable):
        parse("push", b"[]")


def test_an_answer_that_cannot_be_used_is_not_said_to_be_of_another_forge():
    with pytest.raises(NotJson, match=r"^The forge's answer cannot be used: pull\.number is missing or unusable$"):
        read_answer({}, read=lambda value: Fields.of(value=value, path="pull").needed_number("number"))


def test_a_number_of_an_account_that_no_column_holds_is_refused():
    assert objects.account(7) == objects.ACCOUNTS + 7
    with pytest.raises(Unreadable, match="larger than any"):
        objects.account(2**63 - 1)

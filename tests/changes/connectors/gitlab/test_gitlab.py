"""GitLab behind the same door: its token, payloads, what is read again, approvals bound to their head, the verdict as a status."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from changes.connectors import actions
from changes.connectors.checks import check
from changes.connectors.door import forget
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.github import check_run
from changes.connectors.github.check_run import deliver_check_run
from changes.connectors.gitlab import objects
from changes.connectors.gitlab.payloads import parse
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.polling import poll_due
from changes.connectors.readings import read_due
from changes.delivery.models import Check, PullRequest, Push, Repository, Review
from changes.delivery.rule_models import BranchRules, RulesSnapshot
from changes.emergencies.queries import pull_request_named
from changes.proposals.joining import named
from changes.proposals.models import Change
from tests.changes.connectors.github.conftest import NOW, scripted
from tests.changes.connectors.github.forge import Said

__all__ = ["scripted"]
FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "gitlab"
absent = pytest.mark.skipif(not FOLDER.is_dir(), reason="GitLab's recordings are not here")
OLD, HEAD, MERGE = "a" * 40, "b" * 40, "c" * 40
PROJECT = "/api/v4/projects/acme%2Fshop"
ANN, BOB, CLEO = ({"id": number, "username": name} for number, name in ((7, "ann"), (8, "bob"), (9, "cleo")))
SHOP = {"id": 61, "path_with_namespace": "acme/shop", "default_branch": "main", "only_allow_merge_if_pipeline_succeeds": True}
MAIL = "ann@x.example"
MR = {
    "iid": 4,
    "title": "Sell shoes",
    "description": "",
    "state": "opened",
    "draft": False,
    "author": ANN,
    "labels": ["shop"],
    "source_branch": "shoes",
    "target_branch": "main",
    "source_project_id": 61,
    "target_project_id": 61,
    "sha": HEAD,
    "merge_commit_sha": None,
    "created_at": "2026-02-10T09:00:00Z",
    "updated_at": "2026-02-10T10:00:00Z",
}
APPROVALS = {"approved_by": [{"user": BOB}]}
NOTES = [
    {"id": 1, "system": True, "author": BOB, "body": objects.APPROVED, "created_at": "2026-02-10T09:30:00Z"},
    {
        "id": 2,
        "system": True,
        "author": CLEO,
        "body": objects.APPROVED,
        "created_at": "2026-02-10T09:40:00Z",
    },
    {"id": 3, "system": False, "author": ANN, "body": objects.APPROVED, "created_at": "2026-02-10T09:41:00Z"},
]
VERSIONS = [
    {"head_commit_sha": HEAD, "created_at": "2026-02-10T09:35:00Z"},
    {"head_commit_sha": OLD, "created_at": "2026-02-10T09:00:00Z"},
]
COMMIT = {
    "id": HEAD,
    "message": "shoes\n\nCo-authored-by: Dev <dev@x.example>",
    "author_name": "Ann",
    "author_email": "ann@x.example",
}
DIFF = {"old_path": "a.py", "new_path": "shoes.py", "renamed_file": True, "diff": "@@ -1 +1 @@\n-old\n+new\n+more\n"}
BRANCH = {
    "name": "pro*",
    "push_access_levels": [{"access_level": 0, "access_level_description": "No one"}],
    "allow_force_push": False,
    "code_owner_approval_required": True,
}
SCRIPT = {
    f"GET {PROJECT}": Said(SHOP),
    f"GET {PROJECT}/merge_requests": Said([MR]),
    f"GET {PROJECT}/merge_requests/4": Said(MR),
    f"GET {PROJECT}/merge_requests/4/diffs": Said([DIFF]),
    f"GET {PROJECT}/merge_requests/4/commits": Said([{**COMMIT, "committer_name": "Ann", "committer_email": "ann@x.example"}]),
    f"GET {PROJECT}/merge_requests/4/approvals": Said(APPROVALS),
    f"GET {PROJECT}/merge_requests/4/notes": Said(NOTES),
    f"GET {PROJECT}/merge_requests/4/versions": Said(VERSIONS),
    f"GET {PROJECT}/pipelines": Said([{"id": 90, "sha": HEAD, "status": "success", "updated_at": "2026-02-10T09:50:00Z"}]),
    f"GET {PROJECT}/repository/commits/{HEAD}/statuses": Said(
        [
            {"id": 91, "name": "tests", "status": "success", "author": ANN, "finished_at": "2026-02-10T09:49:00Z"},
            {"id": 92, "name": "lint", "status": "failed", "allow_failure": True, "author": ANN},
            {"id": 93, "name": "deploy", "status": "manual", "author": ANN},
        ]
    ),
    f"GET {PROJECT}/repository/commits/{MERGE}/merge_requests": Said([MR]),
    f"GET {PROJECT}/protected_branches": Said([BRANCH]),
    f"GET {PROJECT}/approvals": Said({"approvals_before_merge": 2, "reset_approvals_on_push": True}),
    f"POST {PROJECT}/statuses/{HEAD}": Said({"id": 12}, 201),
    "GET /api/v4/user": Said(BOB),
    "GET /api/v4/projects": Said([SHOP, {"path_with_namespace": "acme/deep/er"}]),
    "GET /api/v4/personal_access_tokens/self": Said({"scopes": ["read_api"], "expires_at": "2026-12-31"}),
}


@pytest.fixture
def gitlab(transactional_db, scripted):
    """(project in scope, the forge that answers)."""
    forget()
    forge = scripted(dict(SCRIPT))
    given = {"repository": "acme/shop", "secret": "s3cret", "main": "main", "prod": "prod", "token": "t0ken-t0ken"}
    return actions.connect_gitlab(**given, api_url=f"{forge.url}/api/v4", at=NOW), forge


def send(client, body, *, event="Merge Request Hook", token="s3cret", uuid="d-1", key=""):
    sent = {"X-Gitlab-Event": event, "X-Gitlab-Event-UUID": uuid, "X-Gitlab-Token": token}
    sent |= {"Idempotency-Key": key} if key else {}
    return client.post("/hooks/gitlab/", data=body, content_type="application/json", headers=sent).status_code


def test_deliveries_of_one_event_are_told_apart_by_their_key_and_a_retry_is_none(client, gitlab):
    first, second = (json.dumps(told(title=title)).encode() for title in ("Sell shoes", "Sell boots"))

    assert send(client, first, uuid="d-1", key="k-1") == 202
    assert send(client, second, uuid="d-1", key="k-2") == 202
    send(client, first, uuid="d-9", key="k-1")

    assert sorted(Delivery.objects.values_list("delivery_id", "other_bodies")) == [("k-1", 0), ("k-2", 0)]


def told(**changed):
    """A delivery about the merge request."""
    attributes = {**MR, "last_commit": {"id": HEAD}, "author_id": 7, "action": "update", **changed}
    return {
        "object_kind": "merge_request",
        "user": BOB,
        "project": SHOP,
        "object_attributes": attributes,
        "labels": [{"title": "shop"}],
    }


def test_a_delivery_is_known_by_its_token_and_read_again(client, gitlab):
    repository, _ = gitlab
    body = json.dumps(told(action="approved")).encode()
    assert [send(client, body, token=token) for token in ("wrong", "")] == [401, 401]
    assert send(client, body) == 202

    drain(now=lambda: NOW)
    assert Delivery.objects.get().state == "applied"
    assert not Review.objects.exists(), "the delivery binds no approval to a commit"
    read_due(now=lambda: NOW)

    row = PullRequest.objects.get(repository=repository)
    assert (row.author_uid, row.author_login, row.paths, row.labels) == (
        objects.ACCOUNTS + 7,
        "ann",
        ["a.py", "shoes.py"],
        ["shop"],
    )
    assert {(one["email"], one["role"]) for one in row.commit_people} >= {
        ("ann@x.example", "author"),
        ("dev@x.example", "co-author"),
    }
    reviews = {one.login: (one.state, one.commit_sha, one.uid) for one in Review.objects.all()}
    assert reviews == {
        "bob": ("approved", OLD, objects.ACCOUNTS + 8),
        "cleo": ("dismissed", HEAD, objects.ACCOUNTS + 9),
    }, "Bob approved before the last push"
    checks = {one.name: (one.status, one.conclusion) for one in Check.objects.all()}
    assert checks == {
        "pipeline": ("completed", "success"),
        "tests": ("completed", "success"),
        "lint": ("completed", "success"),
        "deploy": ("pending", ""),
    }
    assert BranchRules.objects.get(branch="prod").required_checks == ["pipeline"]
    guard = RulesSnapshot.objects.get(subject="branch:prod").rules
    assert (guard["pull_request"], guard["reviews"], guard["code_owners"], guard["dismiss_stale"]) == (True, 2, True, True)
    assert (guard["force_pushes"], guard["admins_bound"], guard["may_push"]) == (False, True, [])
    assert RulesSnapshot.objects.get(subject="branch:main").rules["pull_request"] is False


def test_a_poll_finds_what_no_delivery_told_and_a_commit_its_merge_request(gitlab):
    repository, forge = gitlab

    assert poll_due(now=lambda: NOW) == 1

    assert PullRequest.objects.get(repository=repository).title == "Sell shoes"
    assert Source.objects.get().failures == 0
    assert forge.asked[0].headers["authorization"] == "Bearer t0ken-t0ken"


def test_the_verdict_is_published_as_a_status_and_the_connection_is_tested(gitlab, monkeypatch):
    _, forge = gitlab
    run = {"repository": "acme/shop", "head_sha": HEAD, "external_id": "x", "name": "Countersign", "title": "Two gates wait"}
    run |= {"status": "completed", "conclusion": "action_required", "summary": "…", "details_url": "https://p.example/changes/1/"}

    monkeypatch.setattr(check_run, "witness_of", lambda *, change: pytest.fail("a status has no room for the witness"))
    assert deliver_check_run(run) == {"published": True, "check_run": 12}

    said = {"state": "failed", "name": "Countersign", "target_url": "https://p.example/changes/1/", "description": "Two gates wait"}
    assert forge.asked[-1].body == said
    found = check(source=Source.objects.get(), at=NOW)
    assert (found.works, found.missing, found.offers) == (True, ("api",), ("acme/deep/er", "acme/shop"))
    assert found.expires_at == datetime(2026, 12, 31, tzinfo=UTC)


def test_pushes_and_pipelines_are_kept_and_nonsense_is_set_aside(client, gitlab):
    commit = {"id": MERGE, "message": "hot", "added": ["a"], "removed": [], "modified": [], "author": {"email": "ann@x.example"}}
    push = {"ref": "refs/heads/prod", "before": HEAD, "after": MERGE, "user_id": 7, "user_username": "ann", "project": SHOP}
    pipeline = {"object_attributes": {"id": 90, "sha": MERGE, "status": "running"}, "project": SHOP, "user": ANN}
    send(client, json.dumps({**push, "commits": [commit]}).encode(), event="Push Hook")
    send(client, json.dumps(pipeline).encode(), event="Pipeline Hook", uuid="d-2")
    send(client, json.dumps({"project": SHOP}).encode(), event="Push Hook", uuid="d-3")
    send(client, json.dumps({"project": SHOP}).encode(), event="Wiki Page Hook", uuid="d-4")

    drain(now=lambda: NOW)

    row = Push.objects.get()
    assert (row.branch, row.pusher_uid, row.commits[0]["paths"]) == ("prod", objects.ACCOUNTS + 7, ["a"])
    assert (Check.objects.get().name, Check.objects.get().status) == ("pipeline", "pending")
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["applied", "applied", "ignored", "quarantined"]
    with pytest.raises(Unreadable):
        parse("Push Hook", b"[]")


def at_path(path):
    """What the forge answers about the project below another path."""
    quoted = f"/api/v4/projects/{path.replace('/', '%2F')}"
    moved = {key.replace(PROJECT, quoted): said for key, said in SCRIPT.items() if PROJECT in key}
    return moved | {f"GET {quoted}": Said({**SHOP, "path_with_namespace": path})}


def test_a_project_in_subgroups_is_read_and_followed_wherever_it_moves(client, transactional_db, scripted):
    forget()
    deep, deeper, flat = "acme/eu/shop", "acme/eu/retail/north/shop", "acme/shop"
    forge = scripted(at_path(deep))
    given = {"repository": deep, "secret": "s3cret", "main": "main", "prod": "prod", "token": "t0ken-t0ken"}
    actions.connect_gitlab(**given, api_url=f"{forge.url}/api/v4", at=NOW)
    assert Repository.objects.get().clone_url == f"{forge.url}/acme/eu/shop.git"
    assert poll_due(now=lambda: NOW) == 1
    read_due(now=lambda: NOW)
    row = PullRequest.objects.select_related("repository").get(confirmed_at__isnull=False)
    assert (row.title, Review.objects.filter(state="approved").count()) == ("Sell shoes", 1)
    assert row.repository.pull_request_url(4) == f"{forge.url}/acme/eu/shop/-/merge_requests/4"

    forge.script = at_path(deeper)
    body = {
        "object_kind": "merge_request",
        "project": {**SHOP, "path_with_namespace": deeper},
        "object_attributes": {**MR, "action": "update", "last_commit": {"id": HEAD}},
        "user": ANN,
    }
    send(client, json.dumps(body).encode())
    drain(now=lambda: NOW)
    moved = Repository.objects.get()
    assert (moved.name, moved.former_names) == (deeper, [deep])

    old = f"GET /api/v4/projects/{deeper.replace('/', '%2F')}"
    known = {"GET /api/v4/projects/61": Said({**SHOP, "path_with_namespace": flat})}
    forge.script = at_path(flat) | known | {old: Said({}, 301, {"Location": "{url}/api/v4/projects/61"})}
    poll_due(now=lambda: NOW + timedelta(minutes=2))
    moved = Repository.objects.get()
    assert (moved.name, moved.former_names, Source.objects.get().failures) == (flat, [deep, deeper], 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme/eu/shop!4", True),
        ("ACME/eu/shop#4", True),
        ("https://git.example.com/acme/eu/shop/-/merge_requests/4", True),
        ("https://git.example.com/acme/eu/shop/-/merge_requests/4?tab=notes", True),
        ("https://git.example.com/eu/shop/-/merge_requests/4", False),
        ("shop!4", False),
    ],
)
def test_a_merge_request_in_subgroups_is_known_by_its_name_and_its_address(db, text, found):
    repository = Repository.objects.create(forge="gitlab", name="acme/eu/shop", in_scope_from=NOW)
    given = {"title": "Sell", "state": "open", "head_ref": "b", "head_sha": HEAD, "base_ref": "main"}
    row = PullRequest.objects.create(repository=repository, number=4, reported_at=NOW, touched_at=NOW, **given)
    assert named(text, change=Change()) == [row] * found
    assert pull_request_named(f"It is down because of {text} I think") == (row if found else None)


def test_connecting_says_what_is_wrong(gitlab):
    given = {"repository": "acme/shop", "secret": "s3cret", "main": "main", "prod": "prod", "at": NOW}
    with pytest.raises(ValueError, match="ends in /api/v4"):
        actions.connect_gitlab(**given, api_url="https://git.example.com")
    for wrong in ("shop", "acme//shop", "/".join("a" * 23)):
        with pytest.raises(ValueError, match="group/subgroup/name"):
            actions.connect_gitlab(**given | {"repository": wrong})
    Repository.objects.create(forge="github", name="acme/web", in_scope_from=NOW)
    with pytest.raises(ValueError, match="another forge"):
        actions.connect_gitlab(**given | {"repository": "acme/web"})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iid": None}, "object_attributes.iid is missing"),
        ({"iid": "4"}, "object_attributes.iid is not a whole number"),
        ({"title": ""}, "object_attributes.title is empty"),
        ({"source_branch": None}, "object_attributes.source_branch is missing"),
        ({"target_branch": None}, "object_attributes.target_branch is missing"),
        ({"last_commit": {"id": "x"}}, "object_attributes.last_commit.id is missing or unusable"),
        ({"last_commit": None, "sha": None}, "object_attributes.last_commit is missing"),
        ({"last_commit": None, "sha": "x"}, "object_attributes.sha is missing or unusable"),
    ],
)
def test_what_is_missing_is_named_by_gitlabs_own_word(changed, reason):
    with pytest.raises((Incomplete, Unreadable), match=reason):
        objects.told(body=told(**changed))


@pytest.mark.parametrize(
    ("changed", "state", "merge_sha"),
    [
        ({"state": "merged", "merge_commit_sha": MERGE}, "merged", MERGE),
        ({"state": "merged", "squash_commit_sha": OLD}, "merged", OLD),
        ({"state": "merged"}, "merged", HEAD),
        ({"state": "closed"}, "closed", None),
        ({"state": "locked"}, "open", None),
    ],
)
def test_a_merge_request_is_what_became_of_it(changed, state, merge_sha):
    found = objects.merge_request(value={**MR, **changed, "merge_user": BOB})

    assert (found.state, found.merge_sha) == (state, merge_sha)
    assert found.merged_by_uid == (objects.ACCOUNTS + 8 if state == "merged" else None)


KNOWN = {
    "pull_request_close": ("Merge Request Hook", "closed"),
    "pull_request_create": ("Merge Request Hook", "open"),
    "pull_request_merge": ("Merge Request Hook", "merged"),
    "pull_request_reopen": ("Merge Request Hook", "open"),
    "pull_request_review_ready": ("Merge Request Hook", "open"),
    "branch_create": ("Push Hook", None),
    "branch_delete": ("Push Hook", None),
    "push": ("Push Hook", None),
    "push_merge": ("Push Hook", None),
    "pipeline_hook": ("Pipeline Hook", None),
    "tag_create": ("Tag Push Hook", None),
    "merge_request_comment_create": ("Note Hook", None),
}


@absent
@pytest.mark.parametrize("path", sorted((FOLDER / "webhooks").glob("*/*.json")), ids=lambda path: path.stem)
def test_every_recorded_delivery_is_facts_or_says_why_not(path):
    event, state = KNOWN[path.stem]

    parsed = parse(event, path.read_bytes())

    used = event in ("Merge Request Hook", "Push Hook", "Pipeline Hook")
    assert (parsed.kind, bool(parsed.facts)) == (("known", True) if used else ("unknown", False)), parsed.note
    assert parsed.repository.name.count("/") >= 1
    if state is not None:
        assert parsed.facts[0].state == state
        assert parsed.facts[0].vendor_updated_at is not None


@absent
def test_recorded_answers_are_read():
    def said(name):
        return json.loads((FOLDER / "rest/go-scm" / f"{name}.json").read_bytes())

    assert [objects.merge_request(value=row).number for row in said("merges")] == [1]
    assert objects.merge_request(value=said("merge")).state == "closed"
    assert objects.repository(value=said("repo")).name == "diaspora/diaspora"
    assert {objects.status(value=row, sha=HEAD).status for row in said("statuses")} <= {"pending", "completed"}
    assert [objects.commit(value=row)["sha"] for row in said("commits")]
    assert objects.files(rows=said("merge_diff")["changes"])[0]["filename"]


def test_a_number_of_an_account_that_no_column_holds_is_refused():
    assert objects.account(7) == objects.ACCOUNTS + 7
    with pytest.raises(Unreadable, match="larger than any"):
        objects.account(2**63 - 1)


@pytest.mark.parametrize("strange", [[], "x", 5, None])
@pytest.mark.parametrize("name", ["project", "approvals"])
def test_what_should_say_how_a_project_is_guarded_and_is_no_object_is_refused(name, strange):
    with pytest.raises(Unreadable, match=f"{name} is not an object"):
        objects.branch_rules(branch="prod", rules=[BRANCH], **{"project": {}, "approvals": {}, name: strange})

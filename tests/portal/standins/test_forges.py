"""The stand-ins of Gitea and GitLab answer and tell in the shapes of their vendors, within limits, and Git is behind both.

Gitea is held to the swagger file of Forgejo 16; of GitLab no description lies here, so it is held to recorded answers: nothing is
said that no recording, and no page of its documentation named in ``NEWER``, has.
"""

import hashlib
import hmac
import json
import subprocess
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from jsonschema import Draft4Validator

from portal.standins.faults import Fault
from portal.standins.git import clean_environment
from portal.standins.together import StandIns
from tests.pace import SHARED
from tests.portal.standins.vendors import DATA, official
from tests.standins import gitea_standin, gitlab_standin

__all__ = ["gitea_standin", "gitlab_standin"]
WEB = "northwind/web"


def lived(forge):
    """A pull request with two heads, one dismissed and one standing review, merged; one that was squashed; a branch deleted."""
    said = {"repository": WEB, "author": "ann"}
    forge.commit(**said, branch="shoes", files={"app/main.py": "x\n", "new/a.py": "1\n"}, message="Shoes\x1b", co_authors=["bob"])
    forge.open_pull_request(repository=WEB, head="shoes", title="Sell shoes", by="ann", labels=["emergency"], draft=True)
    forge.mark_ready(repository=WEB, number=1, by="ann")
    first = forge.review(repository=WEB, number=1, by="bob", body="Good")
    forge.dismiss_review(repository=WEB, number=1, review_id=first["id"], by="rex")
    later = datetime.now(UTC) + timedelta(minutes=1)
    forge.commit(**said, branch="shoes", files={"app/main.py": None}, message="No main", at=later)
    forge.review(repository=WEB, number=1, by="bob", state="commented", body="Why?")
    forge.review(repository=WEB, number=1, by="bob")
    checked(forge, "shoes")
    sha = forge.merge(repository=WEB, number=1, by="bob", delete_branch=True)["sha"]
    forge.commit(**said, branch="boots", files={"boots.py": "1\n"}, message="Boots")
    forge.open_pull_request(repository=WEB, head="boots", title="Sell boots", by="ann")
    checked(forge, "boots")
    forge.merge(repository=WEB, number=2, by="rex", method="squash")
    return sha


def checked(forge, sha):
    if forge.vendor == "gitlab":
        forge.pipeline(repository=WEB, sha=sha, by="ann")
    else:
        forge.status(repository=WEB, sha=sha, context="ci / tests", by="ann")
    forge.status(repository=WEB, sha=sha, context="lint", state="pending", by="ann")


def asked(forge, path, *, by="rex", **more):
    headers = {"Authorization": f"Bearer {forge.token_of(by)}", **more.pop("headers", {})}
    return httpx.request(more.pop("method", "GET"), forge.api_url + path, headers=headers, timeout=5 * SHARED, **more)


def told(forge):
    """Every delivery as (headers, payload)."""
    found = []
    forge.post_held(lambda headers, body: found.append((headers, body)) or 202)
    return [(headers, json.loads(body), body) for headers, body in found]


def full(value):
    """Without what is null: Swagger 2 has no word for it, and Gitea writes it for what is missing."""
    if isinstance(value, dict):
        return {name: full(one) for name, one in value.items() if one is not None}
    return [full(one) for one in value] if isinstance(value, list) else value


class Swagger:
    """Gitea's description; no field may be said that it does not have."""

    def __init__(self):
        self.document = official("gitea/swagger2.forgejo.cut.json")
        for one in self.document["definitions"].values():
            if one.get("type") == "object" and one.get("properties"):
                one["additionalProperties"] = False

    def check(self, value, name, *, many=False):
        schema = {"$ref": f"#/definitions/{name}"}
        whole = {"definitions": self.document["definitions"], **({"type": "array", "items": schema} if many else schema)}
        problems = [f"{list(one.absolute_path)}: {one.message[:200]}" for one in Draft4Validator(whole).iter_errors(full(value))]
        assert not problems, (name, problems[:3])


def test_gitea_answers_and_tells_as_its_swagger_file_says(gitea_standin):
    swagger, sha = Swagger(), lived(gitea_standin)
    repo = f"/repos/{WEB}"
    single = {
        "/user": "User",
        "/version": "ServerVersion",
        repo: "Repository",
        f"{repo}/pulls/1": "PullRequest",
        f"{repo}/commits/{sha}/pull": "PullRequest",
        f"{repo}/commits/boots/status": "CombinedStatus",
        f"{repo}/collaborators/ann/permission": "RepoCollaboratorPermission",
    }
    lists = {
        "/user/repos": "Repository",
        f"{repo}/branches": "Branch",
        f"{repo}/branch_protections": "BranchProtection",
        f"{repo}/collaborators": "User",
        f"{repo}/commits?sha=prod": "Commit",
        f"{repo}/pulls?state=all&sort=recentupdate": "PullRequest",
        f"{repo}/pulls/1/commits": "Commit",
        f"{repo}/pulls/1/files": "ChangedFile",
        f"{repo}/pulls/1/reviews": "PullReview",
        f"{repo}/statuses/{gitea_standin.pull(WEB, 1)['head_sha']}": "CommitStatus",
    }
    for path, name in {**single, **lists}.items():
        answer = asked(gitea_standin, path)
        assert answer.status_code == 200, (path, answer.text)
        swagger.check(answer.json(), name, many=path in lists)
    made = asked(gitea_standin, f"{repo}/statuses/{sha}", method="POST", json={"state": "success", "context": "Countersign"})
    swagger.check(made.json(), "CommitStatus")
    reviews = asked(gitea_standin, f"{repo}/pulls/1/reviews").json()
    assert [(row["state"], row["dismissed"], row["stale"]) for row in reviews] == [
        ("APPROVED", True, True),
        ("COMMENT", False, False),
        ("APPROVED", False, False),
    ]

    events = told(gitea_standin)
    for headers, body, raw in events:
        digest = hmac.new(b"standin-secret", raw, hashlib.sha256).hexdigest()
        assert (headers["X-Gitea-Signature"], headers["X-Hub-Signature-256"]) == (digest, f"sha256={digest}")
        swagger.check(body["repository"], "Repository")
        swagger.check(body["sender"], "User")
        if "pull_request" in body:
            swagger.check(body["pull_request"], "PullRequest")
        for commit in body.get("commits", ()):
            swagger.check(commit, "PayloadCommit")
    kinds = {(headers["X-Gitea-Event"], headers["X-Gitea-Event-Type"], body.get("action", "")) for headers, body, _ in events}
    assert kinds >= {
        ("pull_request", "pull_request_sync", "synchronized"),
        ("pull_request", "pull_request_label", "label_updated"),
        ("pull_request_approved", "pull_request_review_approved", "reviewed"),
        ("pull_request_comment", "pull_request_review_comment", "reviewed"),
        ("delete", "delete", ""),
        ("status", "status", ""),
    }
    assert not any("dismissed" in action for _, _, action in kinds)


NEWER = {
    "merge": {"closed_by", "closed_at", "merged_by", "merge_user", "merged_at", "assignees", "reviewers", "draft", "has_conflicts"}
    | {"squash_commit_sha", "detailed_merge_status", "locked"},
    "repo": {"locked"},
    "commit": {"trailers", "web_url", "authored_date"},
    "status": {"locked", "pipeline_id"},
    "user": {"locked", "bot"},
    "merge_diff": {"collapsed", "too_large", "generated_file"},
    "push": {"title"},
    "pipeline_hook": {"email"},
    "pull_request_review_ready": {"email", "id"},
}
"""Fields that docs.gitlab.com/api names and the recordings, which are older, do not have."""


def fields(value):
    """Every name of a field, however deep."""
    if isinstance(value, dict):
        return set(value) | {name for one in value.values() for name in fields(one)}
    return {name for one in value for name in fields(one)} if isinstance(value, list) else set()


def recorded(kind, *names):
    if not DATA.is_dir():
        pytest.skip("the vendors' recordings are not beside this checkout")
    return {name for one in names for name in fields(official(f"gitlab/{kind}/go-scm/{one}.json"))} | NEWER.get(names[0], set())


def test_gitlab_answers_and_tells_what_its_recordings_have(gitlab_standin):
    sha = lived(gitlab_standin)
    place = "/projects/northwind%2Fweb"
    head = gitlab_standin.pull(WEB, 1)["head_sha"]
    for path, names in {
        place: ("repo",),
        "/user": ("user",),
        f"{place}/merge_requests?state=all&order_by=updated_at": ("merge",),
        f"{place}/merge_requests/1": ("merge",),
        f"{place}/merge_requests/1/commits": ("commit",),
        f"{place}/merge_requests/1/diffs": ("merge_diff",),
        f"{place}/repository/commits/{sha}/merge_requests": ("merge",),
        f"{place}/repository/commits/{head}/statuses": ("status",),
    }.items():
        answer = asked(gitlab_standin, path)
        assert answer.status_code == 200, (path, answer.text)
        assert fields(answer.json()) - recorded("rest", *names) == set(), path
    rows = asked(gitlab_standin, f"{place}/merge_requests").json()
    assert {row["iid"]: (bool(row["merge_commit_sha"]), bool(row["squash_commit_sha"])) for row in rows} == {
        1: (True, False),
        2: (False, True),
    }
    notes = [note["body"] for note in asked(gitlab_standin, f"{place}/merge_requests/1/notes").json() if note["system"]]
    assert notes == ["approved this merge request", "unapproved this merge request", "approved this merge request"]
    versions = asked(gitlab_standin, f"{place}/merge_requests/1/versions").json()
    assert [len(versions), versions[0]["head_commit_sha"]] == [2, head]
    assert asked(gitlab_standin, f"/projects/{gitlab_standin.repository(WEB)['id']}").json()["path_with_namespace"] == WEB

    events = told(gitlab_standin)
    samples = {
        "Push Hook": ("push",),
        "Pipeline Hook": ("pipeline_hook",),
        "Merge Request Hook": ("pull_request_review_ready", "pull_request_merge"),
    }
    for headers, body, _ in events:
        assert headers["X-Gitlab-Token"] == "standin-secret"
        assert fields(body) - recorded("webhooks", *samples[headers["X-Gitlab-Event"]]) == set(), headers["X-Gitlab-Event"]
    actions = [body["object_attributes"]["action"] for headers, body, _ in events if body["object_kind"] == "merge_request"]
    assert set(actions) == {"open", "update", "unapproved", "approved", "merge"}


def test_git_pages_limits_and_refusals(gitea_standin, gitlab_standin, tmp_path):
    for forge in (gitea_standin, gitlab_standin):
        folder = tmp_path / f"{forge.vendor}-clone"
        address = forge.clone_url(WEB).replace("://", f"://ann:{forge.token_of('ann')}@")
        done = subprocess.run(
            ["git", "clone", "-q", address, str(folder)], env=clean_environment(), capture_output=True, check=False
        )
        assert (done.returncode, (folder / "app/main.py").exists()) == (0, True), done.stderr
        repo = f"/repos/{WEB}" if forge is gitea_standin else "/projects/northwind%2Fweb"
        forge.add_account(login="eve")
        assert [asked(forge, repo, by="eve").status_code, asked(forge, f"{repo}/nothing").status_code] == [404, 404]
        assert httpx.get(forge.api_url + repo).status_code == 401
        size = "limit" if forge is gitea_standin else "per_page"
        listed = f"{repo}/branches" if forge is gitea_standin else f"{repo}/protected_branches"
        first = asked(forge, f"{listed}?{size}=1")
        second = httpx.get(first.links["next"]["url"], headers={"Authorization": f"Bearer {forge.token_of('rex')}"})
        assert [len(first.json()), len(second.json()), "next" in second.links] == [1, 1, False]
        forge.faults.switch({"rules": [{"fault": Fault.SECONDARY_429, "seconds": 7, "times": 1}]})
        assert (asked(forge, repo).status_code, asked(forge, repo).status_code) == (429, 200)
        assert asked(forge, f"{repo}/statuses/{'0' * 40}", method="POST", json={"state": "odd"}).status_code in (400, 422)
        forge.add_member(repository=WEB, login="eve", by="rex", permission="pull")
        assert asked(forge, f"{repo}/statuses/main", by="eve", method="POST", json={"state": "success"}).status_code == 403

    tag = asked(gitlab_standin, "/user").headers["ETag"]
    assert asked(gitlab_standin, "/user", headers={"If-None-Match": tag}).status_code == 304
    gitlab_standin.window.limit = 0
    assert asked(gitlab_standin, "/user").status_code == 429
    assert asked(gitea_standin, f"/repos/{WEB}/branch_protections", by="ann").status_code == 403


def test_both_answer_beside_the_others_and_at_the_control_door(tmp_path):
    together = StandIns(tmp_path / "all")
    url = together.start()
    try:
        door = {"X-Stand-In": "test"}
        for name in ("gitea", "gitlab"):
            for act, given in {
                "add_account": {"login": "rex"},
                "create_repository": {"name": WEB, "by": "rex"},
                "send_hooks_to": {"url": "hold:", "secret": "s"},
            }.items():
                assert "result" in httpx.post(f"{url}/_control/{name}/{act}", json=given, headers=door).json()
            token = httpx.post(f"{url}/_control/{name}/token_of", json={"login": "rex"}, headers=door).json()["result"]
            state = httpx.get(f"{url}/_control/state", headers=door).json()["result"][name]
            answer = httpx.get(f"{state['api_url']}/user", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, state["hook_secret"], list(state["clone_urls"])) == (200, "s", [WEB])
            refused = httpx.post(f"{url}/_control/{name}/check", json={}, headers=door)
            assert "There is no act" in refused.json()["error"]
    finally:
        together.stop()

"""Files of a repository: one is read, or written with a commit of its own, as the contents API does it."""

import base64
import binascii
import hashlib
from typing import Any

from portal.standins.git import GitFailed
from portal.standins.github.acts import branches
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.rest.calls import ROUTES, Call
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import commits
from portal.standins.web import Answer, json_answer

FILE = REPO + "/contents/{path:rest}"
LINE = 60
"""Characters of base64 on a line, as GitHub writes it."""


@ROUTES.on("GET", FILE)
def file(call: Call) -> Answer:
    """One file at ``ref`` (default: the tip of the default branch), or what is in a folder, as a list. Raises 404."""
    call.need("contents")
    branch = call.text("ref") or str(call.repository["default_branch"])
    text = _text_at(call, branch)
    if text is None:
        return json_answer(_folder(call, branch))
    return json_answer(_shape(call, branch, text, whole=True))


@ROUTES.on("PUT", FILE)
def write_file(call: Call) -> Answer:
    """Writes one file: 201 for a new one, 200 for one that is replaced by naming its ``sha``. 409 for another sha, 422 for none."""
    call.need("contents", "write")
    message, branch = str(call.field("message")), str(call.body().get("branch") or call.repository["default_branch"])
    try:
        text = base64.b64decode(str(call.field("content")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise GitHubError(422, "content is not valid Base64") from problem
    before, given = _text_at(call, branch), call.body().get("sha")
    if before is not None and not given:
        raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if before is not None and given != _blob(before):
        raise GitHubError(409, f"{call.args['path']} does not match {given}")
    call.world.add_account(login=call.caller.login, kind="Bot" if call.caller.kind == "installation" else "User")
    branches.commit(
        call.world,
        repository=call.name,
        branch=branch,
        files={call.args["path"]: text},
        author=call.caller.login,
        message=message,
        at=call.at,
    )
    value = {"content": _shape(call, branch, text, whole=False), "commit": _commit(call, branch)}
    return json_answer(value, status=200 if before is not None else 201)


def _folder(call: Call, branch: str) -> list[dict[str, Any]]:
    """The files in a folder, without what lies deeper. Raises 404 for what is no folder."""
    folder = call.args["path"].strip("/")
    names = call.world.git(call.name).run("ls-tree", "--name-only", branch, f"{folder}/").splitlines()
    if not names:
        raise not_found()
    return [{"type": "file", "name": name.rpartition("/")[2], "path": name} for name in names]


def _commit(call: Call, branch: str) -> dict[str, Any]:
    """The commit as Git has it: https://docs.github.com/rest/repos/contents#create-or-update-file-contents."""
    entry = call.world.git(call.name).commit_of(call.world.tip(call.name, branch))
    shape = commits.commit(call.world, call.name, entry)
    inner = {name: shape["commit"][name] for name in ("author", "committer", "message", "tree", "verification", "url")}
    return {**{name: shape[name] for name in ("sha", "node_id", "html_url", "parents")}, **inner}


def _text_at(call: Call, branch: str) -> str | None:
    git = call.world.git(call.name)
    if not git.has(branch):
        raise GitHubError(404, f"No commit found for the ref {branch}")
    try:
        return git.run("cat-file", "blob", f"{branch}:{call.args['path']}")
    except GitFailed:
        return None


def _blob(text: str) -> str:
    """The name that Git gives to the content of a file (SHA-1 of its header and bytes)."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _shape(call: Call, branch: str, text: str, *, whole: bool) -> dict[str, Any]:
    """https://docs.github.com/rest/repos/contents#get-repository-content: an object of the type file."""
    path, sha, name = call.args["path"], _blob(text), call.name
    api, web = f"{call.world.api_url}/repos/{name}", f"{call.world.url}/{name}/blob/{branch}/{path}"
    url = f"{api}/contents/{path}?ref={branch}"
    shape: dict[str, Any] = {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": len(text.encode()),
        "url": url,
        "html_url": web,
        "git_url": f"{api}/git/blobs/{sha}",
        "download_url": f"{call.world.url}/raw/{name}/{branch}/{path}",
        "type": "file",
        "_links": {"self": url, "git": f"{api}/git/blobs/{sha}", "html": web},
    }
    if whole:
        coded = base64.b64encode(text.encode()).decode()
        lines = [coded[start : start + LINE] for start in range(0, len(coded), LINE)]
        shape |= {"content": "".join(line + "\n" for line in lines), "encoding": "base64"}
    return shape

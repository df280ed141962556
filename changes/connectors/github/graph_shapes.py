"""GraphQL's objects in the form of REST's, so that the same functions read both and the same facts come out. Pure.

What GraphQL does not tell is left unsaid, and ``Read.wants`` names the reading by REST that tells it: the former name of a moved
file, the lines of a migration, and the number of a commit status. Objects: GitHub's public GraphQL schema.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from changes.connectors.fields import Fields, Unreadable
from changes.connectors.github import objects, people
from changes.delivery.facts import CheckReported, PullRequestRead
from changes.proposals.measuring import is_migration

Json = Mapping[str, Any]
MERGE_BUTTON = "Merge pull request #"
"""How the message of a commit begins that GitHub's merge button made; whether it did is asked for."""
MOST_FILES = 3000
"""What REST lists of a pull request at most: facts do not depend on who told them."""
CHANGES = {
    "ADDED": "added",
    "DELETED": "removed",
    "MODIFIED": "modified",
    "RENAMED": "renamed",
    "COPIED": "copied",
    "CHANGED": "changed",
}
MOVED = frozenset({"renamed", "copied"})
LAST_NUMBER = re.compile(r"/(\d{1,18})/?$", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Read:
    """One pull request as far as GraphQL tells it; ``wants`` are subjects to read by REST for the rest."""

    whole: PullRequestRead
    wants: tuple[str, ...] = ()


@dataclass
class Node:
    """One pull request while its lists are collected."""

    values: Json
    lists: dict[str, list[Json]]
    """reviews, files, commits and contexts (checks), as far as they came."""

    @property
    def number(self) -> int:
        return number_of(self.values)


def number_of(value: Json) -> int:
    """The number of a pull request. Raises ``Unreadable`` and ``Incomplete``."""
    return Fields.of(value=value, path="pullRequest").needed_number("number")


def read(node: Node) -> Read:
    """Raises ``Unreadable`` and ``Incomplete`` for what is not as GitHub documents it."""
    number, head = node.number, node.values.get("headRefOid")
    bare = objects.pull_request(value=_pull_request(node.values), path=f"pullRequest {number}")
    files, moved = _files(node.lists["files"][:MOST_FILES])
    commits = [_commit(one) for one in node.lists["commits"][: people.MOST]]
    checks, statuses = _checks(node.lists["contexts"], sha=str(node.values.get("headOid") or head))
    uid, login = queued_by(node.values)
    fact = replace(
        bare,
        commit_people=people.commit_people(commits=commits, most=people.MOST),
        queued_by_uid=uid,
        queued_by_login=login,
    )
    if not moved:
        fact = replace(fact, paths=objects.file_paths(values=files), files=objects.files(values=files))
    reviews = tuple(objects.review(value=_review(one), pull_request_number=number) for one in node.lists["reviews"])
    wants = [f"files:{number}"] if moved else []
    wants += [f"statuses:{bare.head_sha}"] if statuses else []
    return Read(whole=PullRequestRead(pull_request=fact, reviews=reviews, checks=tuple(checks)), wants=tuple(wants))


def queued_by(value: Json) -> tuple[int | None, str | None]:
    """(number, login) of whoever put a pull request into the merge queue last; None where nobody did, or the account is gone."""
    last = (nodes_of(value, "queued") or [{}])[-1]
    who = Fields.of(value=last, path="queued").within("enqueuer")
    return (who.number("databaseId"), who.text("login", limit=objects.LOGIN)) if who is not None else (None, None)


def needs_signatures(commits: Iterable[Json]) -> bool:
    """Whether a commit says that the merge button made it, which counts only with GitHub's signature."""
    return any(str(_within(one, "commit").get("message") or "").startswith(MERGE_BUTTON) for one in commits)


def _within(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _pull_request(value: Json) -> dict[str, Any]:
    merged = value.get("state") == "MERGED"
    base, head = _within(value, "baseRepository"), value.get("headRepository")
    return {
        "number": value.get("number"),
        "title": value.get("title"),
        "body": value.get("body"),
        "state": "open" if value.get("state") == "OPEN" else "closed",
        "merged": merged,
        "draft": value.get("isDraft"),
        "user": _actor(value.get("author")),
        "merged_by": _actor(value.get("mergedBy")),
        "merge_commit_sha": _within(value, "mergeCommit").get("oid"),
        "labels": [{"name": one.get("name")} for one in nodes_of(value, "labels")],
        "additions": value.get("additions"),
        "deletions": value.get("deletions"),
        "changed_files": value.get("changedFiles"),
        "created_at": value.get("createdAt"),
        "updated_at": value.get("updatedAt"),
        "closed_at": value.get("closedAt"),
        "merged_at": value.get("mergedAt"),
        "head": {"ref": value.get("headRefName"), "sha": value.get("headRefOid"), "repo": _repository(head)},
        "base": {"ref": value.get("baseRefName"), "sha": value.get("baseRefOid"), "repo": _repository(base)},
    }


def _repository(value: Any) -> dict[str, Any] | None:
    return {"id": value.get("databaseId")} if isinstance(value, dict) else None


def _actor(value: Any) -> dict[str, Any] | None:
    """REST writes a bot's login with its mark; GraphQL names its type instead."""
    if not isinstance(value, dict):
        return None
    login, kind = value.get("login"), value.get("__typename")
    marked = f"{login}[bot]" if kind == "Bot" and not str(login).endswith("[bot]") else login
    return {"id": value.get("databaseId"), "login": marked, "type": kind}


def _review(value: Json) -> dict[str, Any]:
    return {
        "id": _number(value.get("fullDatabaseId")),
        "state": value.get("state"),
        "user": _actor(value.get("author")),
        "commit_id": _within(value, "commit").get("oid"),
        "submitted_at": value.get("submittedAt"),
    }


def _number(value: Any) -> Any:
    """GraphQL writes numbers of 64 bits as text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20 else value


def _files(values: Sequence[Json]) -> tuple[list[dict[str, Any]], bool]:
    """(files in REST's form, whether something about them is only told by REST)."""
    files = [_file(value) for value in values]
    return files, any(one["status"] in MOVED or is_migration(str(one["filename"])) for one in files)


def _file(value: Json) -> dict[str, Any]:
    said = str(value.get("changeType"))
    if said not in CHANGES:
        raise Unreadable("file.changeType is none that GitHub documents")
    fields = Fields.of(value=value, path="file")
    changes = fields.needed_number("additions") + fields.needed_number("deletions")
    return {"filename": value.get("path"), "status": CHANGES[said], "changes": changes}


def _commit(value: Json) -> dict[str, Any]:
    git = _within(value, "commit")
    signature = _within(git, "signature")
    ours = signature.get("wasSignedByGitHub") is True and signature.get("isValid") is True
    people_of = {role: _within(git, role) for role in ("author", "committer")}
    signatures = {role: {"name": one.get("name"), "email": one.get("email")} for role, one in people_of.items()}
    accounts = {role: _account(one, ours=ours and role == "committer") for role, one in people_of.items()}
    parents = _within(git, "parents").get("totalCount")
    return {
        **accounts,
        "commit": {"message": git.get("message"), "verification": {"verified": ours}, **signatures},
        "parents": [{}] * (parents if isinstance(parents, int) else 0),
    }


def _account(value: Json, *, ours: bool) -> dict[str, Any] | None:
    """The account that GitHub links an address to. GitHub itself is one in REST, by the name of ``web-flow``."""
    user = value.get("user")
    if isinstance(user, dict):
        return {"id": user.get("databaseId"), "login": user.get("login"), "type": "User"}
    return {"login": people.WEB_FLOW} if ours and value.get("email") == people.WEB_FLOW_MAIL else None


def _checks(values: Sequence[Json], *, sha: str) -> tuple[list[CheckReported], bool]:
    """(the check runs, whether there are commit statuses too: GraphQL keeps their numbers to itself)."""
    runs = [objects.check_run(value=_check_run(one, sha)) for one in values if one.get("__typename") == "CheckRun"]
    return runs, len(runs) < len(values)


def _check_run(value: Json, sha: str) -> dict[str, Any]:
    found = LAST_NUMBER.search(str(value.get("url") or ""))
    number = value.get("databaseId") or (int(found[1]) if found else None)
    return {
        "id": number,
        "head_sha": sha,
        "name": value.get("name"),
        "status": _small(value.get("status")),
        "conclusion": _small(value.get("conclusion")),
        "app": _within(value, "checkSuite").get("app"),
        "started_at": value.get("startedAt"),
        "completed_at": value.get("completedAt"),
    }


def _small(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def nodes_of(value: Json, name: str) -> list[Json]:
    """The entries of a list as far as they came. Raises ``Unreadable`` when one could not be told."""
    found = _within(value, name).get("nodes") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"pullRequest.{name} holds something that is no object")
    return found

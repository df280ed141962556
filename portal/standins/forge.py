"""What stand-ins of other forges have in common: GitHub's repositories, people and acts, told in another dialect.

A repository, a pull request, a review, a status and a branch rule are the same thing at every forge; how it is said is not. So
these stand-ins keep GitHub's world and do its acts, and bring their own API, their own webhooks and their own words for errors.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from portal.standins.faults import Fault, Rule, Says, instead, spoiled
from portal.standins.git import Signature
from portal.standins.github import GitHubError, GitHubStandIn, pushing, tokens
from portal.standins.github.hooks import Hooks
from portal.standins.github.tokens import Caller
from portal.standins.store import Row
from portal.standins.web import Answer, Request

ACTS = (
    *("add_account", "create_repository", "commit", "push_direct", "force_push", "delete_branch"),
    *("open_pull_request", "edit_pull_request", "label", "unlabel", "mark_ready", "close_pull_request", "reopen_pull_request"),
    *("review", "dismiss_review", "status", "merge", "set_protection", "remove_protection", "add_member", "remove_member"),
    *("rename_repository", "archive_repository", "set_default_branch", "send_hooks_to", "token_of"),
)
QUOTA_ENDS = 30
"""Seconds, for the fault that says that a quota is used up."""
Told = tuple[str, Row]
"""The name of an event as the forge's header writes it, and its payload."""


class ForgeHooks(Hooks):
    """Webhooks of a forge: what GitHub would tell is told as this forge does, or not at all."""

    def __init__(self, forge: "Forge") -> None:
        super().__init__(forge.store, forge.faults, now=lambda: forge.clock.now())
        self.forge = forge

    def send(self, *, event: str, payload: Row, repository: Row | None = None) -> None:
        """Records and queues what the forge tells of this."""
        if not self.config["url"] or repository is None:
            return
        for name, told in self.told(event, payload, repository):
            super().send(event=name, payload=told, repository=repository)

    def told(self, event: str, payload: Row, repository: Row) -> Iterable[Told]:
        """What the forge says of one of GitHub's events."""
        raise NotImplementedError  # each forge says it in its own dialect


class Forge(GitHubStandIn):
    """One forge in a folder. A subclass names its paths, makes its webhooks and answers its API."""

    acts: Sequence[str] = ACTS

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        super().__init__(directory, url=url)
        self.hooks: Hooks = self.webhooks()

    def webhooks(self) -> ForgeHooks:
        """The sender of this forge's webhooks."""
        raise NotImplementedError  # each forge says it in its own dialect

    def called(self, caller: Caller, request: Request, path: str) -> Answer:
        """Answers one request below the API's path. Raises GitHubError, which is said in the forge's words."""
        raise NotImplementedError  # each forge says it in its own dialect

    def says(self, message: str) -> Row:
        """An error's body."""
        raise NotImplementedError  # each forge says it in its own dialect

    def refusal(self, status: int, message: str) -> Answer:
        """An error as an answer."""
        raise NotImplementedError  # each forge says it in its own dialect

    def merger(self, login: str, at: datetime) -> Signature:
        """Whoever presses the button commits what it makes."""
        return self.signature(login, at)

    def send_hooks_to(self, url: str, *, secret: str, organization: str = "") -> None:
        """Where webhooks go from now on; ``hold:`` keeps them for ``post_held``."""
        super().send_hooks_to(url, secret=secret, organization=organization)
        self.begin_sending()

    def begin_sending(self) -> None:
        """Starts the sender, where there is somebody to send to."""
        if self.hooks.config["url"]:
            self.hooks.start()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``api_path``, and Git below ``git_path``."""
        if not request.path.startswith(self.api_path + "/"):
            return pushing.answer(self, request)
        path = request.target.partition("?")[0].removeprefix(self.api_path)
        rule = self.faults.take(request.path.removeprefix(self.api_path))
        replaced = _replaced(rule, self.says)
        if replaced is not None:
            return replaced
        served = self._served(request, path)
        if request.method == "GET" and served.status == 200 and self.tags(rule):
            served = conditional(request, served)
        return spoiled(served, rule) if rule else served

    def tags(self, rule: Rule | None) -> bool:
        """Whether answers carry an ETag."""
        return False

    def _served(self, request: Request, path: str) -> Answer:
        try:
            with self.lock:
                caller = tokens.caller(self, request.headers.get("Authorization", ""), at=datetime.now(UTC))
                return self.called(caller, request, path)
        except GitHubError as problem:
            return self.refusal(problem.status, problem.message)

    # What shapes of every dialect need

    def reached(self, caller: Caller, name: str) -> Row:
        """The repository, if this account may see it. Raises 404."""
        row = self.repository(name)
        if not self.permission(row["full_name"], caller.login):
            raise GitHubError(404, "Not Found")
        return row

    def brought(self, name: str, sha: str) -> Iterator[Row]:
        """The pull requests that hold a commit."""
        for one in self.store.all("pull_commit", place=name, subject=sha):
            yield self.pull(name, one["number"])

    def heads(self, name: str, row: Row) -> list[tuple[str, str]]:
        """(commit, since when) of the branch that a pull request comes from, oldest first, from its opening on."""
        ref, opened = f"refs/heads/{row['head_ref']}", row["created_at"]
        moves = [(one["after"], one["timestamp"]) for one in self.store.all("activity", place=name) if one["ref"] == ref]
        before = [sha for sha, at in moves if at <= opened]
        later = [(sha, at) for sha, at in moves if at > opened and sha.strip("0")]
        return [(before[-1], opened), *later] if before else later or [(row["head_sha"], opened)]

    def statuses_of(self, name: str, sha: str) -> list[Row]:
        """The latest status of each context, oldest first."""
        newest = {row["context"]: row for row in self.store.all("status", place=name, subject=sha)}
        return sorted(newest.values(), key=lambda row: int(row["id"]))


def _replaced(rule: Rule | None, says: Says) -> Answer | None:
    if rule is None:
        return None
    ends = int(datetime.now(UTC).timestamp()) + max(QUOTA_ENDS, round(rule.seconds))
    return instead(rule, reset_at=ends, says=says)


def conditional(request: Request, answer: Answer) -> Answer:
    """Adds an ETag; 304 without a body when the caller has this version already."""
    tag = f'W/"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return Answer(304, headers={"ETag": tag})
    answer.headers["ETag"] = tag
    return answer


def tagged(rule: Rule | None) -> bool:
    """Whether a forge that tags its answers does so now."""
    return rule is None or rule.fault is not Fault.NO_ETAG

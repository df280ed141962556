"""The GitHub stand-in as one object: a server, and what people do there as methods.

Every method takes keywords only; ``at`` is when it happened (default: now) and may lie in the past. What a method returns is
the object in the shape of GitHub's REST API. Refusals are ``GitHubError``, with GitHub's status and words.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.standins.github import manifest, pushing, tokens
from portal.standins.github.acts import (
    auditing,
    branches,
    checking,
    deploying,
    governing,
    merging,
    pulls,
    queueing,
    reviewing,
    teams,
    telling,
)
from portal.standins.github.acts.names import ACTS
from portal.standins.github.errors import GitHubError
from portal.standins.github.hooks import APP_ID, INSTALLATION_ID, Post
from portal.standins.github.rest.api import Api
from portal.standins.github.shapes import people
from portal.standins.github.shapes import pulls as pull_shapes
from portal.standins.github.world import API_PATH, GIT_PATH, World
from portal.standins.store import Row
from portal.standins.web import Answer, Request, Serving


class GitHubStandIn(World):
    """One GitHub in a folder. Use ``start``/``stop``, or ``answer`` inside another server."""

    acts: Sequence[str] = ACTS
    app_id = str(APP_ID)
    installation_id = str(INSTALLATION_ID)

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        super().__init__(directory, url=url)
        self.api = Api(self)
        self._serving: Serving | None = None

    def start(self, *, port: int = 0) -> str:
        """Serves on a loopback port of its own (0: any free one) and begins to send webhooks. Returns the address."""
        self._serving = Serving(self.answer, port=port)
        self.url = self._serving.url
        self._serving.start()
        self.hooks.start()
        return self.url

    def stop(self) -> None:
        """Stops serving and sending."""
        if self._serving:
            self._serving.stop()
        self.close()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/github`` and ``/git``."""
        if (made := manifest.answer(self, request)) is not None:
            return made
        if request.path.startswith(API_PATH + "/"):
            return self.api.answer(request)
        if request.path.startswith(GIT_PATH + "/"):
            return pushing.answer(self, request)
        return GitHubError(404, "Not Found").answer()

    # Keys and webhooks

    @property
    def app_private_key(self) -> str:
        """The App's key in PEM."""
        return tokens.private_key(self)

    def token(
        self, *, repositories: list[str] | None = None, permissions: dict[str, str] | None = None, lives: timedelta | None = None
    ) -> str:
        """An installation token; by default for everything the App may do, for ever."""
        made = tokens.installation_token(
            self, at=datetime.now(UTC), lives=lives, permissions=permissions, repositories=repositories
        )
        return str(made["token"])

    def token_of(self, login: str) -> str:
        """A person's token, also the password for Git."""
        return tokens.personal_token(self, login)

    def send_hooks_to(self, url: str, *, secret: str, organization: str = "") -> None:
        """Where webhooks go from now on; ``hold:`` keeps them for ``post_held``. By default the hook is the App's and each
        repository's; with ``organization`` it is that one's alone.
        """
        self.hooks.configure(url=url, secret=secret, organization=organization)

    def flush(self, *, timeout: float = 30.0) -> bool:
        """Waits until all webhooks are sent. False when time ran out."""
        return self.hooks.flush(timeout=timeout)

    def post_held(self, post: Post) -> int:
        """Hands held webhooks to ``post(headers, body) -> status`` in this thread. Returns how many there were."""
        return self.hooks.post_held(post)

    def deliveries(self) -> list[Row]:
        """The delivery log, oldest first."""
        return self.hooks.deliveries()

    # What is there, for the page and for tests

    def pull_request(self, *, repository: str, number: int) -> Row:
        """A pull request in the shape of the API."""
        with self.lock:
            return pull_shapes.full(self, self.repository(repository), self.pull(repository, number))

    def members(self, *, repository: str) -> list[Row]:
        """People with access, in the shape of the API."""
        with self.lock:
            return [people.collaborator(self, row) for row in self.store.all("member", place=repository)]

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``acts`` by name, as the control door needs it. Raises 422 for an unknown act or wrong arguments."""
        if act not in self.acts:
            raise GitHubError(422, f"There is no act {act!r}. There are: {', '.join(self.acts)}")
        try:
            return getattr(self, act)(**arguments)
        except TypeError as problem:
            raise GitHubError(422, str(problem)) from problem

    # What people and machines do

    create_repository = branches.create_repository
    commit = branches.commit
    push_direct = branches.push_direct
    force_push = branches.force_push
    delete_branch = branches.delete_branch
    restore_branch = branches.restore_branch
    open_pull_request = pulls.open_pull_request
    edit_pull_request = pulls.edit_pull_request
    label = pulls.label
    unlabel = pulls.unlabel
    request_review = pulls.request_review
    mark_ready = pulls.mark_ready
    close_pull_request = pulls.close_pull_request
    reopen_pull_request = pulls.reopen_pull_request
    review = pulls.review
    dismiss_review = pulls.dismiss_review
    check = checking.check
    status = checking.status
    merge = merging.merge
    update_branch = merging.update_branch
    enqueue = queueing.enqueue
    dequeue = queueing.dequeue
    run_queue = queueing.run_queue
    deploy = deploying.deploy
    deployment_status = deploying.deployment_status
    ask_for_deploy = reviewing.ask_for_deploy
    review_deploy = reviewing.review_deploy
    set_protection = governing.set_protection
    remove_protection = governing.remove_protection
    set_ruleset = governing.set_ruleset
    delete_ruleset = governing.delete_ruleset
    add_member = governing.add_member
    remove_member = governing.remove_member
    set_team = teams.set_team
    delete_team = teams.delete_team
    join_organization = teams.join_organization
    leave_organization = teams.leave_organization
    bypass = governing.bypass
    rename_account = governing.rename_account
    rename_repository = governing.rename_repository
    archive_repository = governing.archive_repository
    set_default_branch = governing.set_default_branch
    keep_audit_log = auditing.keep_audit_log
    log_action = auditing.log_action
    ping = telling.ping

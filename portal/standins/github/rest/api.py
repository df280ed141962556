"""The API as a whole: faults first, then who asks, the quota, the route, the refusals."""

from datetime import UTC, datetime, timedelta

from portal.standins.faults import Fault, instead, spoiled
from portal.standins.github import tokens
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.graph import api as graph
from portal.standins.github.quota import Quota
from portal.standins.github.rest import app, checks, comments, commits, contents, deployments, pulls, repositories
from portal.standins.github.rest.calls import ROUTES, Call, conditional
from portal.standins.github.world import API_PATH, World
from portal.standins.routes import Handler
from portal.standins.web import Answer, Request, json_answer

FILLED_BY = (app, checks, comments, commits, contents, deployments, pulls, repositories)
FREE = {"/rate_limit", "/meta"}


class Api:
    """Answers requests below ``/github``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.quota = Quota()
        self.graph = graph.Graph(world)

    def answer(self, request: Request) -> Answer:
        """One request, with the fault that is switched on for its path, if any."""
        path = request.path.removeprefix(API_PATH)
        rule = self.world.faults.take(path)
        at = datetime.now(UTC)
        if rule is not None:
            replaced = instead(rule, reset_at=int((at + timedelta(seconds=rule.seconds)).timestamp()))
            if replaced is not None:
                return replaced
        answer = self._plain(request, path, at=at, with_etag=rule is None or rule.fault is not Fault.NO_ETAG)
        return spoiled(answer, rule) if rule else answer

    def _plain(self, request: Request, path: str, *, at: datetime, with_etag: bool) -> Answer:
        try:
            caller = tokens.caller(self.world, request.headers.get("Authorization", ""), at=at)
            if path == graph.PATH and request.method == "POST":
                return self.graph.answer(request, caller)
            with self.world.lock:
                call = Call(self.world, request, caller, at)
                answer = self._moved(path) or self._found(call, self._by_name(path))(call)
            answer = conditional(call, answer) if with_etag else answer
        except GitHubError as problem:
            answer = problem.answer()
            if problem.status == 401:
                return answer
        return self._counted(request, path, answer)

    def _found(self, call: Call, path: str) -> Handler[Call]:
        found = ROUTES.find(call.request.method, path)
        if found is None:
            raise not_found()
        handler, call.args = found
        return handler

    def _moved(self, path: str) -> Answer | None:
        """301 for the former name of a repository, unless another one has it by now."""
        parts = path.split("/", 4)
        if len(parts) < 4 or parts[1] != "repos" or self.world.store.one("repository", subject="/".join(parts[2:4]).lower()):
            return None
        for row in self.world.repositories():
            if "/".join(parts[2:4]).lower() in row.get("former", []):
                url = f"{self.world.api_url}/repositories/{row['id']}" + "".join(f"/{rest}" for rest in parts[4:])
                return json_answer({"message": "Moved Permanently", "url": url}, status=301, headers={"Location": url})
        return None

    def _by_name(self, path: str) -> str:
        """``/repositories/<id>/…`` means the same as ``/repos/<owner>/<name>/…``."""
        head, _, rest = path.removeprefix("/repositories/").partition("/")
        if not path.startswith("/repositories/") or not head.isdecimal():
            return path
        row = self.world.store.by_id("repository", int(head))
        if row is None:
            raise not_found()
        return f"/repos/{row['full_name']}/{rest}".rstrip("/")

    def _counted(self, request: Request, path: str, answer: Answer) -> Answer:
        free = answer.status == 304 or path in FREE
        left, ends = self.quota.take(request.headers.get("Authorization", ""), at=self.world.clock.now(), cost=0 if free else 1)
        if left < 0:
            answer = GitHubError(403, "API rate limit exceeded for installation ID 5150.").answer()
        version = {"x-github-api-version-selected": request.headers.get("X-GitHub-Api-Version", "2022-11-28")}
        answer.headers |= self.quota.headers(left, ends) | version | {"x-github-media-type": "github.v3; format=json"}
        return answer

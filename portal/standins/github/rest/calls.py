"""One call of the API: who asks for what, and the forms that answers take (pages, ETags)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.tokens import Caller
from portal.standins.github.world import World
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

Item = TypeVar("Item")
PER_PAGE, MOST_PER_PAGE = 30, 100


@dataclass
class Call:
    """A request with its caller. ``args`` come from the route; ``at`` is the moment of the call."""

    world: World
    request: Request
    caller: Caller
    at: datetime
    args: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``owner/name`` from the path, as the repository spells it."""
        return str(self.repository["full_name"])

    @property
    def repository(self) -> Row:
        """The repository in the path. Raises 404, also when the token does not reach it."""
        row = self.world.repository(f"{self.args['owner']}/{self.args['repo']}")
        name = row["full_name"]
        if self.caller.kind == "app":
            raise GitHubError(401, "Bad credentials")
        if self.caller.repositories is not None and name not in self.caller.repositories:
            raise not_found()
        if self.caller.kind == "user" and not self.world.permission(name, self.caller.login):
            raise not_found()
        return row

    def number(self, name: str) -> int:
        """A number in the path. Raises 404 for anything else."""
        if not self.args[name].isdecimal():
            raise not_found()
        return int(self.args[name])

    def text(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query.get(name, default)

    def need(self, what: str, level: str = "read") -> None:
        """Raises GitHub's 403 when the token lacks a permission."""
        if not self.caller.may(what, level):
            raise GitHubError(403, "Resource not accessible by integration")

    def body(self) -> dict[str, Any]:
        """The JSON body. Raises 400."""
        try:
            return self.request.json()
        except ValueError as problem:
            raise GitHubError(400, "Problems parsing JSON") from problem

    def field(self, name: str) -> Any:
        """A field that the body must have. Raises 422."""
        value = self.body().get(name)
        if value is None:
            raise GitHubError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value


ROUTES: Routes[Call] = Routes()


def page_of(call: Call) -> tuple[int, int]:
    """Which page, and how long. Nonsense counts as the default, as GitHub does."""
    page, size = call.text("page", "1"), call.text("per_page", str(PER_PAGE))
    number = int(page) if page.isdecimal() else 1
    length = int(size) if size.isdecimal() else PER_PAGE
    return max(1, number), min(MOST_PER_PAGE, max(1, length))


def paged(call: Call, items: Sequence[Item], shape: Callable[[Item], Row], *, under: str = "") -> Answer:
    """One page of a list with its Link header; ``under`` wraps it with a total count."""
    page, size = page_of(call)
    shown = [shape(item) for item in items[(page - 1) * size : page * size]]
    value: Any = {"total_count": len(items), under: shown} if under else shown
    return json_answer(value, headers=links(call, page=page, pages=max(1, -(-len(items) // size))))


def links(call: Call, *, page: int, pages: int) -> dict[str, str]:
    """The Link header. Inside a repository it points at ``/repositories/<id>/…``, as GitHub's does."""
    wanted: dict[str, int] = {}
    if page > 1:
        wanted |= {"prev": page - 1, "first": 1}
    if page < pages:
        wanted |= {"next": page + 1, "last": pages}
    if not wanted:
        return {}
    parts = [f'<{_page_url(call, number)}>; rel="{relation}"' for relation, number in wanted.items()]
    return {"Link": ", ".join(parts)}


def _page_url(call: Call, number: int) -> str:
    path = call.request.path.partition("/github")[2]
    if "owner" in call.args and path.startswith("/repos/"):
        rest = path.split("/", 4)[4]
        path = f"/repositories/{call.repository['id']}/{rest}"
    return f"{call.world.api_url}{path}?{urlencode({**call.request.query, 'page': number})}"


def conditional(call: Call, answer: Answer) -> Answer:
    """Adds an ETag; 304 without a body when the caller has this version already."""
    if call.request.method not in {"GET", "HEAD"} or answer.status != 200 or answer.stream is not None:
        return answer
    etag = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
    if call.request.headers.get("If-None-Match") in {etag, etag.removeprefix("W/")}:
        return Answer(304, headers={"ETag": etag})
    answer.headers |= {"ETag": etag, "Cache-Control": "private, max-age=60, s-maxage=60", "Vary": "Accept, Authorization"}
    return answer

"""The door of GraphQL: who asks, what it costs, what GitHub refuses, and the answer.

Limits as published: points an hour for each token, points a minute for the endpoint, requests at the same time, nodes of one query.
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

import threading
from datetime import datetime
from typing import Any

from portal.standins.github.errors import GitHubError
from portal.standins.github.graph import shapes
from portal.standins.github.graph.lists import Weight, weigh
from portal.standins.github.quota import Quota
from portal.standins.github.tokens import Caller
from portal.standins.github.world import World
from portal.standins.graphql import Field, GraphQLError, Problem, answered, parsed
from portal.standins.limits import Window
from portal.standins.store import Row
from portal.standins.times import stamp
from portal.standins.web import Answer, Request, json_answer

PATH = "/graphql"
A_MINUTE, AT_ONCE = 2000, 100
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
TIMED_OUT = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. "
    "Please include `51EA:050C:152958` when reporting this issue."
)


class Graph:
    """Answers ``POST /graphql``. ``asked`` and ``refused`` (for a limit) are counted.

    ``slow_above`` is how many pull requests one answer can hold in time; None: any number.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.quota = Quota(resource="graphql")
        self.minute = Window(limit=A_MINUTE, seconds=60.0)
        self.at_once = AT_ONCE
        self.slow_above: int | None = None
        self.asked = 0
        self.refused = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._ordered: dict[str, tuple[int, list[Row]]] = {}

    def answer(self, request: Request, caller: Caller) -> Answer:
        """One question. Counts those that GitHub would have refused for its limits."""
        with self._lock:
            self._inside += 1
            self.asked += 1
            inside = self._inside
        try:
            left, wait = self.minute.take()
            if inside > self.at_once or left < 0:
                return self._refuse(GitHubError(403, SECONDARY).answer(), {"retry-after": str(max(60, wait))})
            with self.world.lock:
                return self._judged(request, caller)
        finally:
            with self._lock:
                self._inside -= 1

    def _refuse(self, answer: Answer, headers: dict[str, str]) -> Answer:
        self.refused += 1
        answer.headers |= headers
        return answer

    def _judged(self, request: Request, caller: Caller) -> Answer:
        try:
            body = request.json()
            fields = parsed(str(body.get("query") or ""), body.get("variables") or {})
            weight = weigh(fields)
        except (GraphQLError, ValueError) as problem:
            return json_answer({"errors": [_error(problem)]})
        left, ends = self.quota.take(request.headers.get("Authorization", ""), at=self.world.clock.now(), cost=weight.points)
        headers = self.quota.headers(left, ends)
        if left < 0:
            words = "API rate limit exceeded for installation ID 5150."
            return self._refuse(json_answer({"errors": [{"type": "RATE_LIMITED", "message": words}]}), headers)
        if self._takes_too_long(fields):
            return json_answer({"data": None, "errors": [{"message": TIMED_OUT}]}, status=502)
        try:
            data, errors = answered(fields, self._root(caller, weight, left, ends))
        except GraphQLError as problem:
            return json_answer({"errors": [_error(problem)]}, headers=headers)
        return json_answer({"data": data} | ({"errors": errors} if errors else {}), headers=headers)

    def _takes_too_long(self, fields: tuple[Field, ...]) -> bool:
        lists = [below for field in fields for below in field.selection if below.name == "pullRequests"]
        return self.slow_above is not None and any(below.arguments.get("first", 0) > self.slow_above for below in lists)

    def _root(self, caller: Caller, weight: Weight, left: int, ends: datetime) -> Row:
        limit = {
            "cost": weight.points,
            "limit": self.quota.limit,
            "nodeCount": weight.nodes,
            "remaining": left,
            "used": self.quota.limit - left,
            "resetAt": stamp(ends),
        }

        def repository(arguments: Any) -> Any:
            owner, name = str(arguments.get("owner")), str(arguments.get("name"))
            seen = shapes.known(self.world, caller, owner, name)
            if seen is None:
                return Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
            return shapes.repository(seen, self._pulls(seen.name))

        return {"rateLimit": limit, "repository": repository}

    def _pulls(self, name: str) -> list[Row]:
        """In their order; kept until something is written."""
        kept = self._ordered.get(name)
        if kept is None or kept[0] != self.world.store.writes:
            kept = self._ordered[name] = (self.world.store.writes, shapes.order(self.world.pulls(name)))
        return kept[1]


def _error(problem: Exception) -> Row:
    kind, code = getattr(problem, "kind", ""), getattr(problem, "code", "")
    shown: Row = {"message": str(problem), "locations": [{"line": 1, "column": 1}]}
    return shown | ({"type": kind} if kind else {}) | ({"extensions": {"code": code}} if code else {})

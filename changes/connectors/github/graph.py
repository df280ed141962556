"""A repository's pull requests by GraphQL: a hundred in one request, with their reviews, checks, files and contributors.

One question at a time, never two at once. Each answer says what is left of the hour's points; with few left the next question waits
for new ones, so that GitHub never has to refuse. Lists that are longer than their first page are continued by number.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from changes.connectors.answer import Answer
from changes.connectors.errors import Passing, Permanent, TooLarge, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github import graph_queries, graph_shapes, limits
from changes.connectors.github.api import Api
from changes.connectors.github.graph_errors import Resting, TooMuch, Unusable, data_of, spoiled
from changes.connectors.github.graph_queries import TOGETHER, Wanted
from changes.connectors.github.graph_shapes import Node, Read, needs_signatures, nodes_of, number_of
from changes.connectors.models import Source

Json = Mapping[str, Any]
RESERVE = 200
"""Points of the hour that are left to others who use the same token."""
SECONDS = 8.0
"""After so long no further question of the same page begins: a run of the worker has to end in time."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Pull requests, the one that changed last first."""

    read: tuple[Read, ...]
    by_rest: Mapping[int, str]
    """Numbers of those that GraphQL could not tell whole, and why: they are read by REST."""
    oldest: datetime | None
    """When the last one of the page changed."""
    newest: datetime | None
    after: str | None
    """Where the next page begins; None behind the last one."""
    total: int


@dataclass
class Graph:
    """One repository (``owner/name``). Raises ``TooMuch`` for a smaller page, ``Unusable`` for REST, else as ``Api`` does."""

    source: Source
    repository_name: str
    at: datetime
    left: int | None = field(init=False, default=None)
    """Points of this hour, as the last answer said."""
    resets_at: datetime | None = field(init=False, default=None)
    _api: Api = field(init=False, repr=False)
    _until: float = field(init=False, repr=False, default=0.0)

    def __post_init__(self) -> None:
        self._api = Api(source=self.source, at=self.at)

    def page(self, *, after: str | None, size: int) -> Page:
        """The ``size`` pull requests behind ``after``, whole."""
        self._until = time.monotonic() + SECONDS
        repository, errors = self._ask(graph_queries.PAGE, {"first": size, "after": after})
        try:
            listed = Fields.of(value=repository.get("pullRequests"), path="pullRequests")
            place, total = listed.needed("pageInfo"), listed.needed_number("totalCount")
            values = nodes_of(repository, "pullRequests")
            numbers = [number_of(one) for one in values]
        except (Unreadable, Incomplete) as problem:
            raise TooMuch(f"GitHub's GraphQL API left something out: {problem}") from None
        by_rest = {numbers[int(at)]: words for at, words in spoiled(errors, below="nodes").items()}
        nodes, wrong = _built(one for number, one in zip(numbers, values, strict=True) if number not in by_rest)
        by_rest |= wrong
        by_rest |= self._continue(nodes)
        read, unusable = _read(node for number, node in nodes.items() if number not in by_rest)
        times = [at for at in (Fields.of(value=one, path="pullRequest").moment("updatedAt") for one in values) if at is not None]
        return Page(
            read=read,
            by_rest=by_rest | unusable,
            oldest=min(times, default=None),
            newest=max(times, default=None),
            after=place.text("endCursor") if place.flag("hasNextPage") else None,
            total=total,
        )

    def queued_by(self, *, number: int) -> tuple[int | None, str | None]:
        """(number, login) of the account that put a pull request into the merge queue last."""
        self._until = time.monotonic() + SECONDS
        repository, _ = self._ask(graph_queries.QUEUE, {"number": number})
        try:
            return graph_shapes.queued_by(Fields.of(value=repository, path="repository").needed("pullRequest").values)
        except (Unreadable, Incomplete) as problem:
            raise Unusable(f"GitHub's GraphQL API left something out: {problem}") from None

    def _continue(self, nodes: Mapping[int, Node]) -> dict[int, str]:
        """Collect what is longer than its first page. Returns numbers for which that did not go, and why."""
        failed: dict[int, str] = {}
        wanted = [one for node in nodes.values() for one in _wanted(node)]
        while wanted:
            now, wanted = wanted[:TOGETHER], wanted[TOGETHER:]
            more, wrong = self._rest(now, nodes)
            failed |= wrong
            wanted = [one for one in (*wanted, *more) if one.number not in failed]
        return failed

    def _rest(self, wanted: Sequence[Wanted], nodes: Mapping[int, Node]) -> tuple[list[Wanted], dict[int, str]]:
        """(what is still left, what failed): fewer at once when it is too much."""
        text, variables = graph_queries.rest(wanted)
        try:
            repository, errors = self._ask(text, variables)
        except TooMuch as problem:
            if len(wanted) == 1:
                return [], {wanted[0].number: problem.reason}
            middle = len(wanted) // 2
            first, second = self._rest(wanted[:middle], nodes), self._rest(wanted[middle:], nodes)
            return [*first[0], *second[0]], {**first[1], **second[1]}
        wrong = spoiled(errors, below="repository")
        failed: dict[int, str] = {}
        left: list[Wanted] = []
        for place, one in enumerate(wanted):
            try:
                left += _took(nodes[one.number], one, repository.get(f"p{place}"), wrong.get(f"p{place}"))
            except Unreadable as problem:
                failed[one.number] = str(problem)
        return left, failed

    def _ask(self, text: str, variables: Mapping[str, Any]) -> tuple[Json, list[Json]]:
        self._keep_reserve()
        if time.monotonic() > self._until:
            raise TooMuch("Its lists take too long for one turn")
        owner, _, name = self.repository_name.partition("/")
        try:
            answer = self._api.question(text=text, variables={"owner": owner, "name": name, **variables})
            body = answer.json()
        except TooLarge as problem:
            raise TooMuch(problem.reason) from None
        except Unauthorised:
            raise
        except Permanent as problem:
            raise Unusable(problem.reason) from None
        except Passing as problem:
            raise problem if problem.retry_after is not None else TooMuch(problem.reason) from None
        self._note(body)
        try:
            return data_of(body)
        except Resting as problem:
            raise self._rested(problem, answer) from None

    def _keep_reserve(self) -> None:
        if self.left is not None and self.left < RESERVE and self.resets_at is not None:
            wait = max((self.resets_at - self.at).total_seconds(), 1.0)
            raise Passing(
                "Few points of this hour are left for GitHub's GraphQL API; the rest is read with new ones", retry_after=wait
            )

    def _note(self, body: Any) -> None:
        """What is left, as GitHub says with each answer."""
        data = body.get("data") if isinstance(body, Mapping) else None
        limits = data.get("rateLimit") if isinstance(data, Mapping) else None
        if isinstance(limits, Mapping):
            fields = Fields.of(value=limits, path="rateLimit")
            self.left, self.resets_at = fields.number("remaining"), fields.moment("resetAt")

    def _rested(self, problem: Resting, answer: Answer) -> Passing:
        """A limit that is said with status 200. One of all of GitHub's API lets the whole source rest."""
        wait = limits.wait_said(answer=answer, at=self.at) or limits.AT_LEAST
        if problem.shared:
            limits.rest(source=self.source, until=self.at + timedelta(seconds=wait))
        return Passing(problem.reason, retry_after=wait)


def _built(values: Iterable[Json]) -> tuple[dict[int, Node], dict[int, str]]:
    """(pull requests by number, those whose lists came with holes, and why)."""
    nodes: dict[int, Node] = {}
    wrong: dict[int, str] = {}
    for one in values:
        number = number_of(one)
        try:
            nodes[number] = _node(one)
        except Unreadable as problem:
            wrong[number] = str(problem)
    return nodes, wrong


def _node(values: Json) -> Node:
    """With the checks of its newest commit beside its other lists."""
    head = _within((nodes_of(values, "head") or [{}])[0], "commit")
    whole = {**values, "headOid": head.get("oid"), "contexts": _within(head, "statusCheckRollup").get("contexts")}
    return Node(whole, {name: list(nodes_of(whole, name)) for name in ("reviews", "files", "commits", "contexts")})


def _within(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _wanted(node: Node) -> list[Wanted]:
    """The lists of a pull request that its page did not hold whole."""
    wanted = [Wanted(node.number, name, at) for name in node.lists if (at := _more(node.values.get(name))) is not None]
    if needs_signatures(node.lists["commits"]):
        wanted = [one for one in wanted if one.part != "commits"] + [Wanted(node.number, "signed", None)]
    return wanted


def _more(listed: Any) -> str | None:
    place = listed.get("pageInfo") if isinstance(listed, dict) else None
    found = place.get("endCursor") if isinstance(place, dict) and place.get("hasNextPage") is True else None
    return str(found) if found else None


def _took(node: Node, one: Wanted, answered: Any, wrong: str | None) -> list[Wanted]:
    """Add a continuation to its list; returns what is left of it. Raises ``Unreadable`` when it was not told."""
    if wrong is not None or not isinstance(answered, dict):
        raise Unreadable(wrong or f"pullRequest {one.number} was not told")
    values: Json = _node(answered).values if one.part == "contexts" else answered
    name = "commits" if one.part == "signed" else one.part
    if one.part == "signed" and one.after is None:
        node.lists["commits"] = []
    node.lists[name] += nodes_of(values, name)
    more = _more(values.get(name))
    if one.part == "commits" and needs_signatures(node.lists["commits"]):
        return [Wanted(one.number, "signed", None)]
    return [Wanted(one.number, one.part, more)] if more is not None else []


def _read(nodes: Iterable[Node]) -> tuple[tuple[Read, ...], dict[int, str]]:
    """(what can be used, numbers of what cannot, and why)."""
    read: list[Read] = []
    unusable: dict[int, str] = {}
    for node in nodes:
        try:
            read.append(graph_shapes.read(node))
        except (Unreadable, Incomplete) as problem:
            unusable[node.number] = str(problem)
    return tuple(read), unusable

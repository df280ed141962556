"""Reads all pull requests of a repository, page by page: the first reading, and filling back.

By GraphQL a page is a hundred pull requests, whole. Each page is recorded at once, with all that follows from it and with the place
behind it: a killed worker loses one page as a whole, and it is read again. What GraphQL cannot tell is asked for by REST; where it
does not answer at all (a forge of another kind, a token without the right) REST reads everything, as it did before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from changes.connectors.asking import Asked, ask_all
from changes.connectors.errors import Passing
from changes.connectors.github.client import GitHub
from changes.connectors.github.graph import Graph, Page
from changes.connectors.github.graph_errors import TooMuch, Unusable
from changes.connectors.models import Source, Walk
from changes.connectors.settling import touch
from changes.delivery import actions as record
from changes.delivery.models import Repository
from changes.delivery.whole import record_read
from portal.ui.remaining import words_left

LARGEST, SMALLEST = 100, 5
"""Pull requests of a page. Half as many after one that GitHub could not answer in time, more again after one that it could."""
SAID = timedelta(days=1)
"""For so long it is said of a reading that has ended what was not as usual."""
TRIES = 3
"""After so many smallest pages that were too much REST reads the rest."""


class Overtaken(Passing):
    """Another worker has gone on with this walk meanwhile, or begun it anew: what this one read is its to record."""

    def __init__(self) -> None:
        super().__init__("Another worker goes on with it", retry_after=1.0)


@dataclass(frozen=True)
class Step:
    """What one page brought. ``more``: there is another one."""

    found: int
    more: bool


def begin(*, repository: Repository, purpose: str, since: datetime, at: datetime) -> Walk:
    """A walk from the newest pull request on; an earlier one for the same purpose is forgotten."""
    fresh = {"since": since, "began_at": at, "size": LARGEST, "ended_at": None, "newest": None, "after": "", "note": ""}
    zero = dict.fromkeys(("tries", "rest_page", "found", "total"), 0)
    made, _ = Walk.objects.update_or_create(repository=repository, purpose=purpose, defaults=fresh | zero)
    return made


def current(*, repository: Repository, purpose: str) -> Walk | None:
    """The walk that has not ended."""
    return Walk.objects.filter(repository=repository, purpose=purpose, ended_at=None).first()


def under_way(*, source: Source) -> bool:
    """Whether a first reading of a repository there is not over: then nothing vouches for all of it yet."""
    waiting = Walk.objects.filter(purpose=Walk.Purpose.FIRST, ended_at=None, repository__forge=source.kind)
    return waiting.filter(repository__in_scope_until=None).exists()


def step(*, walk: Walk, source: Source, at: datetime) -> Step:
    """Read and record one page.

    Raises ``Passing`` when GitHub asks to wait, ``Overtaken`` among them, and ``Permanent`` when the repository cannot be read.
    """
    if not (source.has_token or source.app_id) and not walk.rest_page:
        _use_rest(walk, "without a token GitHub answers no GraphQL")
    if walk.rest_page:
        return _rest_step(walk, source, at)
    graph = Graph(source=source, repository_name=walk.repository.name, at=at)
    try:
        page = graph.page(after=walk.after or None, size=walk.size)
    except TooMuch as problem:
        _smaller(walk, problem.reason)
        return Step(0, True)
    except Unusable as problem:
        _use_rest(walk, problem.reason)
        return _rest_step(walk, source, at)
    wanted = _wanted(page, walk.since)
    with transaction.atomic():
        _record(walk, source, wanted, at)
        return _on(walk, wanted, at)


def _wanted(page: Page, since: datetime) -> Page:
    """Without what is older than wanted; then there is no further page."""
    if page.oldest is None or page.oldest >= since:
        return page
    read = [one for one in page.read if (one.whole.pull_request.vendor_updated_at or since) >= since]
    return Page(read=tuple(read), by_rest=page.by_rest, oldest=page.oldest, newest=page.newest, after=None, total=page.total)


def _record(walk: Walk, source: Source, page: Page, at: datetime) -> None:
    """Locks in the order in which settling takes them: the repository, then its pull requests."""
    repository, read = walk.repository, [one.whole for one in page.read]
    record_read(repository=repository, read=read, at=at, moves=partial(touch, repository=repository, at=at))
    subjects = [subject for one in page.read for subject in one.wants]
    subjects += [f"pull_request:{number}" for number in page.by_rest]
    ask_all(asked=[Asked(source, repository, subject, at) for subject in subjects])


def _on(walk: Walk, page: Page, at: datetime) -> Step:
    """The page is recorded: the next one begins behind it."""
    found = len(page.read) + len(page.by_rest)
    _keep(
        walk,
        newest=walk.newest or page.newest,
        after=page.after or "",
        found=walk.found + found,
        total=page.total,
        size=min(LARGEST, walk.size * 5 // 4 + 1),
        tries=0,
        note=_spoiled(page.by_rest) or walk.note,
        ended_at=None if page.after else at,
    )
    return Step(found, bool(page.after))


def _keep(walk: Walk, **values: Any) -> None:
    """Write these down, unless the walk is not as this worker knows it. Raises ``Overtaken``."""
    known = {name: getattr(walk, name) for name in ("began_at", "after", "rest_page", "size", "tries")}
    if not Walk.objects.filter(pk=walk.pk, ended_at=None, **known).update(**values):
        raise Overtaken
    for name, value in values.items():
        setattr(walk, name, value)


def _spoiled(by_rest: Mapping[int, str]) -> str:
    if not by_rest:
        return ""
    number, words = next(iter(by_rest.items()))
    return f"{len(by_rest)} pull requests of a page, #{number} among them, are read by REST: {words}"


def _smaller(walk: Walk, why: str) -> None:
    if walk.size <= SMALLEST and walk.tries + 1 >= TRIES:
        _use_rest(walk, why)
        return
    size = max(SMALLEST, walk.size // 2)
    _keep(walk, size=size, tries=walk.tries + (walk.size <= SMALLEST), note=f"Pages of {size} from here on: {why}")


def _use_rest(walk: Walk, why: str) -> None:
    _keep(walk, rest_page=1, found=0, note=f"Read by REST: {why}")


def _rest_step(walk: Walk, source: Source, at: datetime) -> Step:
    """A hundred bare pull requests; what belongs to each is read one by one afterwards."""
    repository = walk.repository
    client = GitHub(source=source, repository_name=repository.name, at=at)
    rows = client.pull_requests_page(page=walk.rest_page)
    wanted = [fact for fact in rows if fact.vendor_updated_at is None or fact.vendor_updated_at >= walk.since]
    newest = max((fact.vendor_updated_at for fact in wanted if fact.vendor_updated_at), default=None)
    more = bool(rows or client.unusable) and len(wanted) == len(rows)
    out = client.unusable
    note = f"{len(out)} pull requests of a page are left out: {out[0]}" if out else walk.note
    with transaction.atomic():
        if wanted:
            touch(repository=repository, at=at)
        for fact in wanted:
            record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
        ask_all(asked=[Asked(source, repository, f"pull_request:{fact.number}", at) for fact in wanted])
        found = walk.found + len(wanted)
        _keep(
            walk, rest_page=walk.rest_page + 1, newest=walk.newest or newest, found=found, note=note, ended_at=None if more else at
        )
    return Step(len(wanted), more)


def told(*, walk: Walk) -> str:
    """How far it is, for people."""
    share = f"{walk.found:,} of {walk.total:,} pull requests" if walk.total else ""
    return ". ".join(part for part in (share, walk.note) if part)


def share_of(*, walk: Walk) -> float:
    """Part of it that is read, 0 to 1; 0 where nobody says how many there are. Older ones that are not wanted count as unread."""
    return min(walk.found / walk.total, 1.0) if walk.total else 0.0


def first_readings(*, source: Source, at: datetime) -> list[tuple[str, str]]:
    """(repository, how far) of first readings that are under way, or that ended within a day with something to say."""
    rows = Walk.objects.filter(purpose=Walk.Purpose.FIRST, repository__forge=source.kind, repository__in_scope_until=None)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=at - SAID) & ~Q(note="")).select_related("repository")
    return [(row.repository.name, _told_with_time(row, at)) for row in rows.order_by("repository__name")]


def _told_with_time(walk: Walk, at: datetime) -> str:
    left = words_left(began=walk.began_at, moved=at, share=share_of(walk=walk), at=at) if walk.ended_at is None else ""
    return ", ".join(part for part in (told(walk=walk) or "just begun", left) if part)

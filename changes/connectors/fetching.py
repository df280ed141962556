"""Reads a source over a long time in short steps: what somebody asked for with "Read now" or "Fill back".

The row is the work: its steps, the page of the next one, what was found. A step may run any number of times. A worker leases the
row for one step; when it dies, the next one goes on there. Limits of the vendor put the row off, never a worker to sleep.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import F, Q, QuerySet

from changes.connectors.asking import ask, ask_for_rules
from changes.connectors.errors import NotFound, NotJson, Passing, Permanent
from changes.connectors.github import walking
from changes.connectors.github.client import GitHub
from changes.connectors.models import Fetch, Source, Walk
from changes.connectors.polling import POLLS
from changes.connectors.settling import touch
from changes.delivery import actions as record
from changes.delivery.models import Repository
from portal.ledger.actions import append
from portal.ui.doorbell import ring

LEASE = timedelta(seconds=60)
RUN = timedelta(seconds=40)
"""A run begins no further step after this."""
WAIT = timedelta(seconds=30)
"""Before the next try where the vendor names no wait."""
MOST = 5000
"""Entries of a repository's activity that one step takes."""
PARTS = ("pulls", "deployments", "activity", "rules")
Now = Callable[[], datetime]
Step = tuple[int, bool]
"""(things found, whether the step has another page)."""


def plan(*, source: Source, days: int | None) -> list[str]:
    """The steps of a fetch: what is new takes one; filling back takes four for each repository, where the vendor keeps them."""
    if days is None or source.kind not in BACK:
        return ["poll"]
    rows = Repository.objects.filter(forge=source.kind, in_scope_until=None).order_by("id").values_list("pk", flat=True)
    return [f"{part}:{pk}" for pk in rows for part in PARTS]


def work_on_fetches(*, now: Now) -> int:
    """Do steps until nothing is due or the run's time is over. Returns how many were done."""
    done, ends_at = 0, now() + RUN
    while now() < ends_at and (fetch := _claim(now())) is not None:
        _work(fetch, now)
        done += 1
    return done


def _claim(at: datetime) -> Fetch | None:
    with transaction.atomic():
        due = Fetch.objects.filter(state__in=(Fetch.State.WAITING, Fetch.State.RUNNING), source__paused_at=None)
        due = due.filter(Q(not_before=None) | Q(not_before__lte=at)).select_related("source")
        found = due.order_by("asked_at", "id").select_for_update(skip_locked=True, of=("self",)).first()
        if found is not None:
            found.began_at = found.began_at or at
            Fetch.objects.filter(pk=found.pk).update(state=Fetch.State.RUNNING, not_before=at + LEASE, began_at=found.began_at)
        return found


def _work(fetch: Fetch, now: Now) -> None:
    at = now()
    if not fetch.todo:
        _end(fetch, Fetch.State.DONE, "", at)
        return
    try:
        found, more = _step(fetch, now)
    except Passing as problem:
        wait = timedelta(seconds=problem.retry_after) if problem.retry_after else WAIT
        _running(fetch).update(not_before=at + wait, note=problem.reason[:500])
    except Permanent as problem:
        _end(fetch, Fetch.State.FAILED, problem.reason, at)
    else:
        left = fetch.todo if more else fetch.todo[1:]
        page = fetch.page + 1 if more else 1
        walk = _walk_of(fetch.todo[0])
        note = walking.told(walk=walk)[:500] if walk else ""
        part = walking.share_of(walk=walk) if walk and more else 0.0
        read = {"todo": left, "page": page, "part": part, "found": F("found") + found, "note": note}
        _running(fetch).update(**read, not_before=None, moved_at=now())
        fetch.todo = left
        if not left:
            _end(fetch, Fetch.State.DONE, _noted(fetch), now())
    ring("integrations")


def _walk_of(step: str) -> Walk | None:
    """The walk of a step that takes many pages; None for the others."""
    part, _, which = step.partition(":")
    return Walk.objects.filter(repository=int(which), purpose=Walk.Purpose.FILL).first() if part == "pulls" else None


def _noted(fetch: Fetch) -> str:
    """What was not read as usual."""
    rows = Walk.objects.filter(purpose=Walk.Purpose.FILL, repository__forge=fetch.source.kind, began_at__gte=fetch.asked_at)
    return " ".join(f"{row.repository}: {row.note}" for row in rows.exclude(note="").select_related("repository").order_by("id"))


def _running(fetch: Fetch) -> QuerySet[Fetch]:
    """The row, unless somebody has cancelled it meanwhile."""
    return Fetch.objects.filter(pk=fetch.pk, state=Fetch.State.RUNNING)


@transaction.atomic
def _end(fetch: Fetch, state: str, note: str, at: datetime) -> None:
    if not _running(fetch).update(state=state, note=note[:500], ended_at=at):
        return
    found = Fetch.objects.values_list("found", flat=True).get(pk=fetch.pk)
    append(
        stream=f"source:{fetch.source_id}",
        kind="source.fetch_ended",
        actor="portal",
        fact={"fetch": fetch.pk, "state": state, "found": found, "note": note, "at": at.isoformat()},
        rows=[],
    )


def _step(fetch: Fetch, now: Now) -> Step:
    part, _, which = fetch.todo[0].partition(":")
    if part == "poll":
        return _poll(fetch.source, now), False
    repository = Repository.objects.filter(pk=int(which), in_scope_until=None).first()
    if repository is None:
        return 0, False
    since = fetch.asked_at - timedelta(days=fetch.days or 0)
    return BACK[fetch.source.kind][part](fetch.source, repository, since, fetch.page, now())


def _poll(source: Source, now: Now) -> int:
    """The poll of this kind of source, at once unless the source rests. What it could not read stands at the source."""
    at = now()
    if source.not_before is not None and source.not_before > at:
        raise Passing(source.last_error or "it asked to wait", retry_after=(source.not_before - at).total_seconds())
    done = POLLS[source.kind](source, now, at_once=True)
    source.refresh_from_db()
    if source.failures:
        raise Permanent(source.last_error or "it cannot be read")
    return done


def _pulls(source: Source, repository: Repository, since: datetime, page: int, at: datetime) -> Step:
    walk = walking.current(repository=repository, purpose=Walk.Purpose.FILL) if page > 1 else None
    walk = walk or walking.begin(repository=repository, purpose=Walk.Purpose.FILL, since=since, at=at)
    done = walking.step(walk=walk, source=source, at=at)
    return done.found, done.more


def _deployments(source: Source, repository: Repository, since: datetime, page: int, at: datetime) -> Step:
    client = GitHub(source=source, repository_name=repository.name, at=at)
    rows = client.deployments_page(page=page)
    wanted = [fact for fact in rows if fact.created_at >= since]
    for fact in wanted:
        ask(source=source, repository=repository, subject=f"deployment:{fact.vendor_id}", at=at)
    _all_usable(client)
    return len(wanted), bool(rows) and len(wanted) == len(rows)


def _activity(source: Source, repository: Repository, since: datetime, page: int, at: datetime) -> Step:
    client = GitHub(source=source, repository_name=repository.name, at=at)
    try:
        facts = list(islice(client.activity_since(since=since), MOST))
    except NotFound:  # a forge that keeps no such list
        return 0, False
    pushes = [record.record_activity(repository=repository, fact=fact, at=at) for fact in facts]
    if any(pushes):
        touch(repository=repository, at=at)
    _all_usable(client)
    return len(facts), False


def _all_usable(client: GitHub) -> None:
    """What could be used is recorded; a list of which something could not was not read."""
    if client.unusable:
        raise NotJson(client.unusable[0])


def _rules(source: Source, repository: Repository, since: datetime, page: int, at: datetime) -> Step:
    ask_for_rules(source=source, repository=repository, at=at)
    return 0, False


BACK: dict[str, dict[str, Callable[[Source, Repository, datetime, int, datetime], Step]]] = {
    "github": {"pulls": _pulls, "deployments": _deployments, "activity": _activity, "rules": _rules},
}
"""Kinds of sources that can be filled back, part by part. The others are read as far back as their poll goes."""

"""Deliveries that GitHub could not hand over are asked for again: it never sends them a second time by itself.

https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook: attempts
of the last three days, grouped by GUID, one of each GUID without success. What stands in our inbox came in, whatever GitHub
heard of our answer.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from changes.connectors import outages
from changes.connectors.errors import Invalid, NotFound, Passing, Permanent
from changes.connectors.github.deliveries import OF_THE_APP, Attempt, DeliveryLog, places_of, places_of_organisation
from changes.connectors.keeping import keep
from changes.connectors.models import Delivery, Source
from changes.delivery.models import Repository
from portal.ledger.actions import append

EVERY = timedelta(minutes=5)
WITHIN = timedelta(days=3)
"""GitHub keeps deliveries, and sends them again, no longer than this."""
AT_MOST = 50
"""Deliveries of one run: below GitHub's limit of writes a minute."""
HIDDEN = timedelta(days=1)
"""Before an organisation's hooks are asked for again that the token may not see, or that a person's account does not have."""
TRIES = 3
"""How often one delivery is asked for again; then the poll alone has to make up for it."""
LOOKED_AT = 1000
"""Failed attempts of one run that are looked at, newest first."""


def send_again_due(*, source: Source, at: datetime) -> int:
    """Look, if it is time, and ask for what failed. Returns how many deliveries were asked for.

    A log that we may not read is noted at the source and fails nothing. Raises ``Passing`` when GitHub asks us to wait.
    """
    noted = source.settings.get("redelivery", {})
    if "looked_at" in noted and at - datetime.fromisoformat(noted["looked_at"]) < EVERY:
        return 0
    asked: list[Attempt] = []
    places, problems = _places(source, at)
    try:
        for place in places:
            try:
                _send_again(DeliveryLog(source=source, at=at, place=place), source, at, asked, problems)
            except Permanent as refused:
                problems.append(refused.reason)
    except Passing:
        if asked:
            _note(source, noted, asked, next(iter(problems), ""), at)
        raise
    _note(source, noted, asked, next(iter(problems), ""), at)
    return len(asked)


def _places(source: Source, at: datetime) -> tuple[list[str], list[str]]:
    """(where the logs are, what could not be looked up): the App's; or those of the hooks that lead to this portal, of each
    repository, and of the organisation where a repository has none of its own.
    """
    if source.app_id:
        return [OF_THE_APP], []
    url = f"{settings.BASE_URL}/hooks/{source.name}/"
    names = Repository.objects.filter(forge=source.kind, in_scope_until=None).order_by("id").values_list("name", flat=True)
    places: list[str] = []
    problems: list[str] = []
    owners: dict[str, None] = {}
    for name in names:
        found = _looked_up(partial(places_of, source=source, repository=name, at=at, url=url), problems)
        places += found
        if not found:
            owners[name.partition("/")[0]] = None
    for owner in owners:
        places += _of_organisation(source, owner, at, url, problems)
    return places, problems


def _of_organisation(source: Source, owner: str, at: datetime, url: str, problems: list[str]) -> list[str]:
    """Those of an organisation. One whose hooks the token may not see is asked about again after a day."""
    hidden = source.settings.get("hooks_hidden", {})
    known = hidden.get(owner)
    if known is None or at - datetime.fromisoformat(known["at"]) > HIDDEN:
        try:
            return places_of_organisation(source=source, organisation=owner, at=at, url=url)
        except Permanent as refused:
            known = {"at": at.isoformat(), "problem": "" if isinstance(refused, NotFound) else refused.reason}
            keep(source=source, hooks_hidden={**hidden, owner: known})
    if known["problem"]:
        problems.append(known["problem"])
    return []


def _looked_up(look: Callable[[], list[str]], problems: list[str]) -> list[str]:
    try:
        return look()
    except Permanent as refused:
        problems.append(refused.reason)
        return []


def _send_again(log: DeliveryLog, source: Source, at: datetime, asked: list[Attempt], problems: list[str]) -> None:
    """Add to ``asked`` each attempt as soon as GitHub took it: what comes after may fail. One that it does not send again does
    not keep it from the others."""
    ours = _in_scope(source)
    found = (attempt for attempt in log.failed_since(since=at - WITHIN) if _concerns(attempt, ours))
    failed = [attempt for attempt, _ in zip(found, range(LOOKED_AT), strict=False)]
    for attempt in lost(attempts=failed, held=_held(source, failed))[: AT_MOST - len(asked)]:
        try:
            log.send_again(attempt=attempt.id)
        except (NotFound, Invalid) as refused:
            problems.append(refused.reason)
        else:
            asked.append(attempt)


def _in_scope(source: Source) -> frozenset[int] | None:
    """The vendor's numbers of the repositories in scope; None while one is not known."""
    rows = Repository.objects.filter(forge=source.kind, in_scope_until=None).values_list("vendor_id", flat=True)
    return None if None in rows else frozenset(number for number in rows if number is not None)


def _concerns(attempt: Attempt, ours: frozenset[int] | None) -> bool:
    """Whether it is about a repository in scope, or about none: the hook of an organisation tells of all that it has."""
    return attempt.repository is None or ours is None or attempt.repository in ours


def _held(source: Source, attempts: Iterable[Attempt]) -> frozenset[str]:
    guids = {attempt.guid for attempt in attempts}
    return frozenset(Delivery.objects.filter(source=source, delivery_id__in=guids).values_list("delivery_id", flat=True))


def lost(*, attempts: Iterable[Attempt], held: frozenset[str]) -> list[Attempt]:
    """Of each GUID without success its newest attempt, the oldest first; without what is held and what was tried enough. Pure."""
    groups: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.status != "OK" and attempt.guid not in held:
            groups.setdefault(attempt.guid, []).append(attempt)
    tried = [group for group in groups.values() if sum(attempt.redelivery for attempt in group) < TRIES]
    newest = [max(group, key=lambda attempt: (attempt.delivered_at, attempt.id)) for group in tried]
    return sorted(newest, key=lambda attempt: (attempt.delivered_at, attempt.id))


@transaction.atomic
def _note(source: Source, noted: dict[str, object], asked: list[Attempt], problem: str, at: datetime) -> None:
    before = noted.get("asked", 0)
    kept = {
        **noted,
        "looked_at": at.isoformat(),
        "problem": problem,
        "asked": (before if isinstance(before, int) else 0) + len(asked),
    }
    if asked:
        kept["asked_at"] = at.isoformat()
        append(
            stream=f"source:{source.pk}",
            kind="source.sent_again",
            actor="portal",
            fact={"name": source.name, "deliveries": [attempt.guid for attempt in asked], "at": at.isoformat()},
            rows=[],
        )
        outages.missed(
            source=source,
            what=[f"{attempt.event} {attempt.guid}" for attempt in asked if not attempt.redelivery],
            since=min(attempt.delivered_at for attempt in asked),
            until=at,
            why="GitHub's log shows that they did not arrive; they were asked for again.",
            at=at,
        )
    keep(source=source, redelivery=kept)

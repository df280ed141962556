"""Reads the audit log of organisations at GitHub Enterprise Cloud: what deliveries have not told, and who confirms what they have.

``GET /orgs/{org}/audit-log`` (``read:audit_log``, or an App with organization administration: read). Where there is none, or not
for us, that is said on the page of integrations and asked again after a day: no failure of the source. Entries arrive late and are
known by ``_document_id``, so each reading overlaps the one before. Git's own events (pushes, clones) are left out.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from django.db import transaction
from django.db.models import Q

from changes.connectors.asking import Asked, ask_all
from changes.connectors.errors import Forbidden, NotFound, NotJson, Passing, Permanent
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.github.api import Api
from changes.connectors.github.audit_entries import Meaning, is_before, kept_of, matters, meaning_of
from changes.connectors.github.organisations import ACCESS, has_team
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.settling import touch
from changes.delivery.models import Repository
from changes.delivery.rule_events import record_logged
from changes.inventory.actions import note_events
from changes.inventory.facts import VendorEvent
from changes.inventory.models import VendorEvent as Row

EVERY = timedelta(minutes=5)
HIDDEN = timedelta(days=1)
"""Before a log is asked for again that is not there, or not for us."""
OVERLAP = timedelta(minutes=30)
RETRY = timedelta(hours=1)
"""Before it is asked for again what could not be read: what was there meanwhile is read then."""
FIRST = timedelta(days=1)
"""How far back the first reading goes; never to before a repository was in scope."""
AT_ONCE = 200
log = logging.getLogger(__name__)
Noted = dict[str, dict[str, str]]


def read_due(*, source: Source, at: datetime) -> int:
    """Read the log of each organisation whose time it is. Returns how many entries were new. One that fails hides no other one."""
    noted: Noted = source.settings.get("audit_log", {})
    found = 0
    for owner in _owners():
        known = noted.get(owner, {})
        wait = HIDDEN if known.get("hidden") else RETRY if known.get("problem") else EVERY
        if "at" in known and at - datetime.fromisoformat(known["at"]) < wait:
            continue
        found += _read(source, owner, noted, at)
    return found


def _owners() -> list[str]:
    names = Repository.objects.filter(forge="github", in_scope_until=None).order_by("id").values_list("name", flat=True)
    return list(dict.fromkeys(name.partition("/")[0] for name in names))


def _read(source: Source, owner: str, noted: Noted, at: datetime) -> int:
    known = noted.get(owner, {})
    since = datetime.fromisoformat(known["until"]) - OVERLAP if "until" in known else at - FIRST
    said = {"at": at.isoformat(), **({"until": known["until"]} if "until" in known else {})}
    unusable: list[str] = []
    count = 0
    try:
        for part in _parts(_entries(source, owner, since, at, unusable)):
            count += _take(source, owner, part, at)
        if unusable:  # its place is not moved: they are read again until they can be used
            more = f" (and {len(unusable) - 1} more)" if len(unusable) > 1 else ""
            raise NotJson(f"an entry cannot be used: {unusable[0]}{more}")
        said["until"] = at.isoformat()
    except (Forbidden, NotFound) as refused:
        said |= {"problem": refused.reason, "hidden": "yes"}
    except (Passing, Permanent) as refused:
        said["problem"] = refused.reason
    if "problem" in said:
        log.info("the audit log of %s was not read: %s", owner, said["problem"])
    noted[owner] = said
    keep(source=source, audit_log=noted)
    return count


def _entries(source: Source, owner: str, since: datetime, at: datetime, unusable: list[str]) -> Iterator[VendorEvent]:
    """What matters of the log, newest first, lazily; ends at the first entry before ``since``. Fills ``unusable`` with reasons."""
    path = f"/orgs/{quote(owner, safe='')}/audit-log"
    for entry in Api(source=source, at=at).items(path=path, query={"include": "web", "order": "desc"}):
        if is_before(entry=entry, moment=since):
            return
        try:
            kept = kept_of(entry=entry) if matters(action=str(entry.get("action"))) else None
        except (Unreadable, Incomplete) as wrong:
            unusable.append(str(wrong))
            continue
        if kept is not None:
            yield kept


def _parts(found: Iterator[VendorEvent]) -> Iterator[list[VendorEvent]]:
    """Oldest first, so that a reading that breaks off leaves no gap behind its newest."""
    rows = sorted(found, key=lambda one: (one.at, one.external_id))
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


@transaction.atomic
def _take(source: Source, owner: str, part: list[VendorEvent], at: datetime) -> int:
    new = note_events(source=source.name, events=part, at=at)
    fresh = set(Row.objects.filter(pk__in=new).values_list("external_id", flat=True))
    for kept in part:
        meaning = meaning_of(kept=kept) if kept.external_id in fresh else None
        if meaning is not None:
            _spread(source, owner, meaning, kept, at)
    return len(new)


def _spread(source: Source, owner: str, meaning: Meaning, kept: VendorEvent, at: datetime) -> None:
    """An event for each repository in scope that it concerns, unless a delivery has told it: that one is confirmed then."""
    for row in _concerned(source, owner, meaning, kept):
        if kept.at < row.in_scope_from:
            continue
        record_logged(repository=row, fact=meaning.event, key=f"audit:{kept.external_id}"[:70] + f":{row.pk}", at=at)
        touch(repository=row, at=at)
        rules = [f"rules:{branch}" for branch in (row.main_branch, row.prod_branch)]
        subjects = [ACCESS] if meaning.event.kind == "member" else ["repository:", *rules]
        ask_all(asked=[Asked(source, row, subject, at) for subject in subjects])


def _concerned(source: Source, owner: str, meaning: Meaning, kept: VendorEvent) -> list[Repository]:
    named = Q(name__iexact=meaning.repository) if meaning.repository else Q(name__istartswith=f"{owner}/")
    rows = list(Repository.objects.filter(named, forge="github", in_scope_until=None).order_by("id"))
    return [row for row in rows if not meaning.team or has_team(row=row, slug=meaning.team, source=source, then=kept.at)]

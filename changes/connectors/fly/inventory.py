"""Read what there is at Fly into the inventory: organisations, members, apps, machines, volumes, snapshots, secret names (P-23).

A run asks a few questions, those whose answers are oldest; the next run goes on. Fly allows one request a second for each
kind of question, three at once, and a worker does not sleep.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from changes.connectors.errors import NotFound, NotJson
from changes.connectors.fly import assets
from changes.connectors.fly.client import MEMBERS, ORGANISATIONS, Fly
from changes.connectors.fly.payloads import Incomplete, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.inventory.actions import observe
from changes.inventory.facts import Difference, What
from changes.inventory.policy import NotTaken
from changes.inventory.queries import assets_of, read_last

APPS_EVERY = timedelta(minutes=5)
APP_EVERY = timedelta(minutes=10)
MEMBERS_EVERY = timedelta(hours=1)
SNAPSHOTS_EVERY = timedelta(hours=6)
OF_EACH = 2
"""Apps, volumes and organisations that one run asks about: below Fly's three at once, for releases ask about machines too."""
Read = TypeVar("Read")


def sync_inventory(*, source: Source, at: datetime) -> int:
    """Read what is due at ``at``. Returns how many questions were asked. ``Passing`` ends the run; what was read is kept.

    ``NotJson`` names, after all else was read, what could not be used.
    """
    turn = _Turn(Fly(source=source), source, at)
    turn.each(assets.ORGANISATION, [""], MEMBERS_EVERY, _organisations)
    turn.each(assets.APP, [""], APPS_EVERY, _apps)
    organisations = [row.external_id for row in assets_of(source=source.name, kind=assets.ORGANISATION)]
    turn.each(assets.MEMBER, organisations, MEMBERS_EVERY, _members)
    apps = [row.external_id for row in assets_of(source=source.name, kind=assets.APP)]
    turn.each(assets.SECRET, apps, APP_EVERY, _app)
    volumes = {row.external_id: row.within for row in assets_of(source=source.name, kind=assets.VOLUME)}
    turn.each(assets.SNAPSHOT, list(volumes), SNAPSHOTS_EVERY, lambda *given: _snapshots(*given, app=volumes[given[2]]))
    if problems := turn.problems():
        raise NotJson("; ".join(problems))
    return turn.asked


@dataclass
class _Turn:
    """One run. An answer that cannot be used hides nothing else, now or in the next run, and is said until it can be used."""

    fly: Fly
    source: Source
    at: datetime
    asked: int = 0

    def each(self, kind: str, things: Sequence[str], every: timedelta, read: Callable[[Fly, Source, str, datetime], int]) -> None:
        """Ask about those that are due. One whose answer cannot be used is asked about again when its time is over."""
        before = self._unread(kind)
        unread = {thing: told for thing, told in before.items() if thing in things}
        for thing in _due(self.source, kind, things, every, self.at):
            unread.pop(thing, None)
            try:
                self.asked += read(self.fly, self.source, thing, self.at)
            except (NotJson, NotTaken) as problem:
                why = f"{thing}: {problem}" if thing else str(problem)
                unread[thing] = {"at": self.at.isoformat(), "why": why[:300]}
        if unread != before:
            keep(source=self.source, unread={**self.source.settings.get("unread", {}), kind: unread})

    def problems(self) -> list[str]:
        """What cannot be used, each with its reason."""
        return [told["why"] for kind in sorted(self.source.settings.get("unread", {})) for told in self._unread(kind).values()]

    def _unread(self, kind: str) -> dict[str, dict[str, str]]:
        return dict(self.source.settings.get("unread", {}).get(kind, {}))


def environment_in(source: Source) -> Callable[[str], str]:
    """The environment of an app, as it was said when Fly was connected."""
    listed: dict[str, Any] = source.settings.get("apps", {})
    return lambda app: str(listed.get(app, {}).get("environment", ""))


def _due(source: Source, kind: str, things: Sequence[str], every: timedelta, at: datetime) -> list[str]:
    """Those that were read, or could not be, longest ago, a few; those asked about lately are left for another run."""
    last = read_last(source=source.name, kind=kind)
    for name, told in source.settings.get("unread", {}).get(kind, {}).items():
        tried = datetime.fromisoformat(told["at"])
        last[name] = max(tried, last.get(name, tried))
    late = [thing for thing in things if thing not in last or at - last[thing] >= every]
    return sorted(late, key=lambda thing: (thing in last, last.get(thing, at), thing))[:OF_EACH]


def _organisations(fly: Fly, source: Source, _: str, at: datetime) -> int:
    seen = _read(assets.organisations, fly.look_up(query=ORGANISATIONS, variables={}))
    observe(source=source.name, kinds={assets.ORGANISATION}, seen=seen, at=at)
    return 1


def _apps(fly: Fly, source: Source, _: str, at: datetime) -> int:
    body = fly.look(path="/v1/apps?org_slug=*")
    seen = _read(lambda given: assets.apps(given, environment=environment_in(source)), body)
    clear_after(source=source, found=observe(source=source.name, kinds={assets.APP}, seen=seen, at=at), at=at)
    return 1


def clear_after(*, source: Source, found: Sequence[Difference], at: datetime) -> None:
    """What belonged to an app that is gone is gone with it: Fly does not answer for such an app any more."""
    for one in found:
        if one.kind == assets.APP and one.what == What.GONE:
            volumes = assets_of(source=source.name, kind=assets.VOLUME, within=one.external_id)
            for volume in volumes:
                observe(source=source.name, kinds={assets.SNAPSHOT}, within=volume.external_id, seen=[], at=at)
            for kind in assets.OF_AN_APP:
                observe(source=source.name, kinds={kind}, within=one.external_id, seen=[], at=at)


def _members(fly: Fly, source: Source, slug: str, at: datetime) -> int:
    body = fly.look_up(query=MEMBERS, variables={"slug": slug})
    _, seen = _read(assets.members, body)
    observe(source=source.name, kinds={assets.MEMBER}, within=slug, seen=seen, at=at)
    return 1


def _app(fly: Fly, source: Source, app: str, at: datetime) -> int:
    """Three questions about one app; an app that has gone meanwhile is left to the next reading of all apps."""
    environment, path = environment_in(source), f"/v1/apps/{quote(app, safe='')}"
    readers: dict[str, Callable[..., list[Any]]] = {
        "machines": assets.machines,
        "volumes": assets.volumes,
        "secrets": assets.secrets,
    }
    for (name, reader), kind in zip(readers.items(), assets.OF_AN_APP, strict=True):
        try:
            body = fly.look(path=f"{path}/{name}")
        except NotFound:
            body = []
        seen = _read(lambda given, reader=reader: reader(given, app=app, environment=environment), body)  # type: ignore[misc]  # mypy knows no defaults of lambdas
        observe(source=source.name, kinds={kind}, within=app, seen=seen, at=at)
    return len(readers)


def _snapshots(fly: Fly, source: Source, volume: str, at: datetime, *, app: str) -> int:
    path = f"/v1/apps/{quote(app, safe='')}/volumes/{quote(volume, safe='')}/snapshots"
    try:
        body = fly.look(path=path)
    except NotFound:
        body = []
    environment = environment_in(source)(app)
    seen = _read(lambda given: assets.snapshots(given, volume=volume, environment=environment), body)
    observe(source=source.name, kinds={assets.SNAPSHOT}, within=volume, seen=seen, at=at)
    return 1


def _read(reader: Callable[[Any], Read], body: Any) -> Read:
    try:
        return reader(body)
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Fly's answer cannot be used: {wrong}") from None

"""Read what there is at Fly into the inventory: organisations, members, apps, machines, volumes, snapshots, secret names (P-23).

A run asks a few questions, those whose answers are oldest; the next run goes on. Fly allows one request a second for each
kind of question, three at once, and a worker does not sleep.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from changes.connectors.errors import NotFound, NotJson
from changes.connectors.fly import assets
from changes.connectors.fly.client import MEMBERS, ORGANISATIONS, Fly
from changes.connectors.fly.payloads import Incomplete, Unreadable
from changes.connectors.models import Source
from changes.inventory.actions import observe
from changes.inventory.facts import Difference, What
from changes.inventory.queries import assets_of, read_last

APPS_EVERY = timedelta(minutes=5)
APP_EVERY = timedelta(minutes=10)
MEMBERS_EVERY = timedelta(hours=1)
SNAPSHOTS_EVERY = timedelta(hours=6)
OF_EACH = 2
"""Apps, volumes and organisations that one run asks about: below Fly's three at once, for releases ask about machines too."""
Read = TypeVar("Read")


def sync_inventory(*, source: Source, at: datetime) -> int:
    """Read what is due at ``at``. Returns how many questions were asked. ``Passing`` ends the run; what was read is kept."""
    fly = Fly(source=source)
    asked = _organisations(fly, source, at) + _apps(fly, source, at)
    organisations = [row.external_id for row in assets_of(source=source.name, kind=assets.ORGANISATION)]
    for slug in _due(source, assets.MEMBER, organisations, MEMBERS_EVERY, at):
        asked += _members(fly, source, slug, at)
    apps = [row.external_id for row in assets_of(source=source.name, kind=assets.APP)]
    for app in _due(source, assets.SECRET, apps, APP_EVERY, at):
        asked += _app(fly, source, app, at)
    volumes = {row.external_id: row.within for row in assets_of(source=source.name, kind=assets.VOLUME)}
    for volume in _due(source, assets.SNAPSHOT, list(volumes), SNAPSHOTS_EVERY, at):
        asked += _snapshots(fly, source, volumes[volume], volume, at)
    return asked


def environment_in(source: Source) -> Callable[[str], str]:
    """The environment of an app, as it was said when Fly was connected."""
    listed: dict[str, Any] = source.settings.get("apps", {})
    return lambda app: str(listed.get(app, {}).get("environment", ""))


def _due(source: Source, kind: str, things: Sequence[str], every: timedelta, at: datetime) -> list[str]:
    """Those that were read longest ago, a few; those read lately are left for another run."""
    last = read_last(source=source.name, kind=kind)
    late = [thing for thing in things if thing not in last or at - last[thing] >= every]
    return sorted(late, key=lambda thing: (thing in last, last.get(thing, at), thing))[:OF_EACH]


def _organisations(fly: Fly, source: Source, at: datetime) -> int:
    if not _due(source, assets.ORGANISATION, [""], MEMBERS_EVERY, at):
        return 0
    seen = _read(assets.organisations, fly.look_up(query=ORGANISATIONS, variables={}))
    observe(source=source.name, kinds={assets.ORGANISATION}, seen=seen, at=at)
    return 1


def _apps(fly: Fly, source: Source, at: datetime) -> int:
    if not _due(source, assets.APP, [""], APPS_EVERY, at):
        return 0
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


def _snapshots(fly: Fly, source: Source, app: str, volume: str, at: datetime) -> int:
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

"""Compares what runs at Fly with what Git says at the commit that was deployed (P-07, P-10, P-15).

The inventory says what runs, releases say which commit that is, and the mirror has its files. Nobody is asked over the network.
"""

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from changes.connectors.fly import assets
from changes.connectors.git.mirror import folder_of
from changes.connectors.models import Source
from changes.delivery.git_process import GitError, ask, check_sha, run
from changes.delivery.models import Environment, Release, Repository
from changes.drift import rules
from changes.drift.actions import note_compared, record
from changes.drift.facts import AGAINST_GIT, Found, Place, Rule
from changes.drift.models import Compared, DriftCase, DriftState
from changes.inventory.models import Asset
from changes.inventory.queries import newest_snapshots

SECONDS = 20.0
FILES = 40
"""TOML files of one commit that are looked at, and the most bytes of each."""
LARGEST = 200_000
BESIDE = {Rule.SECRETS: Compared.With.DOPPLER, Rule.PARITY: Compared.With.PRODUCTION}
Machines = Mapping[str, Sequence[Mapping[str, Any]]]


class NotComparable(Exception):
    """There is nothing to compare with. The reason is one sentence that a person can act on."""


@dataclass(frozen=True)
class Wanted:
    """What Git asks for: the file's content, and where it stands."""

    toml: Mapping[str, Any]
    basis: str
    version: str = ""
    """Of the release: machines that still run another one are in the middle of a deploy."""


@dataclass(frozen=True)
class Config:
    """A configuration of Doppler, ``project/config``, with the names of its secrets."""

    path: str
    names: frozenset[str]


def compare_all(*, at: datetime) -> int:
    """Compare everything of every Fly source as of ``at``. Returns how many cases were opened, opened again or closed."""
    return sum(compare_source(source=source, at=at) for source in Source.objects.filter(kind="fly").order_by("id"))


def compare_source(*, source: Source, at: datetime) -> int:
    """The same for one source. An app without a file that can be read is noted with the reason and keeps its cases."""
    machines, apps = _machines(source), list(Asset.objects.filter(source=source.name, kind=assets.APP, gone_at=None))
    looked_at: list[Place] = []
    found: list[Found] = []
    for app in apps:
        try:
            wanted = wanted_for(app=app.name)
        except NotComparable as problem:
            note_compared(source=source.name, subject=app.name, problem=str(problem), at=at)
            continue
        note_compared(source=source.name, subject=app.name, basis=wanted.basis, at=at)
        looked_at += [Place(rule, source.name, app.name, app.environment) for rule in AGAINST_GIT]
        found += rules.against_git(
            source=source.name,
            app=app.name,
            environment=app.environment,
            toml=wanted.toml,
            machines=[one for one in machines.get(app.name, ()) if one.get("release", "") in {"", wanted.version}],
            basis=wanted.basis,
        )
    places, differing = _across(source, apps, machines)
    _note(source, places, apps, at)
    return len(record(looked_at=[*looked_at, *places], found=[*found, *differing], at=at))


def wanted_for(*, app: str) -> Wanted:
    """The file that configures an app, at the commit of its newest successful release. Raises ``NotComparable``."""
    rows = Release.objects.filter(source=Release.Source.FLY, app=app, state=Release.State.SUCCEEDED)
    release = rows.select_related("repository").order_by("-version", "-id").first()
    if release is None:
        raise NotComparable("No successful release of it is known.")
    if release.repository is None:
        raise NotComparable("No repository in scope belongs to it.")
    if not release.commit_sha:
        raise NotComparable(f"Its release {release.version} names no commit.")
    try:
        found = _file_of(app, release.repository, check_sha(release.commit_sha))
        return replace(found, version=str(release.version or ""))
    except GitError as problem:
        raise NotComparable(f"The mirror of {release.repository} cannot say: {problem}"[:280]) from None


def _file_of(app: str, repository: Repository, sha: str) -> Wanted:
    folder = folder_of(repository)
    if not (folder / "HEAD").exists() or ask(["cat-file", "-e", f"{sha}^{{commit}}"], folder=folder, seconds=SECONDS)[0]:
        raise NotComparable(f"The mirror of {repository} does not have commit {sha[:7]}.")
    listed = run(["ls-tree", "-r", "--name-only", "-z", sha], folder=folder, seconds=SECONDS).split("\0")
    broken = []
    for path in [name for name in listed if name.endswith(".toml") and "fly" in Path(name).name][:FILES]:
        try:
            content = run(["cat-file", "blob", f"{sha}:{path}"], folder=folder, seconds=SECONDS)
            toml = tomllib.loads(content) if len(content) <= LARGEST else {}
        except (tomllib.TOMLDecodeError, GitError):
            broken.append(path)
            continue
        if toml.get("app") == app:
            return Wanted(toml, f"{path} at {sha[:7]} of {repository}"[:300])
    also = f" ({', '.join(broken)} cannot be read)" if broken else ""
    raise NotComparable(f"No fly.toml of {repository} at {sha[:7]} names the app{also}."[:280])


def _machines(source: Source) -> Machines:
    """{app: the newest configuration of each of its machines}."""
    rows = Asset.objects.filter(source=source.name, kind=assets.MACHINE, gone_at=None)
    newest = newest_snapshots(assets=rows)
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row.within].append(newest[row.pk].configuration)
    return found


def _across(source: Source, apps: Sequence[Asset], machines: Machines) -> tuple[list[Place], list[Found]]:
    """Pairs of apps of one repository in staging and production, and whether any thing is in two environments."""
    secrets = _secrets(source)
    configs = doppler_configs(source=source, apps=apps)
    places, found = [], []
    for app in apps:
        if (config := configs.get(app.name)) is not None:
            place = Place(Rule.SECRETS, source.name, app.name, app.environment)
            names = secrets.get(app.name, frozenset())
            told = rules.from_doppler(place=place, fly=names, doppler=config.names, config=config.path)
            places.append(place)
            found += [told] if told else []
    for staging, production in _pairs(source, apps):
        places.append(Place(Rule.PARITY, source.name, f"{staging} and {production}"))
        differing = rules.parity(
            source=source.name,
            staging=staging,
            production=production,
            machines=machines,
            secrets=secrets,
        )
        found += [differing] if differing else []
    things = [("organisation", app.within, app.environment) for app in apps if app.within]
    things += [("Doppler configuration", configs[app.name].path, app.environment) for app in apps if app.name in configs]
    apart = rules.separation(source=source.name, things=things)
    mixed = DriftCase.objects.filter(source=source.name, rule=Rule.SEPARATION).exclude(state=DriftState.MATCHES)
    places += [Place(Rule.SEPARATION, source.name, row.subject) for row in mixed] + [one.place for one in apart]
    return places, found + apart


def _note(source: Source, places: Sequence[Place], apps: Sequence[Asset], at: datetime) -> None:
    """Remember what was compared beside something else than Git: what did not drift is proof as well."""
    for place in places:
        if place.rule in BESIDE:
            note_compared(source=source.name, subject=place.subject, beside=BESIDE[place.rule], at=at)
    for app in apps:
        if app.environment:
            note_compared(source=source.name, subject=app.name, beside=Compared.With.ENVIRONMENTS, at=at)


def _secrets(source: Source) -> dict[str, frozenset[str]]:
    """{app: the names of its secrets}."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, app in Asset.objects.filter(source=source.name, kind=assets.SECRET, gone_at=None).values_list("name", "within"):
        found[app].add(name)
    return {app: frozenset(names) for app, names in found.items()}


def doppler_configs(*, source: Source, apps: Sequence[Asset]) -> dict[str, Config]:
    """{app: the Doppler configuration its secrets come from}: as it was said, else the only one that its names allow.

    That is the configuration of the app's environment, in the project that is called like its repository, that Doppler syncs to
    Fly. Doppler does not say which app a sync leads to.
    """
    rows = list(Asset.objects.filter(kind="doppler.config", gone_at=None))
    newest = newest_snapshots(assets=rows)
    known = {row.external_id: Config(row.external_id, _names(newest[row.pk].configuration)) for row in rows}
    syncs = list(Asset.objects.filter(kind="doppler.sync", gone_at=None))
    told = newest_snapshots(assets=syncs)
    synced = {row.within for row in syncs if _leads_to_fly(told[row.pk].configuration)}
    there = [row for row in rows if row.external_id in synced]
    settings: dict[str, Any] = source.settings.get("apps", {})
    found = {}
    for app in apps:
        said = settings.get(app.name, {})
        project = str(said.get("repository", "")).rpartition("/")[2]
        fitting = [row for row in there if (row.within, row.environment) == (project, app.environment)]
        path = str(said.get("secrets", "")) or (fitting[0].external_id if len(fitting) == 1 else "")
        if path in known:
            found[app.name] = known[path]
    return found


def _leads_to_fly(configuration: Mapping[str, Any]) -> bool:
    return "fly" in str(configuration.get("type", "")).lower() and configuration.get("enabled") is not False


def _names(configuration: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(map(str, configuration.get("names", ())))


def _pairs(source: Source, apps: Sequence[Asset]) -> list[tuple[str, str]]:
    """(staging, production) apps of one repository: only where each has exactly one, so that the pair is certain."""
    settings: dict[str, Any] = source.settings.get("apps", {})
    by_repository: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for app in apps:
        if repository := str(settings.get(app.name, {}).get("repository", "")):
            by_repository[repository][app.environment].append(app.name)
    sides = [(each[Environment.STAGING], each[Environment.PRODUCTION]) for each in by_repository.values()]
    return [(staging[0], production[0]) for staging, production in sides if len(staging) == len(production) == 1]

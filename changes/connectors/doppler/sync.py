"""One run over one Doppler workplace (P-13, P-15, P-19): logs first, then its assets and members, a part at each run.

A run asks sixty times at most. What is read one by one (configs, projects) waits its turn: those that a delivery or the activity
log has named first, then those that waited longest. A config's log is read back to the last entry that is known, and only then
its names; the place is kept after each config, so that nothing is left out however a run ends.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from changes.connectors.doppler import logs, payloads
from changes.connectors.doppler.client import Doppler
from changes.connectors.doppler.hints import taken
from changes.connectors.doppler.logs import Diff, Entry
from changes.connectors.doppler.payloads import Config, Project
from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Permanent
from changes.connectors.github.fields import Incomplete, Unreadable
from changes.connectors.keeping import keep, note_rate
from changes.connectors.models import Source
from changes.connectors.turns import in_turn
from changes.entitlements.actions import take
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen

CONFIGS_EVERY = timedelta(minutes=10)
WORKPLACE_EVERY = timedelta(minutes=10)
FIRST = timedelta(days=90)
"""How far back the first reading of a log goes."""
OVERLAP = timedelta(hours=1)
A_CONFIG = 4
"""Requests that a config needs at least: its log, one entry of it, its names, its tokens."""


@dataclass
class Run:
    """One run: who is asked, and what it has found out so far."""

    source: Source
    at: datetime
    doppler: Doppler
    missing: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    new: list[int] = field(default_factory=list)

    @property
    def environments(self) -> Mapping[str, str]:
        """Environments by Doppler's slugs, as the administrator named them."""
        return dict(self.source.settings.get("environments", {}))

    def part(self, permission: str, act: Callable[[], object]) -> bool:
        """Do one part. What is forbidden or cannot be used is noted; anything else ends the run. True when it was done."""
        try:
            act()
        except Forbidden:
            self.missing.add(permission)
            return False
        except (NotFound, NotJson, Invalid) as problem:
            self.problems.append(problem.reason)
            return False
        return True


def sync(*, source: Source, at: datetime) -> int:
    """Read what is due as of ``at``; returns how many entries of the logs are new.

    Raises ``Passing`` when Doppler cannot go on now, and ``Permanent`` naming what could not be read after all else was.
    """
    run = Run(source, at, Doppler(source=source))
    try:
        whole = _is_due(source, at)
        if whole:
            _read_workplace(run)
        moved = set(source.settings.get("hints", {}))
        run.part("the activity log", lambda: moved.update(_read_activity(run)))
        if whole or moved:
            run.part("change requests", lambda: _read_requests(run))
        _read_configs(run, moved)
    finally:
        note_rate(source=source, allowance=run.doppler.allowance, at=at)
    keep(source=source, missing=sorted(run.missing))
    if run.problems:
        raise Permanent("; ".join(run.problems))
    return len(run.new)


def _is_due(source: Source, at: datetime) -> bool:
    last = source.settings.get("workplace_at", "")
    return not last or datetime.fromisoformat(last) <= at - WORKPLACE_EVERY


def _read_workplace(run: Run) -> None:
    """Projects with their environments, configs and members; people; syncs; policies. Complete, or taken again next time."""
    kind, workplace = run.doppler.me()
    keep(source=run.source, token_kind=kind, workplace=workplace)
    projects = run.doppler.projects()
    _observe(run, "project", [Seen(kind="doppler.project", external_id=row.vendor_id, name=row.name) for row in projects])
    people: dict[str, str] = {}
    run.part("people of the workplace", lambda: people.update(_read_people(run, workplace)))
    run.part("integrations", lambda: _read_syncs(run))
    run.part(
        "policies of change requests", lambda: _observe(run, "change_request_policy", map(payloads.policy, run.doppler.policies()))
    )
    waiting = in_turn(
        names={project.name for project in projects}, read=_read_before(run, "projects"), at=run.at, every=WORKPLACE_EVERY
    )
    by_name = {project.name: project for project in projects}
    for name in waiting:
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            return
        if run.part(f"the project {name}", partial(_read_project, run, by_name[name], people)):
            _keep_in(run, "projects", name, run.at.isoformat())
    _forget(run, {project.name for project in projects})
    keep(source=run.source, workplace_at=run.at.isoformat())


def _read_before(run: Run, what: str) -> dict[str, str]:
    return dict(run.source.settings.get(what, {}))


def _keep_in(run: Run, what: str, name: str, value: object) -> None:
    keep(source=run.source, **{what: {**run.source.settings.get(what, {}), name: value}})


def _read_people(run: Run, workplace: str) -> dict[str, str]:
    """Who may do what in the workplace; returns the addresses by id."""
    held = _usable(run, "people", lambda: [payloads.user(row, workplace) for row in run.doppler.users()])
    take(source=run.source.name, things={f"doppler.workplace:{workplace}"}, held=held, at=run.at)
    return {one.account_id: one.account_name for one in held}


def _read_syncs(run: Run) -> None:
    """Syncs as assets; when each was last done moves by itself and stands on the source."""
    found = run.doppler.syncs()
    seen = [
        Seen(
            kind="doppler.sync",
            external_id=row.vendor_id,
            name=f"{row.config} to {row.integration or row.kind}"[:300],
            within=row.config,
            configuration={"type": row.kind, "integration": row.integration, "enabled": row.enabled},
        )
        for row in found
    ]
    _observe(run, "sync", seen)
    told = {
        row.vendor_id: {
            "config": row.config,
            "type": row.kind,
            "enabled": row.enabled,
            "last": row.last_at.isoformat() if row.last_at else "",
        }
        for row in found
    }
    keep(source=run.source, syncs=told)


def _read_project(run: Run, project: Project, people: Mapping[str, str]) -> None:
    """A project's environments, configs and members. Its configs then wait for their turn."""
    environments = [
        Seen(
            kind="doppler.environment",
            external_id=f"{project.name}/{slug}",
            name=f"{project.name} {title}"[:300],
            within=project.name,
            environment=payloads.environment_of(slug, run.environments),
        )
        for slug, title in run.doppler.environments(project=project.name)
    ]
    _observe(run, "environment", environments, within=project.name)
    configs = run.doppler.configs(project=project)
    known = _read_before(run, "configs")
    others = {path: kept for path, kept in known.items() if not path.startswith(f"{project.name}/")}
    mine = {
        row.path: {**_told(known, row.path), "environment": row.environment, "locked": row.locked, "root": row.root}
        for row in configs
    }
    for path in sorted(known.keys() - others.keys() - mine.keys()):
        _observe(run, "service_token", [], within=path)
    keep(source=run.source, configs={**others, **mine})
    _observe_configs(run, project.name)
    members = _usable(
        run,
        "members",
        lambda: [held for row in run.doppler.members(project=project) for held in payloads.member(row, project, people)],
    )
    take(source=run.source.name, things={f"doppler.project:{project.name}"}, held=members, at=run.at)


def _told(known: Mapping[str, object], path: str) -> dict[str, object]:
    kept = known.get(path)
    return dict(kept) if isinstance(kept, dict) else {}


def _observe_configs(run: Run, project: str) -> None:
    """The configs of a project with the names that each had when it was last read: before that, none is known."""
    kept: dict[str, dict[str, object]] = run.source.settings.get("configs", {})
    seen = [
        Seen(
            kind="doppler.config",
            external_id=path,
            name=path,
            within=project,
            environment=payloads.environment_of(str(one["environment"]), run.environments),
            configuration={"names": one.get("names", []), "locked": one["locked"], "root": one["root"]},
        )
        for path, one in kept.items()
        if path.startswith(f"{project}/") and "names" in one
    ]
    _observe(run, "config", seen, within=project)


def _forget(run: Run, present: set[str]) -> None:
    """What was inside a project that is gone is gone too."""
    for name in sorted(_read_before(run, "projects").keys() - present):
        for thing in ("environment", "config"):
            _observe(run, thing, [], within=name)
        take(source=run.source.name, things={f"doppler.project:{name}"}, held=[], at=run.at)
        gone = [path for path in _read_before(run, "configs") if path.startswith(f"{name}/")]
        for path in gone:
            _observe(run, "service_token", [], within=path)
        left = {path: kept for path, kept in _read_before(run, "configs").items() if path not in gone}
        read = {key: at for key, at in _read_before(run, "projects").items() if key != name}
        keep(source=run.source, configs=left, projects=read)


def _observe(run: Run, thing: str, found: Iterable[Seen], *, within: str | None = None) -> None:
    seen = _usable(run, thing.replace("_", " "), lambda: list(found))
    observe(source=run.source.name, kinds={f"doppler.{thing}"}, within=within, seen=seen, at=run.at)


def _usable(run: Run, what: str, read: Callable[[], list[Any]]) -> list[Any]:
    try:
        return read()
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Doppler: the list of {what} cannot be used: {wrong}") from None


def _read_activity(run: Run) -> set[str]:
    """New entries of the workplace's log; returns the configs that they name."""
    newest = run.source.settings.get("activity_newest", "")
    since = datetime.fromisoformat(newest) - OVERLAP if newest else run.at - FIRST
    entries = list(_back_to(run.doppler.activity(), since))
    new = note_events(source=run.source.name, events=[logs.activity_of(row, run.environments) for row in entries], at=run.at)
    run.new += new
    if entries:
        keep(source=run.source, activity_newest=max([*(row.at.isoformat() for row in entries), newest]))
    return {f"{row.project}/{row.config}" for row in entries if row.config and row.at.isoformat() > newest}


def _back_to(pages: Iterator[list[Entry]], since: datetime) -> Iterator[Entry]:
    for page in pages:
        yield from (row for row in page if row.at >= since)
        if page and min(row.at for row in page) < since:
            return


def _read_requests(run: Run) -> None:
    """Doppler's own change requests, once each has been applied: the entry of the log that each became."""
    known: dict[str, str] = run.source.settings.get("requests", {})
    found = {
        row.vendor_id: ",".join(sorted(path for path, _, _ in row.applied))
        for page in run.doppler.change_requests()
        for row in page
    }
    for vendor_id, applied in found.items():
        if applied and known.get(vendor_id) != applied and run.doppler.allowance.goes_on():
            whole = run.doppler.change_request(vendor_id=vendor_id)
            note_events(source=run.source.name, events=logs.applied_of(whole, run.environments), at=run.at)
            _keep_in(run, "requests", vendor_id, applied)


def _read_configs(run: Run, moved: set[str]) -> None:
    """Configs in turn: those that moved first, then those that waited longest."""
    known: dict[str, dict[str, object]] = run.source.settings.get("configs", {})
    read = {path: str(kept.get("at", "")) for path, kept in known.items()}
    hints = dict(run.source.settings.get("hints", {}))
    first = sorted(moved & known.keys())
    later = [path for path in in_turn(names=known.keys(), read=read, at=run.at, every=CONFIGS_EVERY) if path not in moved]
    touched: set[str] = set()
    for path in [*first, *later]:
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            break
        if run.part(f"the config {path}", partial(_read_config, run, path)) and _was_read(run, path):
            touched.add(path.partition("/")[0])
            taken(source=run.source, hints={path: hints[path]} if path in hints else {})
    for project in sorted(touched):
        _observe_configs(run, project)


def _was_read(run: Run, path: str) -> bool:
    return bool(run.source.settings["configs"][path].get("at") == run.at.isoformat())


def _read_config(run: Run, path: str) -> None:
    """The new entries of a config's log with the names that each was about, its names, its tokens.

    A long log is left when the run has asked enough; the next run goes on behind the last entry that was kept.
    """
    kept = dict(run.source.settings["configs"][path])
    project, _, name = path.partition("/")
    config = Config(project=project, name=name, environment=str(kept["environment"]), root=False, locked=False)
    newest = str(kept.get("log", ""))
    since = datetime.fromisoformat(newest) if newest else run.at - FIRST
    entries = sorted(_back_to(run.doppler.entries(config=config), since), key=lambda row: (row.at, row.vendor_id))
    for row in entries:
        if row.vendor_id in kept.get("last", []):
            continue
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            return
        changed = run.doppler.diff(config=config, entry=row.vendor_id)
        event = logs.event_of(row, changed, run.environments, path)
        run.new += note_events(source=run.source.name, events=[event], at=run.at)
        kept["last"] = (
            [*kept.get("last", [])[-9:], row.vendor_id] if str(kept.get("log", "")) == row.at.isoformat() else [row.vendor_id]
        )
        kept["log"] = row.at.isoformat()
        _keep_in(run, "configs", path, kept)
    kept["names"] = list(_names(run.doppler.names(config=config)))
    here = payloads.environment_of(config.environment, run.environments)
    tokens = run.doppler.service_tokens(config=config)
    _observe(run, "service_token", [payloads.service_token(row, path, here) for row in tokens], within=path)
    _keep_in(run, "configs", path, {**kept, "at": run.at.isoformat()})


def _names(found: Diff) -> tuple[str, ...]:
    return found.added

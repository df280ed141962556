"""Doppler's logs and its configs, in turn: what was edited, by whom, which secrets by name (P-13).

A log is read back to an hour before its newest entry, since Doppler's clock may be wrong and an entry may come late; what is known
is recognised by its id. The place is kept after each entry, so that nothing is left out however a run ends.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from changes.connectors.doppler import events, payloads, rights
from changes.connectors.doppler.hints import taken
from changes.connectors.doppler.logs import Diff, Entry
from changes.connectors.doppler.payloads import Config
from changes.connectors.doppler.run import A_CONFIG, EVERY, Run, keep_in
from changes.connectors.doppler.workplace import observe_configs
from changes.connectors.keeping import keep
from changes.connectors.turns import in_turn
from changes.inventory.actions import note_events
from changes.inventory.queries import events_known

FIRST = timedelta(days=90)
"""How far back the first reading of a log goes."""
OVERLAP = timedelta(hours=1)
"""How much of a log is read again: so far may an entry be dated before another that was there first."""


def read_activity(run: Run) -> set[str]:
    """New entries of the workplace's log; returns the configs that they name."""
    newest = run.source.settings.get("activity_newest", "")
    entries = list(_back_to(run.doppler.activity(), _since(run, newest)))
    found = [events.activity_of(row, run.environments) for row in entries]
    known = events_known(source=run.source.name, ids=[event.external_id for event in found])
    run.new += note_events(source=run.source.name, events=found, at=run.at)
    if entries:
        keep(source=run.source, activity_newest=_place(run, [*(row.at for row in entries)], newest))
    fresh = [row for row, event in zip(entries, found, strict=True) if event.external_id not in known]
    return {f"{row.project}/{row.config}" for row in fresh if row.config}


def _since(run: Run, newest: str) -> datetime:
    return datetime.fromisoformat(newest) - OVERLAP if newest else run.at - FIRST


def _place(run: Run, moments: list[datetime], newest: str) -> str:
    """How far a log is read: its newest entry, and never what Doppler dates ahead of now."""
    return min(max([*(at.isoformat() for at in moments), newest]), run.at.isoformat())


def _back_to(pages: Iterator[list[Entry]], since: datetime) -> Iterator[Entry]:
    """Entries since then; ends with the page whose last one is older."""
    for page in pages:
        yield from (row for row in page if row.at >= since)
        if page and page[-1].at < since:
            return


def read_requests(run: Run) -> None:
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
            note_events(source=run.source.name, events=events.applied_of(whole, run.environments), at=run.at)
            keep_in(run, "requests", vendor_id, applied)


def read_configs(run: Run, moved: set[str]) -> None:
    """Configs in turn: those that moved first, then those that waited longest."""
    known: dict[str, dict[str, object]] = run.source.settings.get("configs", {})
    read = {path: str(kept.get("at", "")) for path, kept in known.items()}
    hints = dict(run.source.settings.get("hints", {}))
    first = sorted(moved & known.keys())
    later = [path for path in in_turn(names=known.keys(), read=read, at=run.at, every=EVERY) if path not in moved]
    touched: set[str] = set()
    for path in [*first, *later]:
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            break
        if run.part(f"the config {path}", partial(_read_config, run, path)) and _was_read(run, path):
            touched.add(path.partition("/")[0])
            taken(source=run.source, hints={path: hints[path]} if path in hints else {})
    for project in sorted(touched):
        observe_configs(run, project)


def _was_read(run: Run, path: str) -> bool:
    return bool(run.source.settings["configs"][path].get("at") == run.at.isoformat())


def _read_config(run: Run, path: str) -> None:
    """The new entries of a config's log with the names that each was about, its names, its tokens.

    A long log is left when the run has asked enough; the next run goes on with those that are not known yet.
    """
    kept = dict(run.source.settings["configs"][path])
    project, _, name = path.partition("/")
    config = Config(project=project, name=name, environment=str(kept["environment"]), root=False, locked=False)
    read = list(_back_to(run.doppler.entries(config=config), _since(run, str(kept.get("log", "")))))
    known = events_known(source=run.source.name, ids=[events.entry_id(row) for row in read])
    for row in sorted(read, key=lambda row: (row.at, row.vendor_id)):
        if events.entry_id(row) in known:
            continue
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            return
        changed = run.doppler.diff(config=config, entry=row.vendor_id)
        event = events.event_of(row, changed, run.environments, path)
        run.new += note_events(source=run.source.name, events=[event], at=run.at)
        kept["log"] = _place(run, [row.at], str(kept.get("log", "")))
        keep_in(run, "configs", path, kept)
    kept["names"] = list(_names(run.doppler.names(config=config)))
    here = payloads.environment_of(config.environment, run.environments)
    tokens = run.doppler.service_tokens(config=config)
    run.observe("doppler.service_token", (rights.service_token(row, path, here) for row in tokens), within=path)
    keep_in(run, "configs", path, {**kept, "at": run.at.isoformat()})


def _names(found: Diff) -> tuple[str, ...]:
    return found.added

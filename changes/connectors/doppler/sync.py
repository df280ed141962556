"""One run over one Doppler workplace (P-13, P-15, P-19): what it has, where that is due, then its logs and its configs.

A run asks sixty times at most. What is read one by one (configs, projects) waits its turn: those that a delivery or the activity
log has named first, then those that waited longest.
"""

from datetime import datetime

from changes.connectors.allowance import note_rate
from changes.connectors.doppler.client import Doppler
from changes.connectors.doppler.configs import read_activity, read_configs, read_requests
from changes.connectors.doppler.run import EVERY, Run
from changes.connectors.doppler.workplace import read_workplace
from changes.connectors.errors import Permanent
from changes.connectors.keeping import keep
from changes.connectors.models import Source


def sync(*, source: Source, at: datetime) -> int:
    """Read what is due as of ``at``; returns how many entries of the logs are new.

    Raises ``Passing`` when Doppler cannot go on now, and ``Permanent`` naming what could not be read after all else was.
    """
    run = Run(source, at, Doppler(source=source))
    try:
        whole = _is_due(source, at)
        if whole:
            read_workplace(run)
        moved = set(source.settings.get("hints", {}))
        run.part("the activity log", lambda: moved.update(read_activity(run)))
        if whole or moved:
            run.part("change requests", lambda: read_requests(run))
        read_configs(run, moved)
    finally:
        note_rate(source=source, allowance=run.doppler.allowance, at=at)
    if whole:
        keep(source=source, missing_last=sorted(run.missing))
    keep(source=source, missing=sorted({*run.missing, *source.settings.get("missing_last", [])}))
    run.problems += [f"Doppler: an entry of a log cannot be used: {why}" for why in dict.fromkeys(run.doppler.unusable)]
    if run.problems:
        raise Permanent("; ".join(run.problems))
    return len(run.new)


def _is_due(source: Source, at: datetime) -> bool:
    last = source.settings.get("workplace_at", "")
    return not last or datetime.fromisoformat(last) <= at - EVERY

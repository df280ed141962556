"""What the portal runs by itself: the last 90 days, each week that is over, and each engagement that is open."""

import logging
from datetime import datetime

from audits.controls.queries import WEEK, engagements_to_run, weeks_to_run
from audits.controls.result import Window
from audits.controls.running import USUAL, Purpose, run_controls

log = logging.getLogger(__name__)


def run_daily(*, at: datetime) -> None:
    """The usual period, and the weeks whose health is not known yet."""
    run_controls(window=Window(at - USUAL, at), by=None, at=at, purpose=Purpose.DAILY)
    for monday in weeks_to_run(at=at):
        run_controls(window=Window(monday, monday + WEEK), by=None, at=at, purpose=Purpose.WEEK)


def run_for_engagements(*, at: datetime) -> int:
    """For every open engagement once a day, so that its auditor finds a run of their own. Returns how many were run.

    One that cannot be run keeps the others from nothing.
    """
    done = 0
    for engagement in engagements_to_run(at=at):
        window = Window(engagement.window_from, min(engagement.window_to, at))
        try:
            run_controls(window=window, by=None, at=at, engagement=engagement)
        except Exception:
            log.exception("The controls could not be run for engagement %s.", engagement.pk)
        else:
            done += 1
    return done

"""Runs of the controls that somebody asked for: joins the jobs when it is imported."""

from audits.controls.running import run_asked
from audits.jobs.models import Job
from audits.jobs.working import Turn, runner


@runner(Job.Kind.CONTROLS)
def run_the_controls(turn: Turn) -> None:
    """Look at all of them, and keep the run as a whole."""
    run_asked(turn=turn)

"""Populations that a worker freezes: joins the jobs when it is imported."""

from audits.jobs.models import Job
from audits.jobs.working import Turn, runner
from audits.populations.actions import freeze_asked


@runner(Job.Kind.POPULATION)
def freeze_population(turn: Turn) -> None:
    """Read, and keep as a whole."""
    freeze_asked(turn=turn)

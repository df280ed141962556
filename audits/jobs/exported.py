"""Jobs of a person among everything that they asked for."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from audits.jobs.models import Job
from audits.jobs.queries import jobs_of
from portal.access.models import User
from portal.home import exports
from portal.ui.remaining import left_of


@exports.provider
def exported_jobs(user: User, at: datetime) -> Iterator[exports.Export]:
    """The newest."""
    for job in jobs_of(user)[: exports.MOST]:
        given_up = job.state == Job.State.WAITING and hasattr(job, "cancel")
        running = job.state == Job.State.WAITING and not given_up
        yield exports.Export(
            what=job.title,
            asked_at=job.asked_at,
            state=Job.State.CANCELLED.label if given_up else job.get_state_display(),
            tone={Job.State.DONE: "ok", Job.State.FAILED: "bad"}.get(Job.State(job.state), "neutral"),
            running=running,
            href=job.result,
            step=job.step or "Waiting for a worker",
            done=job.done,
            total=job.total,
            left=left_of(job, at=at),
            ended_at=job.ended_at,
            trouble=job.trouble,
            cancel=reverse("cancel-job", args=[job.pk]) if running else "",
        )

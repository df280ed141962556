"""What the ledger says about jobs, told to who asked."""

from collections.abc import Iterable

from audits.jobs.models import Job
from changes.talk.news import News, Rows, teller
from portal.ledger.queries import Entry

WORDS = {"job.done": "Done", "job.failed": "Not done"}


@teller(*WORDS)
def job_news(entry: Entry, rows: Rows) -> Iterable[News]:
    """With the way to what came of it."""
    pk = entry.stream.removeprefix("job:")
    job = Job.objects.filter(pk=int(pk)).first() if pk.isdecimal() else None
    if job is not None:
        title = f"{WORDS[entry.kind]}: {job.title}"
        yield News("audit", title, job.result or "/exports/", {job.asked_by_id: "You asked for it."})

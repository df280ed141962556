"""A job that does not run is red: on the page, in the register while it lasts, and afterwards with its interval."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.completeness.heartbeat import Missing, missing, watch_jobs
from changes.exceptions.intervals import begin
from changes.exceptions.models import ExceptionRecord
from portal.runtime import tasks
from portal.runtime.models import Lease
from portal.runtime.punctual import Job, late_jobs
from portal.runtime.tasks import note_finished
from portal.schedule import SCHEDULE
from tests.changes.people import person, sign_in

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def minutes(count):
    return NOON + timedelta(minutes=count)


def job(lease, *, late=None, gap=None):
    return Job(lease, "task", timedelta(seconds=60), None, late, gap)


@pytest.mark.parametrize(
    ("jobs", "found"),
    [
        ([job("settle"), job("heartbeat")], []),
        ([job("settle", late=NOON), job("heartbeat")], [Missing("settle", NOON, None)]),
        ([job("tell", late=NOON)], []),
        ([job("settle", late=minutes(91)), job("seal", gap=(NOON, minutes(9)))], []),
        ([job("settle", late=NOON), job("heartbeat", late=NOON)], [Missing("heartbeat", NOON, None)]),
        (
            [job("settle", gap=(minutes(-1), minutes(61))), job("heartbeat", gap=(NOON, minutes(60)))],
            [Missing("heartbeat", NOON, minutes(60))],
        ),
        (
            [job("settle", gap=(minutes(-90), minutes(61))), job("heartbeat", gap=(NOON, minutes(15)))],
            [Missing("heartbeat", NOON, minutes(15)), Missing("settle", minutes(-90), minutes(61))],
        ),
        (
            [job("settle", late=minutes(70)), job("heartbeat", gap=(NOON, minutes(60)))],
            [Missing("heartbeat", NOON, minutes(60)), Missing("settle", minutes(70), None)],
        ),
    ],
    ids=[
        "all well",
        "one is missing",
        "one that hides nothing",
        "short",
        "nothing runs",
        "nothing ran",
        "longer than all",
        "after all",
    ],
)
def test_what_is_missing_is_said_once(jobs, found):
    assert missing(jobs, at=minutes(100)) == found


@pytest.fixture
def forgetful(monkeypatch):
    """A process that has noted no end yet."""
    monkeypatch.setattr(tasks, "_NOTED", {})


@pytest.mark.django_db
def test_an_end_is_noted_with_one_statement_and_the_next_ones_with_none(forgetful, time_machine, django_assert_num_queries):
    entry = next(entry for entry in SCHEDULE if entry.lease == "mirror-repositories")
    row = Lease.objects.create(name=entry.lease, next_at=NOON, finished=NOON, known_at=NOON)
    done = type("Task", (), {"name": entry.task})
    time_machine.move_to(minutes(30), tick=False)

    with django_assert_num_queries(1):
        for _ in range(3):
            note_finished(sender=done)

    row.refresh_from_db()
    assert (row.finished, row.gap_from, row.gap_until) == (minutes(30), NOON, minutes(30))
    tasks._NOTED.clear()
    time_machine.move_to(minutes(31), tick=False)
    note_finished(sender=done)
    row.refresh_from_db()
    assert (row.finished, row.gap_from, row.gap_until) == (minutes(31), NOON, minutes(30)), "a gap stays until the next one"


@pytest.mark.django_db
def test_a_job_that_is_made_not_to_run_is_red_until_it_runs_again(client, time_machine, forgetful):
    for entry in SCHEDULE:
        Lease.objects.create(name=entry.lease, next_at=NOON, finished=NOON, known_at=NOON)
    task = next(entry.task for entry in SCHEDULE if entry.lease == "mirror-repositories")
    assert watch_jobs(at=NOON) == 0

    Lease.objects.exclude(name="mirror-repositories").update(finished=minutes(10))
    assert [one.lease for one in late_jobs(at=minutes(10))] == ["mirror-repositories"]
    assert (watch_jobs(at=minutes(10)), watch_jobs(at=minutes(10))) == (1, 0)
    record = ExceptionRecord.objects.get()
    assert (record.kind, record.subject, record.state, record.happened_at) == ("job_missed", "mirror-repositories", "open", NOON)
    time_machine.move_to(minutes(10), tick=False)
    sign_in(client, person("Rex", "administrator"))
    for address in ("/completeness/", "/integrations/"):
        assert "mirror-repositories" in client.get(address).content.decode(), address

    time_machine.move_to(minutes(11), tick=False)
    note_finished(sender=type("Task", (), {"name": task}))
    Lease.objects.exclude(name="mirror-repositories").update(finished=minutes(11))
    with CaptureQueriesContext(connection) as queries:
        assert watch_jobs(at=minutes(12)) == 0
    assert sum('"changes_exceptionrecord"."key"' in query["sql"] and "SELECT" in query["sql"][:6] for query in queries) < 5
    record.refresh_from_db()
    assert (record.state, record.evidence["until"]) == ("repaired", minutes(11).isoformat())
    assert late_jobs(at=minutes(12)) == []
    assert ExceptionRecord.objects.count() == 1

    left = "a-job-of-before"
    begin(kind="job_missed", prefix=f"job:{left}", subject=left, sentence="It did not run.", since=NOON, at=minutes(10))
    assert watch_jobs(at=minutes(13)) == 0
    gone = ExceptionRecord.objects.get(subject=left)
    assert (gone.state, gone.evidence["until"]) == ("repaired", minutes(13).isoformat())

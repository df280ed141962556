"""The scheduler against a real PostgreSQL: woken by notices, firing the schedule, surviving what goes away."""

import threading
import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils.timezone import now
from psycopg.conninfo import make_conninfo

from portal.runtime import leases, standstill
from portal.runtime.models import Lease
from portal.runtime.punctual import late_jobs
from portal.runtime.scheduler import DEBOUNCE, Scheduler, main
from portal.schedule import DELIVER_OUTBOX, DRAIN_INBOX, SCHEDULE, SEAL, WAKE, Entry
from tests.pace import ALONE, SHARED
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scheduler' AND datname = current_database()"
NEVER = (Entry("never.runs", 86400, "never"),)


class Heard:
    """Stands for the sender: keeps what was asked for, and when."""

    def __init__(self):
        self.calls = []

    def send(self, *, task, expires=60, causes=()):
        self.calls.append((task, time.monotonic(), expires, list(causes)))

    def count(self, task):
        return sum(call[0] == task for call in self.calls)


@pytest.fixture
def database():
    settings = connection.settings_dict
    return make_conninfo(dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"], port=settings["PORT"] or None)


@pytest.fixture
def begin(database):
    running = []

    def start(schedule=NEVER):
        heard, said = Heard(), []
        scheduler = Scheduler(database=database, sender=heard, say=said.append, schedule=schedule)
        thread = threading.Thread(target=scheduler.run, daemon=True)
        thread.start()
        running.append((scheduler, thread))
        wait_for(lambda: heard.count(DRAIN_INBOX) and heard.count(DELIVER_OUTBOX), what="the scheduler")
        return heard, said

    yield start
    for scheduler, _ in running:
        scheduler.stop()
    for _, thread in running:
        thread.join(timeout=10 * SHARED)


def notify(database, channel, word=""):
    with psycopg.connect(database, autocommit=True) as line:
        line.execute("SELECT pg_notify(%s, %s)", [channel, word])


@pytest.mark.parametrize(("channel", "task"), WAKE.items())
def test_a_notice_wakes_the_workers_at_once(begin, database, channel, task):
    heard, _ = begin()
    time.sleep(2 * DEBOUNCE)
    before = heard.count(task)

    at = time.monotonic()
    notify(database, channel, "REQ7")

    wait_for(lambda: heard.count(task) == before + 1, seconds=5, what="the wake-up")
    assert heard.calls[-1][1] - at < (0.5 if ALONE else 5)
    assert heard.calls[-1][3] == ([] if channel == "ledger" else ["REQ7"])


def test_many_notices_at_once_are_few_wake_ups_and_the_last_one_counts(begin, database):
    heard, _ = begin()
    before = heard.count(DRAIN_INBOX)

    def calls():
        return [call for call in heard.calls if call[0] == DRAIN_INBOX][before:]

    with psycopg.connect(database, autocommit=True) as line:
        began = time.monotonic()
        for number in range(200):
            line.execute("SELECT pg_notify('inbox', %s)", [str(number)])
        last = time.monotonic()
    wait_for(lambda: calls() and calls()[-1][1] >= last - DEBOUNCE, seconds=5, what="the wake-up for the last notice")
    time.sleep(2 * DEBOUNCE)

    lasted = time.monotonic() - began
    assert len(calls()) <= lasted / DEBOUNCE + 2


def test_whatever_was_announced_while_nobody_listened_is_made_up_for(begin):
    heard, _ = begin()

    assert (heard.count(DRAIN_INBOX), heard.count(DELIVER_OUTBOX)) == (1, 1)


def test_it_connects_again_after_the_database_went_away(begin, database):
    heard, said = begin()
    with connection.cursor() as cursor:
        cursor.execute(CUT)

    wait_for(lambda: heard.count(DRAIN_INBOX) == 2, seconds=10, what="the second connection")
    time.sleep(2 * DEBOUNCE)
    notify(database, "inbox")

    wait_for(lambda: heard.count(DRAIN_INBOX) == 3, seconds=5, what="the wake-up")
    assert len(said) == 1
    assert said[0].startswith("database away")


def test_a_due_job_runs_once_although_three_schedulers_run(begin):
    schedule = (Entry("each.second", 1, "second"), Entry("once.a.day", 86400, "day"))

    began = time.monotonic()
    heard = [begin(schedule)[0] for _ in range(3)]
    time.sleep(3.5)
    wait_for(lambda: sum(each.count("each.second") for each in heard) >= 2, what="the second time")

    often = sum(each.count("each.second") for each in heard)
    assert sum(each.count("once.a.day") for each in heard) == 1
    assert often <= time.monotonic() - began + 1


def test_a_job_that_was_missed_for_long_runs_once_and_not_for_each_time(database):
    Lease.objects.create(name="second", next_at="2026-01-01T00:00:00Z")
    schedule = (Entry("each.second", 60, "second"),)

    with psycopg.connect(database, autocommit=True) as line:
        taken = [leases.take_due(connection=line, schedule=schedule) for _ in range(3)]

    assert taken == [[schedule[0]], [], []]
    assert Lease.objects.get(name="second").run_at is not None


def test_a_lease_that_somebody_made_known_stays_as_it_is(database):
    with psycopg.connect(database, autocommit=True) as line:
        leases.make_known(connection=line, schedule=NEVER)
        leases.take_due(connection=line, schedule=NEVER)
        before = Lease.objects.get(name="never").next_at
        leases.make_known(connection=line, schedule=NEVER)

    assert Lease.objects.get(name="never").next_at == before


def test_a_periodic_job_expires_before_two_more_have_piled_up(begin):
    heard, _ = begin((Entry("each.minute", 60, "minute"), Entry("each.second", 1, "second")))

    wait_for(lambda: heard.count("each.minute"), what="the job")
    assert {call[0]: call[2] for call in heard.calls if call[0].startswith("each")} == {"each.minute": 120, "each.second": 10}


def test_every_lease_and_every_task_is_named_once():
    assert [count for count in Counter(entry.lease for entry in SCHEDULE).values() if count > 1] == []
    assert [count for count in Counter(entry.task for entry in SCHEDULE).values() if count > 1] == []


def test_without_database_or_broker_it_says_so(capsys):
    assert main(env={"DATABASE_URL": "postgresql:///x"}) == 1

    assert capsys.readouterr().err == "BROKER_URL not set. ./bin/up sets them.\n"


def test_while_a_year_is_told_jobs_that_follow_a_clock_rest_and_are_not_late(begin, database):
    schedule = (Entry("changes.connectors.tasks.settle", 1, "settle"), Entry("portal.ledger.tasks.seal", 1, "seal"))
    with psycopg.connect(database, autocommit=True) as line:
        leases.make_known(connection=line, schedule=schedule)
        standstill.hold()
        Lease.objects.filter(name__in=["settle", "seal"]).update(next_at=Now() - timedelta(seconds=1))

        held = [entry.lease for entry in leases.take_due(connection=line, schedule=schedule)]
        still = leases.stands_still(connection=line)
        standstill.let_go()
        then = [entry.lease for entry in leases.take_due(connection=line, schedule=schedule)]

        assert (held, still, then) == (["seal"], True, ["settle"])
        assert not leases.stands_still(connection=line)
    assert Lease.objects.get(name="settle").finished is not None
    assert {job.lease for job in late_jobs(at=now())} == set()


def test_while_a_year_is_told_deliveries_wait_for_its_own_workers(begin, database):
    heard, _ = begin()
    time.sleep(2 * DEBOUNCE)
    before = heard.count(DRAIN_INBOX)
    standstill.hold()

    notify(database, "inbox")
    notify(database, "ledger")

    wait_for(lambda: heard.count(SEAL) == 2, seconds=5, what="the seal")
    assert heard.count(DRAIN_INBOX) == before

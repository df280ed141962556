"""A real streaming replica of the tests' server: what is read there, how new it is, and what happens when it is away."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse
from django.urls import reverse

from audits.engagements import wall
from changes.delivery.models import Repository
from changes.proposals.models import Change
from portal import replica, replica_pages
from portal.environment import Misconfigured
from portal.environment import replica as entry_of
from portal.home.background import replica_keeps_up
from portal.home.measures import replica as gauges
from portal.runtime import leftovers, zygote
from portal.runtime.doctor import replica as doctor
from portal.runtime.doctor.finding import Level
from portal.runtime.models import Lease
from portal.runtime.places import Places
from portal.runtime.postgres import DatabaseTrouble, Postgres, locate
from portal.runtime.programs import find
from tests.audits.engagements.attacks import ATTACKS
from tests.audits.engagements.opened import admitted
from tests.pace import SHARED
from tests.server import PREFIX, fast_folder

pytestmark = pytest.mark.django_db(transaction=True)
BEHIND = 120.0
"""Seconds."""
TRIES = 5


class Standby:
    """A copy of the server of this run, replaying what that writes."""

    def __init__(self, *, of: Postgres, folder):
        self.of, self.home, self.socket, self.process = of, folder / "standby", folder / "socket", None
        self.slot = f"standby_{os.getpid()}"
        self.socket.mkdir(mode=0o700)
        self.server = Postgres(home=self.home, socket=self.socket, programs=of.programs, account=None)
        self.who = {"user": of.account.uid, "group": of.account.gid, "extra_groups": []} if of.account else {}

    def copy(self):
        access = self.of.home / "pg_hba.conf"
        access.write_text("local replication all peer map=countersign\n" + access.read_text())
        self.of.ask(text="SELECT pg_reload_conf()", database="postgres")
        # Tests beside this one make and drop databases: a folder that goes while it is read ends a copy.
        for left in reversed(range(TRIES)):
            done = self.copied()
            if not done.returncode:
                break
            self.forget()
            shutil.rmtree(self.home, ignore_errors=True)
            assert left, f"no copy of the server in {TRIES} tries; the last one said: {done.stderr.decode(errors='replace')}"
        for path in (self.home, self.socket, *self.home.rglob("*")) if self.of.account else ():
            os.chown(path, self.of.account.uid, self.of.account.gid)

    def copied(self):
        argv = [find() / "pg_basebackup", "-h", self.of.socket, "-U", "postgres", "-D", self.home, "-c", "fast", "-R"]
        # With a slot the first server keeps what the copy has not had: other processes of the run write much while it is stopped.
        kept = ["--create-slot", f"--slot={self.slot}"]
        # A page that is being written is read half, and mended from the log: its checksum says nothing yet.
        quick = ["--no-sync", "--no-manifest", "--no-verify-checksums"]
        return subprocess.run([*argv, *kept, *quick], check=False, capture_output=True, timeout=120 * SHARED)

    def start(self):
        leftovers.clear(home=self.home, socket=self.socket)
        own = ["-c", f"unix_socket_directories={self.socket}", "-c", "wal_retrieve_retry_interval=100ms"]
        argv = [self.of.programs / "postgres", "-D", self.home, *own]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **self.who)
        self.server.wait(alive=self.lives)

    def lives(self):
        return self.process.poll() is None

    def stop(self):
        if self.process and self.lives():
            self.process.send_signal(signal.SIGINT)  # at once: the portal is still connected
            self.process.wait(timeout=20 * SHARED)

    def forget(self):
        """The first server need not keep anything for it any more; it may take a moment to see that nobody reads."""
        drop = f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{self.slot}'"
        for left in reversed(range(100)):
            try:
                self.of.ask(text=drop, database="postgres")
                return
            except DatabaseTrouble:
                if not left:
                    raise
                time.sleep(0.1)

    def ask(self, text):
        return self.server.ask(text=text, database="postgres")

    @contextmanager
    def stands_still(self):
        """It replays nothing inside."""
        self.ask("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def standby(django_db_setup):
    ours = fast_folder() / f"{PREFIX}{os.getppid() if 'PYTEST_XDIST_WORKER' in os.environ else os.getpid()}"
    if not ours.exists():
        pytest.skip("another server than this run's own: its access rules are not ours to change")
    folder = fast_folder() / f"{PREFIX}{os.getpid()}-replica"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o711)
    each = Standby(of=locate(places=Places(ours)), folder=folder)
    try:
        each.copy()
        each.start()
        yield each
    finally:
        each.stop()
        each.forget()
        shutil.rmtree(folder, ignore_errors=True)


def ensure_connection(self):
    """As Django's, without its question whether the test named this database before it was there."""
    if self.connection is None:
        with self.wrap_database_errors:
            self.connect()


@pytest.fixture
def copied(standby, monkeypatch, transactional_db, settings):
    """The portal knows of the replica, and has measured nothing yet.

    The replica replays what all processes of this run write: beside tests that make databases it is some seconds behind.
    """
    settings.REPLICA_BEHIND = BEHIND
    monkeypatch.setattr(replica, "PATIENCE", BEHIND)
    if not standby.lives():
        standby.start()
    here = {**connection.settings_dict, "HOST": str(standby.socket)}
    here["OPTIONS"] = {**here["OPTIONS"], "connect_timeout": 2}
    monkeypatch.setitem(connections.settings, replica.ALIAS, here)
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure_connection)
    replica.WATCH.forget()
    yield standby
    connections[replica.ALIAS].close()
    del connections[replica.ALIAS]
    replica.WATCH.forget()


def caught_up():
    """Wait until the replica has everything; fails where it never does."""
    place, until = replica.place_now(), time.monotonic() + BEHIND

    def has_it():
        return replica.asked(connections[replica.ALIAS], replica.BEHIND)[1] >= place

    while not has_it():
        assert time.monotonic() < until, "the replica does not catch up"
        time.sleep(0.05)
    replica.WATCH.forget()


def made(name):
    return Lease.objects.create(name=name, next_at=datetime.now(UTC))


def is_copy():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return cursor.fetchone()[0]


def test_a_reading_is_served_by_the_replica_as_new_as_it_says_and_one_writes_in_the_middle_of_it(copied):
    before = datetime.now(UTC)
    made("first")
    caught_up()

    with replica.reading() as copy:
        assert is_copy()
        assert Lease.objects.filter(name="first").exists()
        assert before - timedelta(seconds=5) <= copy.as_of <= datetime.now(UTC)
        assert replica.WATCH.standing(anew=True).trouble == "", "the first server is asked, also from inside"
        with replica.writing():
            assert not is_copy()
            made("second")
            with replica.writing():
                assert not is_copy()
        assert is_copy()
        with pytest.raises(DatabaseError, match="read-only transaction"):
            made("third")
        with replica.reading() as inner:
            assert inner is copy
    assert not is_copy()
    assert set(Lease.objects.values_list("name", flat=True)) >= {"first", "second"}
    with transaction.atomic(), replica.reading() as copy:
        assert copy is None, "a transaction sees its own writes only where it made them"
    assert replica_keeps_up()
    assert [finding.level for finding in doctor.replica()] == [Level.GOOD]
    assert next(gauges(datetime.now(UTC))).samples[0][1] == 1.0


def test_nobody_reads_older_than_what_they_wrote_and_what_is_too_old_is_not_read_at_all(copied, settings, rf):
    made("kept")
    caught_up()
    with copied.stands_still():
        answer = replica_pages.remember_writing(lambda request: HttpResponse(str(made("own"))))(rf.post("/"))
        request = rf.get("/")
        request.COOKIES = {name: morsel.value for name, morsel in answer.cookies.items()}

        assert replica_pages.written_in(request) > 0
        assert answer.cookies[replica_pages.COOKIE]["httponly"]
        with replica.reading(since=replica_pages.written_in(request)) as copy:
            assert copy is None
            assert Lease.objects.filter(name="own").exists()
        with replica.reading() as copy:
            assert copy is not None, "somebody else may read what is a moment old, and is told of when"
            assert not Lease.objects.filter(name="own").exists()
        with replica.reading_at_length(attempt=2) as copy:
            assert copy is None, "a second attempt reads the first server"
        settings.REPLICA_BEHIND = 0.0
        time.sleep(replica.HOLDS)
        with replica.reading() as copy:
            assert copy is None
        assert not replica_keeps_up()
        assert "s behind" in next(doctor.replica()).text
    settings.REPLICA_BEHIND = BEHIND
    replica.WATCH.forget()
    with replica.reading_at_length(attempt=1) as copy:
        assert copy is not None
        assert Lease.objects.filter(name="own").exists(), "a worker waits until the replica has what stood when it began"
    assert replica_pages.remember_writing(lambda request: HttpResponse())(rf.get("/")).cookies == {}
    for wrong in ("", "x", "-1", "9" * 40):
        request.COOKIES = {replica_pages.COOKIE: wrong}
        assert replica_pages.written_in(request) == 0


def test_the_wall_round_auditors_stands_on_the_replica_too(copied, rf):
    made("seen")
    caught_up()

    def page(request):
        with wall.read_only(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), current_user, current_setting('transaction_read_only')")
            stands = cursor.fetchone()
            assert Change.objects.count() == 0
            for attempt in ("INSERT INTO portal_lease (name) VALUES ('x')", "SELECT 1; COMMIT; SET ROLE postgres"):
                with pytest.raises(wall.NotARead):
                    cursor.execute(attempt)
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                cursor.execute("SELECT token_encrypted FROM changes_source")
        return HttpResponse(repr(stands))

    answer = replica_pages.read_from_copy(rf.get("/"), page)

    assert answer.content.decode() == "(True, 'countersign_auditor', 'on')"
    assert answer.headers[replica_pages.HEADER].endswith("GMT")
    pieces = wall.InPieces([lambda: str(is_copy()).encode()])
    pieces.behind_wall = True
    assert b"".join(pieces) == b"True"


def test_without_its_replica_the_portal_reads_the_first_server_and_says_so(copied, rf, caplog):
    made("kept")
    caught_up()
    replica.WATCH.standing(anew=True)

    def page(request):
        if replica.WATCH.standing().trouble == "":
            copied.stop()
        return HttpResponse(str(Lease.objects.filter(name="kept").exists()))

    def guarded(request):
        try:
            return page(request)
        except OperationalError:
            return HttpResponse(status=500)

    answer = replica_pages.read_from_copy(rf.get("/"), guarded)

    assert (answer.status_code, answer.content) == (200, b"True"), "read once more, from the first server"
    assert replica_pages.HEADER not in answer.headers
    assert replica.read_with(lambda copy: copy) is None
    assert not replica_keeps_up()
    [found] = doctor.replica()
    assert found.level is Level.BAD
    assert "it failed in the middle of a reading" in found.text
    replica.WATCH.forget()
    began = time.monotonic()
    assert "it does not answer" in next(doctor.replica()).text
    assert time.monotonic() - began < 3 * SHARED
    assert next(gauges(datetime.now(UTC))).samples[0][1] == 0.0


def test_a_replica_that_goes_away_while_it_is_measured_inside_of_a_reading_holds_nobody_up(copied):
    caught_up()
    with replica.reading() as copy:
        assert is_copy()
        copied.stop()
        assert replica.WATCH.standing(anew=True).trouble != ""
        assert copy.lost
    assert not is_copy()


def test_a_replica_that_was_away_catches_up_though_the_first_server_has_cleared_its_log_meanwhile(copied):
    caught_up()
    connections[replica.ALIAS].close()
    copied.stop()
    for number in range(3):
        made(f"meanwhile {number}")
        copied.of.ask(text="SELECT pg_switch_wal()", database="postgres")
        copied.of.ask(text="CHECKPOINT", database="postgres")
    copied.start()
    caught_up()
    with replica.reading() as copy:
        assert copy is not None
        assert Lease.objects.filter(name="meanwhile 2").exists()


def test_a_first_server_is_no_replica_and_without_an_address_there_is_none(settings, monkeypatch, transactional_db):
    assert (replica.offered(), list(doctor.replica()), list(gauges(datetime.now(UTC)))) == (False, [], [])
    with replica.reading() as copy, replica.reading_at_length(attempt=1) as again, replica.writing():
        assert (copy, again) == (None, None)
    monkeypatch.setitem(connections.settings, replica.ALIAS, {**connection.settings_dict})
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure_connection)
    replica.WATCH.forget()
    try:
        assert "no replica" in replica.WATCH.standing().trouble
    finally:
        connections[replica.ALIAS].close()
        del connections[replica.ALIAS]
        replica.WATCH.forget()
    monkeypatch.setenv("COUNTERSIGN_POOL", "4")
    made_of = entry_of("postgresql://countersign_app@copy/countersign", testing=False)
    assert made_of["OPTIONS"]["pool"] == {"min_size": 0, "max_size": 4, "timeout": 2}
    assert made_of["OPTIONS"]["connect_timeout"] == 2
    monkeypatch.setenv("DATABASE_URL", "postgresql://countersign_app@first/countersign")
    monkeypatch.setenv("DATABASE_REPLICA_URL", "postgresql://countersign_app@copy/countersign")
    forked = {"default": {}, "replica": {}}
    monkeypatch.setattr(connections, "settings", forked)
    zygote._connect_as_named()
    assert [(each["HOST"], each["OPTIONS"]["pool"]["max_size"]) for each in forked.values()] == [("first", 4), ("copy", 4)]
    with pytest.raises(Misconfigured, match="DATABASE_REPLICA_URL cannot be read"):
        entry_of("no address", testing=True)


def test_an_auditors_page_comes_from_the_replica_and_says_as_of_when(copied, client):
    auditor, _ = admitted()
    client.force_login(auditor)
    caught_up()

    page = client.get(reverse("changes"))

    assert page.status_code == 200
    assert "Read from a copy of the records as of" in page.content.decode()
    assert replica_pages.HEADER in page.headers
    with copied.stands_still():
        made("more")
        client.post(reverse("theme"), {"theme": "dark"})
        own = client.get(reverse("changes"))
    assert (own.status_code, replica_pages.HEADER in own.headers) == (200, False), "who sent something reads the first server"
    assert "Read from a copy" not in own.content.decode()


@pytest.mark.urls("tests.audits.engagements.attacks")
def test_no_attack_of_an_auditors_page_leaves_a_row_on_the_replica_either(copied, client):
    Repository.objects.create(name="acme/web", in_scope_from=datetime(2020, 1, 1, tzinfo=UTC))
    auditor, _ = admitted()
    client.force_login(auditor)
    caught_up()

    for name in ATTACKS:
        answer = client.get(f"/attack/{name}/")
        assert (answer.content, replica_pages.HEADER in answer.headers) == (b"tried", True), name
    assert set(Repository.objects.values_list("name", flat=True)) == {"acme/web"}

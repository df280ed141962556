"""One whole portal, started from nothing as a person starts it: what holds while it runs. Every test leaves it as it is."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from tests.pace import SHARED
from tests.stack import Stack, wait_for

pytestmark = pytest.mark.stack
PROGRAMS = ["postgres", "valkey", "web", "worker", "scheduler"]
IDLE_MEGABYTES = 350


def listening(pids):
    """Addresses on which these processes take connections from a network, as (family file, local address)."""
    inodes = {os.readlink(path).removeprefix("socket:[")[:-1] for pid in pids for path in sockets_of(pid)}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                found.add((table, words[1]))
    return found


def sockets_of(pid):
    try:
        paths = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return
    for path in paths:
        try:
            if os.readlink(path).startswith("socket:["):
                yield path
        except OSError:
            continue


def memory(pid):
    """Proportional set size in kilobytes: shared pages are counted once over all."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def test_everything_runs_and_a_heartbeat_goes_through_scheduler_broker_and_worker(running_stack):
    states = {name: each["state"] for name, each in running_stack.status()["programs"].items()}

    assert states == dict.fromkeys(PROGRAMS, "running")
    wait_for(running_stack.places.heartbeat.exists, seconds=40, what="the heartbeat")


def test_programs_share_what_one_process_has_loaded(running_stack):
    parents = {
        Path(f"/proc/{running_stack.pid(name)}/stat").read_text().rsplit(")", 1)[1].split()[1]
        for name in ("web", "worker", "scheduler")
    }

    assert len(parents) == 1
    assert b"portal.runtime.zygote" in Path(f"/proc/{parents.pop()}/cmdline").read_bytes()


def test_the_network_sees_one_port_on_loopback_and_nothing_else(running_stack):
    local = f"0100007F:{running_stack.port:04X}"

    assert listening(running_stack.processes()) == {("tcp", local)}


def test_secrets_are_ours_alone_and_the_owners_address_reaches_no_program(running_stack):
    places = running_stack.places
    # The public half of the ledger's key, made by the sealer a little later, is for everybody.
    secret = [path for path in places.secrets.iterdir() if path.suffix != ".pub"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [places.secrets, places.environment, *secret]}
    environments = {name: Path(f"/proc/{running_stack.pid(name)}/environ").read_bytes() for name in ("web", "worker", "scheduler")}

    assert set(modes.values()) == {0o700, 0o600}
    assert [name for name, env in environments.items() if b"DATABASE_OWNER_URL" in env] == []


def test_idle_memory_stays_in_its_budget(running_stack):
    # A new portal does each periodic job at once; it idles when every one of them has been done.
    with psycopg.connect(running_stack.surroundings()["DATABASE_URL"], autocommit=True) as line:
        done = "SELECT bool_and(finished IS NOT NULL) FROM portal_lease"
        wait_for(lambda: line.execute(done).fetchone() == (True,), seconds=90, what="the first run of every periodic job")

    used = {pid: memory(pid) // 1024 for pid in running_stack.processes()}

    assert sum(used.values()) <= IDLE_MEGABYTES, used


def test_the_doctor_finds_nothing_bad_in_a_fresh_portal(running_stack):
    done = running_stack.manage("doctor", check=False)

    assert [line for line in done.stdout.splitlines() if line.startswith(" BAD")] == []
    assert done.returncode == 0, done.stdout + done.stderr


def test_commands_typed_by_hand_meet_the_running_database(running_stack):
    done = running_stack.manage("shell", "-v", "0", "-c", "from portal.models import Lease; print(Lease.objects.count() > 5)")

    assert done.stdout.strip() == "True"


def test_a_second_start_in_the_same_folder_or_on_the_same_port_is_refused_in_words(running_stack):
    def said(**options):
        other = Stack(fresh=True, **options).begin()
        code = other.process.wait(timeout=30 * SHARED)
        text = other.said()
        if other.folder:
            other.clear()
        return code, text

    same_folder = said(data=running_stack.data)
    same_port = said(port=running_stack.port)

    assert (same_folder[0], same_port[0]) == (1, 1)
    assert f"{running_stack.data} is in use already (process {running_stack.process.pid}," in same_folder[1]
    assert f"port {running_stack.port} is not free" in same_port[1]
    assert f"--port {running_stack.port + 1}" in same_port[1]

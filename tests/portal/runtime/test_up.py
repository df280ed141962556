"""Starts and ends of the whole stack, as a person starts and ends it, and as it is killed."""

import os
import signal
import socket
import subprocess
import sys

import psycopg
import pytest

from portal.runtime.places import ROOT
from tests.pace import SHARED
from tests.stack import Stack, clean_environment, is_alive, template, wait_for

pytestmark = pytest.mark.stack
PROGRAMS = ["postgres", "valkey", "web", "worker", "scheduler"]
WARM_SECONDS = 8.0


def test_whole_stacks_are_tested_one_after_the_other(request):
    """The runner once stopped keeping them together without a word."""
    assert "PYTEST_XDIST_WORKER" not in os.environ or request.node.nodeid.endswith("@stack")


def test_nothing_is_left_when_it_is_asked_to_end_and_the_next_start_is_quick_and_finds_what_was_there(stack):
    """Ctrl-C, a service manager, a closed terminal."""
    running = stack()
    database, key = running.surroundings()["DATABASE_OWNER_URL"], (running.places.secrets / "secret_key").read_text()
    with psycopg.connect(database) as line:
        line.execute("CREATE TABLE left_behind AS SELECT 1 AS id")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if running.process.poll() is not None:
            running.start()
        with psycopg.connect(database) as line:
            assert line.execute("SELECT count(*) FROM left_behind").fetchone() == (1,)
        assert (running.places.secrets / "secret_key").read_text() == key
        assert len(running.processes()) >= len(PROGRAMS)

        assert running.stop(number) == 0

        assert running.processes() == set()
        assert "Stopped." in running.said()
    # On a machine that does other work too, at least what a start saves that is not the first must show.
    assert running.ready_after <= max(WARM_SECONDS, template().started_in / 2)


@pytest.mark.chaos
def test_whatever_is_killed_comes_back_and_without_the_supervisor_nothing_is_left(stack):
    running = stack()
    for name in ["scheduler", "worker", "web", "valkey", "postgres"]:
        old = running.kill(name)
        running.wait_for_new(name, old=old, seconds=15)

    wait_for(lambda: running.get("/account/login/") == 200, seconds=30, what="the sign-in page")
    before = running.places.heartbeat.stat().st_mtime if running.places.heartbeat.exists() else 0
    wait_for(
        lambda: running.places.heartbeat.exists() and running.places.heartbeat.stat().st_mtime > before,
        seconds=60,
        what="a heartbeat",
    )

    running.process.kill()
    running.process.wait()

    wait_for(lambda: running.processes() == set(), seconds=10, what="the end of all processes")
    again = Stack(data=running.data, port=running.port).start()
    assert again.stop() == 0
    assert again.processes() == set()


def test_servers_named_from_outside_are_used_and_none_is_started(stack):
    """Stands for real ones: the database of another stack on this machine, and its broker."""
    outside = stack().surroundings()
    named = {name: outside[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL")}

    running = stack(env=named, fresh=True)

    assert sorted(running.status()["programs"]) == ["scheduler", "web", "worker"]
    assert not (running.data / "postgres").exists()
    assert running.surroundings()["DATABASE_URL"] == outside["DATABASE_URL"]


def test_a_folder_of_the_demo_is_never_emptied_and_the_other_way_round(folder):
    data = folder / "data"
    data.mkdir()
    (data / "mode").write_text("demo")

    refused = Stack(data=data, empty=True).begin()

    assert refused.process.wait(timeout=30 * SHARED) == 1
    assert "holds the demo company" in refused.said()
    assert "--empty needs a folder of its own" in refused.said()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--port", "0"], "is not a port"), (["--port", "http"], "is not a port"), (["--fast"], "unrecognized")],
)
def test_a_wrong_option_is_said_in_words(arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", "portal.runtime.up", *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert words in done.stderr


def test_a_port_that_only_listens_elsewhere_is_noticed_too(folder):
    with socket.socket() as door:
        door.bind(("0.0.0.0", 0))
        door.listen()
        refused = Stack(data=folder / "data", port=door.getsockname()[1]).begin()

        assert refused.process.wait(timeout=30 * SHARED) == 1
        assert "is not free" in refused.said()
    assert is_alive(os.getpid())

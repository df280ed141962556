"""The zygote: programs forked from it are as good as fresh ones, and whatever it cannot do is said by None."""

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal import telemetry
from portal.runtime import up
from portal.runtime import zygote as zygote_program
from portal.runtime.forked import Zygote
from portal.runtime.places import ROOT
from tests.run import NOWHERE
from tests.stack import clean_environment, is_alive, wait_for

PROGRAM = [sys.executable, "-m", "tests.portal.runtime.forked_program"]
OTHER = "postgresql://somebody@/elsewhere?host=/nonexistent"


@pytest.fixture
def zygote(folder):
    made = Zygote(env=clean_environment(**NOWHERE, ZYGOTE_MARK="mine"), log=folder, cwd=ROOT)
    yield made
    made.stop()


@pytest.fixture
def loaded(zygote):
    zygote.start()
    wait_for(lambda: zygote.is_ready() or not zygote.is_alive, what="the zygote")
    assert zygote.is_alive
    return zygote


def fork(zygote, folder, *words, argv=None):
    """The program and what it said."""
    out = folder / f"out-{'-'.join(words)}"
    with out.open("wb") as log:
        env = clean_environment(**{**NOWHERE, "DATABASE_URL": OTHER, "MARK": "its own"})
        forked = zygote.fork(argv=argv or [*PROGRAM, *words], env=env, log=log, orphaned=signal.SIGTERM)
    return forked, out


def test_a_forked_program_is_as_good_as_a_fresh_one(loaded, folder):
    seven, out = fork(loaded, folder, "7", "and more")
    waiting, other = fork(loaded, folder, "wait")
    words, said = fork(loaded, folder, "words")

    assert wait_for(lambda: seven.poll(), what="the end") == 7
    assert wait_for(lambda: words.poll(), what="the end") == 1
    assert said.read_text().endswith("said in words\n")
    seen = json.loads(out.read_text())
    assert seen["arguments"] == ["7", "and more"]
    assert (seen["mark"], seen["zygote"], seen["user"], seen["session"], seen["input"]) == ("its own", None, "somebody", True, "")
    # Standard files, and the folder that is being listed: neither the socket nor the eyes on its siblings.
    assert [json.loads(wait_for(file.read_text, what="words"))["files"] for file in (out, other)] == [["0", "1", "2", "3"]] * 2

    assert waiting.poll() is None
    assert Path(f"/proc/{waiting.pid}/comm").read_text() == "forked_program\n"
    waiting.send_signal(signal.SIGKILL)
    assert wait_for(lambda: waiting.poll(), what="its end") == -signal.SIGKILL
    assert waiting.poll() == -signal.SIGKILL
    waiting.send_signal(signal.SIGTERM)


def test_programs_end_with_a_killed_zygote_and_the_next_one_is_not_forked_until_it_is_back(loaded, folder):
    child, out = fork(loaded, folder, "wait")
    parent = json.loads(wait_for(out.read_text, what="words"))["parent"]

    os.kill(parent, signal.SIGKILL)

    wait_for(lambda: not is_alive(child.pid), what="the end of the program")
    assert wait_for(lambda: child.poll(), what="its end") == -signal.SIGKILL
    assert fork(loaded, folder, "0")[0] is None
    wait_for(loaded.is_ready, what="the next zygote")
    again, _ = fork(loaded, folder, "3")
    assert wait_for(lambda: again.poll(), what="the end") == 3


def test_a_silent_zygote_is_ended_so_that_nothing_runs_twice(loaded, folder, monkeypatch):
    monkeypatch.setattr("portal.runtime.forked.ANSWER_SECONDS", 0.2)
    child, out = fork(loaded, folder, "wait")
    os.kill(json.loads(wait_for(out.read_text, what="words"))["parent"], signal.SIGSTOP)

    assert fork(loaded, folder, "0")[0] is None

    wait_for(lambda: not is_alive(child.pid), what="the end of its programs")
    assert not loaded.is_alive


def test_only_modules_are_forked(loaded, folder):
    assert fork(loaded, folder, argv=[sys.executable, "manage.py", "standins"])[0] is None
    assert fork(loaded, folder, argv=["sleep", "600"])[0] is None


def test_one_that_cannot_load_is_done_without(folder):
    broken = Zygote(env={**clean_environment(**NOWHERE), "COUNTERSIGN_SECRET_KEY": ""}, log=folder, cwd=ROOT)
    broken.start()
    wait_for(lambda: not broken.is_alive, what="its end")

    assert not broken.is_ready()
    assert fork(broken, folder, "0")[0] is None
    broken.stop()
    assert "COUNTERSIGN_SECRET_KEY" in (folder / "zygote.log").read_text()


def test_where_it_cannot_work_it_is_not_started(zygote, folder, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    zygote.start()

    assert (zygote.is_alive, fork(zygote, folder, "0")[0]) == (False, None)


@pytest.mark.parametrize("name", [telemetry.SENTRY, telemetry.OTEL])
def test_where_errors_or_traces_are_sent_each_program_loads_by_itself_under_its_own_name(name, monkeypatch, folder):
    started = []
    zygote = SimpleNamespace(start=lambda: started.append("start"), is_alive=False)
    monkeypatch.setattr(up, "Zygote", lambda **given: zygote)
    supervisor = SimpleNamespace(zygote=None)
    given = {"supervisor": supervisor, "plan": SimpleNamespace(places=SimpleNamespace(log=folder)), "shared": {}}
    for each in up.TOLD_OUTSIDE:
        monkeypatch.delenv(each, raising=False)

    with monkeypatch.context() as told:
        told.setenv(name, "https://x.example")
        up._load_once(**given)
        assert (supervisor.zygote, started) == (None, [])
    up._load_once(**given)
    assert (supervisor.zygote, started) == (zygote, ["start"])


SMAPS = """\
55d0c0000000-55d0c0001000 r-xp 00001000 fe:00 4711                       /usr/bin/python3.11
Size:                  4 kB
Pss_Anon:              0 kB
Anonymous:             0 kB
55d0c0001000-55d0c0002000 r--p 00002000 fe:00 4711                       /usr/bin/python3.11
Size:                  4 kB
Anonymous:             4 kB
55d0c0002000-55d0c0003000 rw-p 00003000 fe:00 4711                       /usr/bin/python3.11
Anonymous:             0 kB
55d0c0003000-55d0c0004000 r--p 00000000 00:00 0
Anonymous:             0 kB
"""


def test_only_pages_that_hold_a_file_as_it_is_are_given_back():
    # Written addresses of a library (second), what may be written (third) and what is in no file (last) stay.
    assert zygote_program._only_read(SMAPS) == [(0x55D0C0000000, 0x55D0C0001000)]


def test_a_loaded_zygote_holds_next_to_nothing_of_the_files_it_read(loaded):
    held = Path(f"/proc/{loaded._process.pid}/smaps_rollup").read_text()

    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in held.splitlines() if line.endswith("kB")}
    assert kilobytes["Pss_File"] < 4_000 < kilobytes["Pss_Anon"]

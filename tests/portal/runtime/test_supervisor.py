"""The supervisor with small programs. It blocks signals, so each test runs one in a process of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest

from portal.runtime.places import ROOT
from tests.pace import SHARED
from tests.stack import is_alive, wait_for

HEAD = """
import os, signal, subprocess, sys, time
from pathlib import Path
from portal.runtime import supervisor as module
from portal.runtime.places import Places, lay_out
from portal.runtime.program import Program
from portal.runtime.supervisor import Failed, Stopped, Supervisor
places = Places(Path(sys.argv[1]))
lay_out(places=places)
def say(text): print(text, flush=True)
def program(name, script, **more):
    return Program(name=name, argv=["sh", "-c", script], env=dict(os.environ), **more)
s = Supervisor(places=places, say=say, cwd=Path("/"))
"""
TAIL = """
try:
    s.watch()
except Stopped:
    pass
finally:
    s.stop()
    print("stopped", flush=True)
"""


class Run:
    def __init__(self, *, folder, script):
        self.folder = folder
        self.data = folder / "data"
        self.out = folder / "out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HEAD + script + TAIL, str(self.data)],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self):
        return self.out.read_text()

    def status(self):
        return json.loads((self.data / "run" / "status.json").read_text())

    def program(self, name):
        try:
            return self.status()["programs"][name]
        except (FileNotFoundError, KeyError):
            return {"pid": None, "state": None, "starts": 0}

    def running(self, name):
        return wait_for(lambda: self.program(name)["pid"], what=f"{name}\n{self.said()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30 * SHARED)


@pytest.fixture
def run(folder):
    runs = []

    def start(script):
        runs.append(Run(folder=folder, script=script))
        return runs[-1]

    yield start
    for each in runs:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_a_program_that_was_killed_is_started_again(run):
    running = run('s.start(program=program("one", "sleep 600"))')
    old = running.running("one")

    os.kill(old, signal.SIGKILL)

    new = wait_for(
        lambda: running.program("one")["pid"] not in (None, old) and running.program("one")["pid"], seconds=5, what="a new life"
    )
    assert is_alive(new)
    assert running.program("one")["starts"] == 2
    assert running.stop() == 0
    assert not is_alive(new)


def test_a_program_that_keeps_dying_is_paused_and_said_loudly(run):
    running = run(
        """
module.pause = lambda short_lives: 0.05 if short_lives < 8 else 30.0
s.start(program=program("bad", "echo broken pipe dream; exit 3"))
"""
    )

    wait_for(lambda: "!! bad ended 9 times in a row" in running.said(), seconds=15, what="the loud word")

    assert "broken pipe dream" in running.said()
    assert running.program("bad") | {"since": None} == {"pid": None, "state": "paused", "starts": 9, "since": None}
    assert running.stop() == 0


def test_one_that_cannot_be_started_does_not_disturb_the_others(run):
    running = run(
        """
def fails(): raise OSError("no such luck")
s.start(program=program("never", "true", prepare=fails))
s.start(program=program("fine", "sleep 600"))
"""
    )

    assert is_alive(running.running("fine"))
    assert "never: no such luck" in running.said()
    assert running.program("never")["state"] == "waiting"


def test_one_that_falls_silent_is_ended_and_started_again(run):
    running = run(
        """
module.PROBE_SECONDS = 0.1
s.start(program=program("mute", "sleep 600", answers=lambda: False, grace=0.3))
"""
    )
    old = running.running("mute")

    wait_for(lambda: running.program("mute")["pid"] not in (None, old), seconds=10, what="a new life")

    assert "mute has not answered 3 times" in running.said()
    assert not is_alive(old)


def test_a_stubborn_program_and_its_children_are_killed_at_the_end(run, folder):
    script = f"trap '' TERM; sleep 600 & echo $! > {folder}/child; while :; do wait; done"
    running = run(f's.start(program=program("stubborn", """{script}""", patience=0.5))')
    pids = [
        running.running("stubborn"),
        int(wait_for(lambda: (folder / "child").exists() and (folder / "child").read_text().strip(), what="the child")),
    ]

    assert running.stop() == 0

    assert [pid for pid in pids if is_alive(pid)] == []


def test_the_foundation_ends_after_what_stands_on_it(run, folder):
    wait = "while :; do sleep 0.05; done"
    base = f"trap 'echo base >> {folder}/order; exit' TERM; touch {folder}/base; {wait}"
    top = f"trap 'sleep 0.3; echo top >> {folder}/order; exit' TERM; touch {folder}/top; {wait}"
    running = run(
        f"""
s.start(program=program("base", "{base}", foundation=True))
s.start(program=program("top", "{top}"))
"""
    )
    wait_for(lambda: (folder / "base").exists() and (folder / "top").exists(), what=f"both\n{running.said()}")

    assert running.stop() == 0

    assert (folder / "order").read_text().split() == ["top", "base"]


def test_a_second_request_to_end_hurries(run, folder):
    script = f"trap 'touch {folder}/told' TERM; touch {folder}/ready; while :; do sleep 0.05; done"
    running = run(f"""s.start(program=program("slow", "{script}", patience=60.0))""")
    wait_for((folder / "ready").exists, what=f"slow\n{running.said()}")

    running.process.send_signal(signal.SIGINT)
    wait_for((folder / "told").exists, what="the request")
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(timeout=5 * SHARED) == 0


def test_a_task_that_fails_says_the_end_of_its_log(run):
    running = run(
        """
task = s.task(name="sum", argv=["sh", "-c", "echo two and two is five; exit 4"], env=dict(os.environ))
try:
    s.finish(name="sum", process=task)
except Failed as problem:
    say(f"FAILED {problem}")
"""
    )

    wait_for(lambda: "FAILED sum failed (exit code 4)" in running.said(), what="the failure")
    assert "two and two is five" in running.said()


def test_a_task_that_runs_ends_with_us(run):
    running = run(
        """s.task(name="long", argv=["sleep", "600"], env=dict(os.environ)); s.start(program=program("one", "sleep 600"))"""
    )
    running.running("one")

    assert running.stop() == 0
    assert "stopped" in running.said()


def test_nothing_is_left_when_the_supervisor_itself_is_killed(run):
    running = run(
        """
s.start(program=program("one", "exec sleep 600"))
s.start(program=program("two", "exec sleep 600", orphaned=signal.SIGTERM))
"""
    )
    pids = [running.running("one"), running.running("two")]

    running.process.kill()
    running.process.wait()

    wait_for(lambda: not any(is_alive(pid) for pid in pids), seconds=5, what="the end of both")

"""A whole running portal for a test: started by the supervisor in a folder of its own, on a free port, gone afterwards."""

import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from portal.runtime import leftovers, surroundings
from portal.runtime.places import ROOT, Places
from tests.pace import SHARED

READY = "Ready after"
START_SECONDS = 150.0
HIDDEN = Path(__file__).parent / "hidden"


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def clean_environment(**more):
    """Our own environment without what a running test or a developer's shell says about Countersign."""
    named = {"DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "CALLED_FROM"}
    prefixes = ("COUNTERSIGN_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if name not in named and not name.startswith(prefixes)}
    return {**kept, **more}


def temporary_folder():
    """A folder that the database's own user can pass when we are root; pytest's are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-stack-"))
    folder.chmod(0o711)
    return folder


def wait_for(condition, *, seconds=30.0, every=0.05, what="the condition"):
    """The first true value of `condition()`, asked every so many seconds; fails after `seconds`."""
    deadline = time.monotonic() + seconds * SHARED
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(every)
    return value


_FIRST = threading.Lock()
_TEMPLATES = []


@dataclass(frozen=True)
class Template:
    """What a first start left: a copy of it starts in a quarter of the time and work."""

    data: Path
    started_in: float
    """Seconds from nothing to the sign-in page."""


def template():
    """The template of this process, made by an empty portal that is started and stopped, unless there is one."""
    with _FIRST:
        if not _TEMPLATES:
            first = Stack(fresh=True).start()
            wait_for(first.places.heartbeat.exists, seconds=40, what="the heartbeat")
            become_template(first)
        return _TEMPLATES[0]


def become_template(first):
    """End this stack, which was started from nothing, and keep its folder for copies if there is no template yet."""
    assert first.stop() == 0, first.said()
    if not _TEMPLATES:
        atexit.register(shutil.rmtree, first.folder, ignore_errors=True)
        first.folder = None
        for place in (first.places.run, first.places.log):
            shutil.rmtree(place)
        _TEMPLATES.append(Template(first.data, first.ready_after))
    first.clear()


class Stack:
    """One portal. `start` returns when the sign-in page answers.

    Without ``data`` it gets a folder of its own: a copy of one that was started before, or, ``fresh``, nothing at all.
    """

    def __init__(self, *, empty=True, port=None, data=None, env=None, fresh=False):
        self.port = port or free_port()
        self.folder = temporary_folder() if data is None else None
        self.data = Path(data) if data else self.folder / "data"
        if self.folder and empty and not fresh:
            subprocess.run(["cp", "-a", str(template().data), str(self.data)], check=True)
        self.empty = empty
        self.env = clean_environment(**(env or {}))
        self.process = None
        self.ready_after = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def places(self):
        return Places(self.data)

    def begin(self):
        """Start without waiting."""
        self.folder_log = self.data.parent / f"up-{self.port}.out"
        arguments = ["--port", str(self.port), "--data", str(self.data), *(["--empty"] if self.empty else [])]
        with self.folder_log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.runtime.up", *arguments],
                cwd=ROOT,
                env={**self.env, "PYTHONPATH": str(HIDDEN)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def start(self, *, seconds=START_SECONDS):
        began = time.monotonic()
        self.begin()
        wait_for(lambda: READY in self.said() or self.process.poll() is not None, seconds=seconds, what="the sign-in page")
        assert self.process.poll() is None, self.said()
        self.ready_after = time.monotonic() - began
        return self

    def said(self):
        return self.folder_log.read_text(errors="replace")

    def log(self, name):
        return (self.places.log / f"{name}.log").read_text(errors="replace")

    def status(self):
        return json.loads(self.places.status.read_text())

    def pid(self, name):
        return self.status()["programs"][name]["pid"]

    def kill(self, name, number=signal.SIGKILL):
        """Send a signal to one program; returns the number of the process."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_for_new(self, name, *, old, seconds=30.0):
        """The number of the process that took the place of `old`."""
        return wait_for(lambda: self.pid(name) not in (old, None) and self.pid(name), seconds=seconds, what=f"a new {name}")

    def get(self, path, *, seconds=10.0):
        """Status of a GET, None when nobody answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds * SHARED)
        with contextlib.closing(line), contextlib.suppress(OSError, http.client.HTTPException):
            line.request("GET", path)
            return line.getresponse().status
        return None

    def surroundings(self):
        """What the stack's own processes have in their environment (DATABASE_URL, BROKER_URL, keys …)."""
        return surroundings.read(places=self.places)

    def manage(self, *arguments, seconds=120.0, check=True):
        """Run `manage.py` against this stack."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.env, "COUNTERSIGN_DATA": str(self.data)},
            capture_output=True,
            text=True,
            timeout=seconds * SHARED,
            check=check,
        )

    def processes(self):
        """Numbers of everything alive that belongs to this stack, whoever its parent is."""
        mark = str(self.data).encode()
        found = set(leftovers.running(home=self.data / "postgres"))
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if mark in (entry / "cmdline").read_bytes() or b"COUNTERSIGN_DATA=" + mark in (entry / "environ").read_bytes():
                        found.add(int(entry.name))
        return {pid for pid in found if is_alive(pid)}

    def stop(self, number=signal.SIGINT, *, seconds=60.0):
        """Ask the supervisor to end; its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=seconds * SHARED)

    def clear(self):
        """End whatever is left and remove the folder."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(seconds=40.0)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

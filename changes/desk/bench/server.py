"""The web process under measure: the product's own command line, with the settings of the benchmark."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from portal.runtime import leash, stack
from portal.runtime.places import ROOT, Places
from portal.runtime.stack import Plan

SETTINGS = "changes.desk.bench.settings"
PATIENCE = 60.0


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextlib.contextmanager
def serving(*, database: str, data: Path) -> Iterator[int]:
    """Runs uvicorn as ./bin/up does, connected as the application's role; gives the port."""
    port = free_port()
    plan = Plan(places=Places(data), port=port, demo=False, postgres=None, valkey=None)
    shared = {
        **_kept(os.environ),
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "COUNTERSIGN_BASE_URL": plan.address,
    }
    program = stack.applications(plan=plan, shared=shared)[0]
    with (data / "log" / "web.log").open("wb") as log:
        process = leash.spawn(argv=program.argv, env=program.env, log=log, orphaned=signal.SIGKILL, cwd=ROOT)
    try:
        _wait(port, process, data)
        yield port
    finally:
        process.terminate()
        process.wait()


def _kept(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("COUNTERSIGN_") or name == "BROKER_URL"}


def _wait(port: int, process: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while stack.page_answers(port=port, path="/healthz") != 200:
        if process.poll() is not None or time.monotonic() > deadline:
            said = (data / "log" / "web.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the web process does not answer:\n{said}")
        time.sleep(0.1)


def python(*arguments: str) -> list[str]:
    """A command of our own interpreter."""
    return [sys.executable, *arguments]

"""W11 to W13 on a whole portal as ./bin/up starts it: seconds to the sign-in page, idle memory, first visit, live streams."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils.crypto import get_random_string

from changes.desk.bench import client, reader
from changes.desk.bench.figures import Line
from changes.desk.bench.server import free_port
from portal import environment
from portal.access.models import User
from portal.runtime import surroundings
from portal.runtime.places import ROOT, Places

COLD, WARM, IDLE, VISIT, STREAMS = 120.0, 8.0, 350.0, 120.0, 25.0
MANY_STREAMS, OF_ONE_SESSION = 300, 30
READY = "Ready after"
SETTLE_SECONDS = 20.0
STREAMS_SECONDS = 15.0
ALIAS = "whole"


@dataclass
class Portal:
    """One portal started by ./bin/up's own program in a folder of its own."""

    data: Path
    port: int
    process: subprocess.Popen[bytes]
    seconds: float


def measure(*, folder: Path, at: datetime, cold: bool) -> Iterator[Line]:
    """Start it twice, look at it idle, visit it, and open three hundred streams."""
    if cold:
        seconds = _cold_start(folder)
        yield Line("W11 cold start with downloads", f"{seconds:.1f} s", "", seconds, "s", COLD)
    with _running(folder / "whole") as first:
        yield Line("W11 first start, packages there", f"{first.seconds:.1f} s", "", first.seconds, "s", COLD)
    with _running(folder / "whole") as portal:
        yield Line("W11 warm start", f"{portal.seconds:.1f} s", "", portal.seconds, "s", WARM)
        time.sleep(SETTLE_SECONDS)
        pss, rss, parts = _memory(portal)
        yield Line("W12 idle memory (PSS)", f"{pss:.0f} MB PSS, {rss:.0f} MB RSS: {parts}", "", pss, "MB", IDLE)
        cookies = _sign_in(portal, at)
        size, words = _first_visit(portal.port, cookies[0])
        yield Line("W13 first visit", words, "", size, "kB", VISIT)
        yield _streams(portal, cookies)


@contextlib.contextmanager
def _running(data: Path) -> Iterator[Portal]:
    portal = _start(command=[sys.executable, "-m", "portal.runtime.up"], cwd=ROOT, data=data, env=_clean(os.environ))
    try:
        yield portal
    finally:
        portal.process.send_signal(signal.SIGINT)
        portal.process.wait()


def _start(*, command: list[str], cwd: Path, data: Path, env: Mapping[str, str]) -> Portal:
    """Start and wait for the line that says that the sign-in page answers."""
    port = free_port()
    began = time.perf_counter()
    arguments = ["--port", str(port), "--data", str(data), "--empty"]
    process = subprocess.Popen([*command, *arguments], cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = ""
    for line in process.stdout or ():
        said += line.decode()
        if READY in said:
            return Portal(data, port, process, time.perf_counter() - began)
    raise RuntimeError(f"./bin/up ended:\n{said}")


def _clean(env: Mapping[str, str]) -> dict[str, str]:
    """Without what points to the database of the other workloads. The secret key stays: sessions are made here."""
    named = {"DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "CALLED_FROM"}
    ours = {"COUNTERSIGN_DATA", "COUNTERSIGN_SUPERUSER_URL", "COUNTERSIGN_SIGNING_KEY_FILE", "COUNTERSIGN_BASE_URL"}
    kept = {name: value for name, value in env.items() if name not in named | ours}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _cold_start(folder: Path) -> float:
    """A fresh clone without packages, packages downloaded anew; from ./bin/up to the sign-in page."""
    clone = Path(tempfile.mkdtemp(prefix="clone-", dir=folder))
    clone.chmod(0o755)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone / "countersign")], check=True)
    env = {**_clean(os.environ), "PIP_NO_CACHE_DIR": "1"}
    portal = _start(command=["./bin/up"], cwd=clone / "countersign", data=clone / "data", env=env)
    portal.process.send_signal(signal.SIGINT)
    portal.process.wait()
    shutil.rmtree(clone)
    return portal.seconds


def _memory(portal: Portal) -> tuple[float, float, str]:
    """PSS and RSS of the supervisor and everything below it, in megabytes, and the PSS of each program."""
    pss: dict[str, float] = {}
    rss = 0.0
    for pid in _below(portal.process.pid):
        with contextlib.suppress(OSError):
            found = dict(re.findall(r"^(Pss|Rss):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
            name = _program(pid)
            pss[name] = pss.get(name, 0.0) + int(found["Pss"]) / 1000
            rss += int(found["Rss"]) / 1000
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(pss.items(), key=lambda item: -item[1]))
    return sum(pss.values()), rss, parts


def _below(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _program(pid: int) -> str:
    """What was forked from the zygote has its command line, and the short name of the program."""
    place = Path("/proc", str(pid))
    line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    words = f"{(place / 'comm').read_text()} {line}"
    names = {"uvicorn": "web", "celery": "worker", "scheduler": "scheduler", "runtime.up": "supervisor", "valkey": "valkey"}
    return next((name for mark, name in {**names, "zygote": "zygote"}.items() if mark in words), "postgres")


def _sign_in(portal: Portal, at: datetime) -> list[str]:
    """Sessions of one engineer in that portal's own database, as many as the streams need."""
    url = surroundings.read(places=Places(portal.data))["DATABASE_URL"]
    connections.settings[ALIAS] = {**connections.settings["default"], **environment.database(url, testing=False)}
    people = User.objects.using(ALIAS)
    person = people.filter(email="ann@northwind.example").first() or people.create(email="ann@northwind.example", name="Ann")
    cookies = []
    for _ in range(MANY_STREAMS // OF_ONE_SESSION):
        store, key = SessionStore(), get_random_string(32)
        text = store.encode(reader.session_of(person, at=at))
        Session.objects.using(ALIAS).create(session_key=key, session_data=text, expire_date=store.get_expiry_date())
        cookies.append(f"session={key}")
    connections[ALIAS].close()
    return cookies


def _first_visit(port: int, cookie: str) -> tuple[float, str]:
    """Bytes over the line for the start page and for every file that it names, nothing cached yet. In kB, and in words."""
    line = client.Line(port)
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip, deflate, br"}
    page = line.ask(client.request("GET", "/", headers={**headers, "Accept-Encoding": "identity"}))
    total = line.ask(client.request("GET", "/", headers=headers)).size
    files = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.body.decode())))
    total += sum(line.ask(client.request("GET", path, headers=headers)).size for path in files)
    line.close()
    return total / 1000, f"{total / 1000:.1f} kB in {len(files) + 1} requests"


def _streams(portal: Portal, cookies: list[str]) -> Line:
    before, _, parts_before = _memory(portal)
    open_lines = []
    for number in range(MANY_STREAMS):
        headers = {"Cookie": cookies[number // OF_ONE_SESSION], "Accept": "text/event-stream"}
        open_lines.append(client.Stream(portal.port, client.request("GET", "/live/?topics=inbox", headers=headers)))
    time.sleep(STREAMS_SECONDS)
    after, _, parts_after = _memory(portal)
    for stream in open_lines:
        stream.close()
    # What each program had tells a stream's memory from that of a periodic job that happened to run.
    measured = f"{MANY_STREAMS} streams: {before:.0f} MB PSS of the whole stack ({parts_before}) → {after:.0f} ({parts_after})"
    return Line("W13 idle live streams", measured, "", after - before, "MB", STREAMS)

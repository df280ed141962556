"""Which programs make up one running portal, and the environment that they share."""

import http.client
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.runtime import keys
from portal.runtime.places import ROOT, Places
from portal.runtime.postgres import Postgres
from portal.runtime.postgres_files import APP, OWNER
from portal.runtime.program import Program
from portal.runtime.valkey import Valkey
from portal.schedule import QUEUE, SEALER

SIGN_IN = "/account/login/"
# No heartbeat through scheduler, broker and worker for this long, and the worker is started again (a Celery worker
# can lose its broker and not notice).
HEARTBEAT_SECONDS = 60.0
# Connections that uvicorn takes at once: 300 live streams and plenty of pages.
WEB_CONNECTIONS = 1000
WEB_POOL = 12
# A pool process is replaced after so many tasks, some minutes of idling: what one big task left behind goes back.
TASKS_PER_CHILD = 60
_APPS = ("portal", "changes", "audits")
# glibc: threads share two arenas instead of keeping freed memory each, and free memory goes back early (mallopt(3)).
_GIVE_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


@dataclass(frozen=True)
class Plan:
    """What was asked for: where, on which port, with the demo company or empty; servers of our own or named ones."""

    places: Places
    port: int
    demo: bool
    postgres: Postgres | None
    valkey: Valkey | None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def shared_environment(*, plan: Plan, outside: Mapping[str, str]) -> dict[str, str]:
    """Every variable of ours; what the person set outside wins over what we would choose."""
    database = plan.postgres.url(role=APP) if plan.postgres else outside["DATABASE_URL"]
    owner = plan.postgres.url(role=OWNER) if plan.postgres else outside.get("DATABASE_OWNER_URL", database)
    ours = {
        **keys.ensure(places=plan.places),
        "COUNTERSIGN_BASE_URL": plan.address,
        "COUNTERSIGN_DEMO": "1" if plan.demo else "0",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    if plan.demo:
        # The stand-ins of the vendors listen on this machine; without a demo no connector may call it.
        ours["COUNTERSIGN_PRIVATE_HOSTS"] = "127.0.0.1"
    chosen = {name: value for name, value in outside.items() if name.startswith("COUNTERSIGN_")}
    fixed = {
        "COUNTERSIGN_DATA": str(plan.places.data),
        "DATABASE_URL": database,
        "DATABASE_OWNER_URL": owner,
        "BROKER_URL": plan.valkey.url if plan.valkey else outside["BROKER_URL"],
    }
    return {**ours, **chosen, **fixed}


def process_environment(*, name: str, shared: Mapping[str, str], owner: bool = False) -> dict[str, str]:
    """Environment of one process. Only who migrates learns how to become the owner."""
    env = {**os.environ, **shared, "COUNTERSIGN_PROCESS": name, "PYTHONUNBUFFERED": "1"}
    for variable, value in _GIVE_BACK.items():
        env.setdefault(variable, value)
    # Compiled once, not at every start of every process.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    if not owner:
        env.pop("DATABASE_OWNER_URL", None)
    return env


def foundations(*, plan: Plan) -> list[Program]:
    """PostgreSQL and Valkey, as far as they are ours."""
    found = []
    if plan.postgres:
        found.append(_postgres(postgres=plan.postgres))
    if plan.valkey:
        found.append(_valkey(valkey=plan.valkey))
    return found


def applications(*, plan: Plan, shared: Mapping[str, str]) -> list[Program]:
    """Web, worker, scheduler; with the demo also the stand-ins of the vendors."""
    programs = [
        _web(plan=plan, shared=shared),
        _worker(plan=plan, shared=shared),
        _python(name="scheduler", shared=shared, arguments=["-m", "portal.runtime.scheduler"]),
    ]
    if plan.demo and has_command(name="standins"):
        programs.append(_python(name="standins", shared=shared, arguments=["manage.py", "standins"]))
    return programs


def python(*arguments: str) -> list[str]:
    """Arguments that run our own interpreter."""
    return [sys.executable, *arguments]


def has_command(*, name: str) -> bool:
    """Whether one of the apps brings `manage.py <name>`. Looks at files: Django is not loaded here."""
    return any((ROOT / app / "management" / "commands" / f"{name}.py").is_file() for app in _APPS)


def page_answers(*, port: int, path: str, seconds: float = 2.0) -> int | None:
    """Status of one GET to our web process; None when there is no answer in time."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        line.request("GET", path)
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()


def _postgres(*, postgres: Postgres) -> Program:
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    return Program(
        name="postgres",
        argv=postgres.command(),
        env=env,
        account=postgres.account,
        # SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, everything is written.
        stop=signal.SIGINT,
        orphaned=signal.SIGINT,
        patience=30.0,
        prepare=postgres.make_ready,
        answers=postgres.answers,
        grace=120.0,
        foundation=True,
    )


def _valkey(*, valkey: Valkey) -> Program:
    return Program(
        name="valkey",
        argv=valkey.command(),
        env={"LC_ALL": "C"},
        orphaned=signal.SIGTERM,
        answers=valkey.answers,
        foundation=True,
    )


def _web(*, plan: Plan, shared: Mapping[str, str]) -> Program:
    limits = ["--limit-concurrency", str(WEB_CONNECTIONS), "--timeout-keep-alive", "20", "--timeout-graceful-shutdown", "2"]
    # Addresses of callers are believed from a proxy only when somebody says that there is one.
    proxy = "--proxy-headers" if int(shared.get("COUNTERSIGN_PROXIES", "0")) else "--no-proxy-headers"
    quiet = ["--no-access-log", "--no-server-header", "--log-level", "warning", proxy]
    where = ["--host", "127.0.0.1", "--port", str(plan.port)]
    env = {**process_environment(name="web", shared=shared), "COUNTERSIGN_POOL": str(WEB_POOL)}
    return Program(
        name="web",
        argv=python("-m", "uvicorn", "portal.asgi:application", *where, *limits, *quiet),
        env=env,
        # Any answer will do, also "503, the database is away": the process lives.
        answers=lambda: page_answers(port=plan.port, path="/healthz") is not None,
    )


def _worker(*, plan: Plan, shared: Mapping[str, str]) -> Program:
    began = time.time()

    def heard() -> bool:
        """A heartbeat came lately, or the way to it is broken before the worker."""
        upstream = (plan.postgres is None or plan.postgres.answers()) and (plan.valkey is None or plan.valkey.answers())
        return not upstream or time.time() - _touched(path=plan.places.heartbeat, never=began) < HEARTBEAT_SECONDS

    queues = ["--queues", ",".join((QUEUE, SEALER))]
    lean = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    pool = ["--pool", "prefork", "--concurrency", str(pool_size()), "--max-tasks-per-child", str(TASKS_PER_CHILD)]
    return Program(
        name="worker",
        argv=python("-m", "celery", "-A", "portal", "worker", *queues, *pool, *lean, "--loglevel", "WARNING"),
        # Django's checks load every page, 15 MB that a worker does not need; ./bin/test runs them.
        env={**process_environment(name="worker", shared=shared), "CELERY_SKIP_CHECKS": "1"},
        patience=12.0,
        answers=heard,
        grace=HEARTBEAT_SECONDS + 30.0,
    )


def _python(*, name: str, shared: Mapping[str, str], arguments: list[str]) -> Program:
    return Program(name=name, argv=python(*arguments), env=process_environment(name=name, shared=shared), patience=3.0)


def _touched(*, path: Path, never: float) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return never


def pool_size() -> int:
    """Two worker processes, so that a long fetch does not hold up deliveries; one where memory is short."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except FileNotFoundError:
        return 2
    free = next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), 0)
    return 2 if free > 1_000_000 else 1


def installed(*, package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None

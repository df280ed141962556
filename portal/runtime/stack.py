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

from portal.runtime import commands, keys
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
_APPS = ("portal", "changes", "audits")


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
    env = commands.surroundings(name=name, env={**os.environ, **shared})
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
        _python(name="scheduler", shared=shared, arguments=commands.SCHEDULER),
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
    return Program(
        name="web",
        argv=python(*commands.web(host="127.0.0.1", port=plan.port, env=shared)),
        env=process_environment(name="web", shared=shared),
        # Any answer will do, also "503, the database is away": the process lives.
        answers=lambda: page_answers(port=plan.port, path="/healthz") is not None,
    )


def _worker(*, plan: Plan, shared: Mapping[str, str]) -> Program:
    began = time.time()

    def heard() -> bool:
        """A heartbeat came lately, or the way to it is broken before the worker."""
        upstream = (plan.postgres is None or plan.postgres.answers()) and (plan.valkey is None or plan.valkey.answers())
        return not upstream or time.time() - _touched(path=plan.places.heartbeat, never=began) < HEARTBEAT_SECONDS

    return Program(
        name="worker",
        argv=python(*commands.worker(queues=[QUEUE, SEALER], processes=pool_size())),
        env=process_environment(name="worker", shared=shared),
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

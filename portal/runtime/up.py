"""`./bin/up`: starts everything, says the address when the sign-in page answers, and stays until Ctrl-C."""

import argparse
import fcntl
import os
import socket
import sys
import time
from pathlib import Path
from typing import IO

from portal.runtime import account, assets, places, postgres, programs, schema, stack, surroundings, valkey
from portal.runtime.forked import Zygote
from portal.runtime.places import ROOT, Places
from portal.runtime.stack import Plan
from portal.runtime.supervisor import Failed, Stopped, Supervisor

SIGN_IN_SECONDS = 120.0
STANDINS_SECONDS = 10.0
PATIENCE_WITH_WEB = 3
TOLD_OUTSIDE = ("COUNTERSIGN_SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""What switches on ``portal.telemetry``, which is not loaded here."""


class Unable(Exception):
    """What was asked for cannot be done; the message says why and what to do instead."""


_KNOWN = (
    Unable,
    Failed,
    account.NoAccount,
    places.PathTooLong,
    programs.NoPrograms,
    postgres.DatabaseTrouble,
    valkey.NoBroker,
)


def main() -> int:
    """Exit code: 0 after a wanted end, 1 when the start did not work."""
    asked = _arguments()
    began = time.monotonic()
    # bin/up has gone to the checkout; a relative folder is meant from where the person stands.
    data = Path(os.environ.get("CALLED_FROM", "."), asked.data).resolve()
    try:
        places.lay_out(places=Places(data))
        lock = _alone(data=Places(data), port=asked.port)
    except (Unable, PermissionError, NotADirectoryError) as problem:
        print(f"Countersign did not start: {problem}", file=sys.stderr)
        return 1
    with lock:
        supervisor = Supervisor(places=Places(data), say=_Say(log=Places(data).log / "supervisor.log"), cwd=ROOT)
        return _live(supervisor=supervisor, asked=asked, began=began)


def _live(*, supervisor: Supervisor, asked: argparse.Namespace, began: float) -> int:
    code = 1
    try:
        plan = _plan(data=supervisor.places, asked=asked)
        _start(supervisor=supervisor, plan=plan, began=began)
        supervisor.watch()
    except Stopped as why:
        supervisor.say(f"Stopping ({why}).")
        code = 0
    except _KNOWN as problem:
        supervisor.say(f"Countersign did not start: {problem}")
    finally:
        supervisor.stop()
        supervisor.say("Stopped.")
    return code


def _start(*, supervisor: Supervisor, plan: Plan, began: float) -> None:
    say = supervisor.say
    say(f"Countersign, data in {plan.places.data}, {'demo company' if plan.demo else 'no demo data'}")
    for what, ours, name in (("database", plan.postgres, "DATABASE_URL"), ("broker", plan.valkey, "BROKER_URL")):
        if ours is None:
            say(f"The {what} is the one that {name} names; none is started here.")
    for program in stack.foundations(plan=plan):
        supervisor.start(program=program)
    shared = stack.shared_environment(plan=plan, outside=os.environ)
    surroundings.write(places=plan.places, env=shared)
    supervisor.note = {"address": plan.address, "demo": plan.demo}
    static = None
    if not assets.are_current():
        say("Building the style sheet and static files …")
        static = supervisor.task(name="assets", argv=stack.python("-m", "portal.runtime.assets"), env=_env("assets", shared))
    _database(supervisor=supervisor, plan=plan, shared=shared)
    if static:
        supervisor.finish(name="assets", process=static)
    _load_once(supervisor=supervisor, plan=plan, shared=shared)
    web, *others = stack.applications(plan=plan, shared=shared)
    supervisor.start(program=web)
    say("Waiting for the sign-in page …")
    _sign_in_page(supervisor=supervisor, plan=plan)
    # After the page, so that loading them does not hold it up; what arrives in between waits in the inbox.
    for program in others:
        supervisor.start(program=program)
    say(f"Ready after {time.monotonic() - began:.1f} s: {plan.address}/  (Ctrl-C stops everything)")
    _demo(supervisor=supervisor, plan=plan, shared=shared)


def _load_once(*, supervisor: Supervisor, plan: Plan, shared: dict[str, str]) -> None:
    """Load the portal in one process, from which the programs are forked. One that cannot is done without.

    Not where errors or traces are sent: that starts while loading, under the name of one process, with threads that no fork keeps.
    """
    if any(os.environ.get(name) for name in TOLD_OUTSIDE):
        return
    zygote = supervisor.zygote = Zygote(env=_env("zygote", shared), log=plan.places.log, cwd=ROOT)
    zygote.start()
    while zygote.is_alive and not zygote.is_ready():
        supervisor.nap(0.05)


def _database(*, supervisor: Supervisor, plan: Plan, shared: dict[str, str]) -> None:
    """Wait for our own server, make roles, migrate. A schema that this very code migrated before is left alone."""
    server = plan.postgres
    if server:
        child = supervisor.children["postgres"]
        server.wait(alive=lambda: child.starts <= PATIENCE_WITH_WEB, nap=supervisor.nap)
        server.make_roles()
        if schema.is_current(server=server):
            return
    supervisor.say("Migrating the database …")
    task = supervisor.task(
        name="migrate", argv=stack.python("manage.py", "migrate", "--verbosity", "1"), env=_env("migrate", shared)
    )
    supervisor.finish(name="migrate", process=task)
    if server:
        schema.mark_current(server=server)


def _sign_in_page(*, supervisor: Supervisor, plan: Plan) -> None:
    deadline = time.monotonic() + SIGN_IN_SECONDS
    while (status := stack.page_answers(port=plan.port, path=stack.SIGN_IN, seconds=20.0)) != 200:
        web = supervisor.children["web"]
        if web.starts > PATIENCE_WITH_WEB or time.monotonic() > deadline:
            end = (plan.places.log / "web.log").read_text(errors="replace")[-3000:]
            raise Failed(f"the sign-in page does not answer (status {status}).\n{end}")
        supervisor.nap(0.1)


def _demo(*, supervisor: Supervisor, plan: Plan, shared: dict[str, str]) -> None:
    """Fill the demo company once, while the portal is already usable."""
    done = plan.places.data / "demo.done"
    if plan.demo:
        _say_standins(supervisor=supervisor, plan=plan)
    if not plan.demo or done.exists() or not stack.has_command(name="demo"):
        return
    supervisor.say("Filling the demo company …")
    task = supervisor.task(name="demo", argv=stack.python("manage.py", "demo"), env=_env("demo", shared))
    try:
        supervisor.finish(name="demo", process=task)
    except Failed as problem:
        supervisor.say(f"{problem}\nThe portal runs all the same; the next start tries again.")
        return
    done.touch()
    supervisor.say("The demo company is there.")


def _say_standins(*, supervisor: Supervisor, plan: Plan) -> None:
    """Where a newcomer plays the vendors' part; said once their process has written its address."""
    address = plan.places.data / "standins" / "address"
    deadline = time.monotonic() + STANDINS_SECONDS
    while not address.exists() and time.monotonic() < deadline:
        supervisor.nap(0.1)
    if address.exists():
        supervisor.say(f"Stand-ins of GitHub, Fly, Slack, Doppler and Cloudflare, to play with: {address.read_text().strip()}")


def _env(name: str, shared: dict[str, str]) -> dict[str, str]:
    return stack.process_environment(name=name, shared=shared, owner=name == "migrate")


def _plan(*, data: Places, asked: argparse.Namespace) -> Plan:
    return Plan(
        places=data,
        port=asked.port,
        demo=_mode(data=data, empty=asked.empty) == "demo",
        postgres=None if os.environ.get("DATABASE_URL") else postgres.locate(places=data),
        valkey=None if os.environ.get("BROKER_URL") else valkey.locate(places=data),
    )


def _mode(*, data: Places, empty: bool) -> str:
    """Demo or empty, decided once: a folder with real records never gets demo people later."""
    file = data.data / "mode"
    if not file.exists():
        file.write_text("empty" if empty else "demo")
    mode = file.read_text().strip()
    if empty and mode != "empty":
        raise Unable(f"{data.data} holds the demo company. --empty needs a folder of its own: --data DIR.")
    return mode


def _alone(*, data: Places, port: int) -> IO[str]:
    """Take the folder and see that the port is free. The lock ends with our process, however that ends."""
    lock = data.lock.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        lock.seek(0)
        raise Unable(f"{data.data} is in use already ({lock.read().strip()}). Stop that one, or choose another --data.") from taken
    lock.truncate(0)
    lock.write(f"process {os.getpid()}, http://127.0.0.1:{port}/")
    lock.flush()
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as problem:
            raise Unable(f"port {port} is not free ({problem.strerror}). Choose another: ./bin/up --port {port + 1}") from problem
    return lock


class _Say:
    """Words for the person at the terminal, kept in a file too. A closed terminal is no reason to fail."""

    def __init__(self, *, log: Path) -> None:
        self._log = log.open("a")

    def __call__(self, text: str) -> None:
        self._log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n")
        self._log.flush()
        try:
            print(text, flush=True)
        except OSError:
            sys.stdout = None  # print() then prints nothing, as in any process without a terminal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bin/up", description="Start Countersign: database, broker, web, worker, scheduler.")
    parser.add_argument("--port", type=_port, default=8000, help="where the pages are (8000)")
    parser.add_argument("--data", default=str(ROOT / ".data"), help="folder for everything that is kept (.data in the checkout)")
    parser.add_argument("--empty", action="store_true", help="start without the demo company")
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

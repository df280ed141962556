"""Runs one command with a database and a broker of its own around it: for the benchmark and for the tests.

`python -m portal.runtime.around --data DIR manage.py bench` starts both, sets the environment, runs, stops both.
"""

import argparse
import atexit
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from portal.runtime import leash, leftovers, logs, places, postgres, stack, valkey
from portal.runtime.places import ROOT, Places
from portal.runtime.postgres import DatabaseTrouble, Postgres
from portal.runtime.postgres_files import SUPERUSER
from portal.runtime.stack import Plan
from portal.runtime.valkey import Valkey


@dataclass
class Borrowed:
    """A database, and a broker if wanted, that live as long as we do."""

    places: Places
    postgres: Postgres
    valkey: Valkey | None
    processes: list[subprocess.Popen[bytes]]

    def stop(self) -> None:
        """End both; calling it twice is no error."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        for process in self.processes:
            process.wait()
        self.processes.clear()
        leftovers.clear(home=self.postgres.home, socket=self.postgres.socket)


def borrow(*, data: Path, broker: bool) -> Borrowed:
    """Start them in `data`. They end with us, also after `kill -9`."""
    own = Places(data)
    places.lay_out(places=own)
    server = postgres.locate(places=own)
    server.make_ready()
    process = _begin(places=own, name="postgres", argv=server.command(), server=server)
    borrowed = Borrowed(places=own, postgres=server, valkey=None, processes=[process])
    atexit.register(borrowed.stop)
    try:
        server.wait(alive=lambda: process.poll() is None)
    except DatabaseTrouble as trouble:
        raise DatabaseTrouble(f"{trouble}\n{logs.tail(folder=own.log, name='postgres')}") from trouble
    server.make_roles()
    if broker:
        borrowed.valkey = valkey.locate(places=own)
        borrowed.processes.append(_begin(places=own, name="valkey", argv=borrowed.valkey.command(), server=None))
    return borrowed


def _begin(*, places: Places, name: str, argv: list[str], server: Postgres | None) -> subprocess.Popen[bytes]:
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    account = server.account if server else None
    with logs.open_log(folder=places.log, name=name) as log:
        return leash.spawn(argv=argv, env=env, log=log, orphaned=signal.SIGINT, account=account)


def main() -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m portal.runtime.around", description=__doc__)
    parser.add_argument("--data", required=True, help="folder of the database and the broker")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="arguments for Python")
    asked = parser.parse_args()
    borrowed = borrow(data=Path(asked.data).resolve(), broker=True)
    try:
        plan = Plan(places=borrowed.places, port=8000, demo=False, postgres=borrowed.postgres, valkey=borrowed.valkey)
        shared = stack.shared_environment(plan=plan, outside=os.environ)
        superuser = {"COUNTERSIGN_SUPERUSER_URL": borrowed.postgres.url(role=SUPERUSER)}
        env = {**stack.process_environment(name="bench", shared=shared, owner=True), **superuser}
        return subprocess.run([sys.executable, *asked.command], env=env, cwd=ROOT, check=False).returncode
    finally:
        borrowed.stop()


if __name__ == "__main__":
    sys.exit(main())

"""One PostgreSQL for a run of the tests, in memory where possible. DATABASE_URL names another one to use instead.

The controller of pytest-xdist starts it; the workers inherit its address and make a database each.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from portal.runtime.around import borrow
from portal.runtime.postgres_files import SUPERUSER

PREFIX = "countersign-tests-"
ENOUGH = 1024**3
OWN = "COUNTERSIGN_TESTS_OWN_SERVER"
"""In the environment of a run that started its own."""


def ensure():
    if os.environ.get("DATABASE_URL"):
        return
    base = fast_folder()
    sweep(base=base)
    data = base / f"{PREFIX}{os.getpid()}"
    # Registered first, so it runs after the server has been stopped.
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    os.environ["DATABASE_URL"] = borrow(data=data, broker=False).postgres.url(role=SUPERUSER)
    os.environ[OWN] = "1"
    let_go(os.environ["DATABASE_URL"])


def let_go(address):
    """Nobody asks for these rows after a crash: where memory is scarce they lie on a disk, which every commit would wait for."""
    with psycopg.connect(address, autocommit=True) as line:
        for name in ("fsync", "full_page_writes"):
            line.execute(f"ALTER SYSTEM SET {name} = off")
        line.execute("SELECT pg_reload_conf()")


def fast_folder():
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH:
        return memory
    return Path(tempfile.gettempdir())


def sweep(*, base):
    """Folders of runs that were killed: their process is gone."""
    for path in base.glob(f"{PREFIX}*"):
        number = path.name.removeprefix(PREFIX)
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(path, ignore_errors=True)

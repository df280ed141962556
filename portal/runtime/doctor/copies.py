"""Check of the nightly copies, where they are made: ``pg_dump`` refuses a server that is newer than itself."""

import os
import subprocess
from collections.abc import Iterator

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from portal.runtime import backup, minimums
from portal.runtime.doctor.database import one
from portal.runtime.doctor.finding import Finding, bad, good

SECONDS = 10


def copies() -> Iterator[Finding]:
    if not settings.BACKUP_FOLDER:
        return
    try:
        host = str(conninfo_to_dict(backup.address(env=os.environ)).get("host", ""))
        program = backup.program(name="pg_dump", embedded=host.startswith("/"))
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    except (backup.BackupTrouble, OSError, subprocess.SubprocessError) as problem:
        yield bad(f"no copy can be made: {problem}", mend="Install PostgreSQL's client, of the server's version.")
        return
    ours = (*minimums.numbers(said.partition(") ")[2]), 0)[0]
    theirs = int(one("SHOW server_version_num")) // 10_000
    if ours < theirs:
        yield bad(
            f"no copy can be made: pg_dump is {ours}, and refuses a server of {theirs}",
            mend=f"Install postgresql-client-{theirs}; in a container, an image of a newer Debian.",
        )
    else:
        yield good(f"copies are made by pg_dump {ours}, of a server of {theirs}")

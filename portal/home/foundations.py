"""Health of what the answers stand on: the schema, the disk, the seal."""

import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from portal.home.health import check
from portal.ledger.models import LedgerCheck, LedgerCheckpoint
from portal.ledger.queries import seal_lag

FULL, ROOM = 0.9, 5 * 1024**3
"""A disk is nearly full when so much of it is used and fewer bytes than these are left: on a large one a tenth is plenty."""
BEHIND = timedelta(minutes=2)
REFUSED_LATELY = timedelta(hours=2)
"""A refusal that lasts is written down every hour."""
_APPS = ("portal", "changes", "audits")


class Applied:
    """Whether the schema is at least that of this code. It never goes back while a process runs, so a yes is remembered."""

    def __init__(self) -> None:
        self.seen = False

    def all(self) -> bool:
        """Compares names, without loading the migrations: a database newer than the code passes (docs/upgrading.md)."""
        if not self.seen:
            with connection.cursor() as cursor:
                cursor.execute("SELECT app, name FROM django_migrations WHERE app = ANY(%s)", [list(_APPS)])
                self.seen = shipped() <= {(app, name) for app, name in cursor.fetchall()}
        return self.seen


APPLIED = Applied()


def shipped() -> set[tuple[str, str]]:
    """App and name of every migration that this code brings."""
    return {(app, path.stem) for app in _APPS for path in Path(settings.BASE_DIR, app, "migrations").glob("[0-9]*.py")}


@check("Schema", works="is the one of this release", fails="is older than this release: run the migrations")
def schema_is_current() -> bool:
    """Whether every migration of this code was applied."""
    return APPLIED.all()


@check("Disk", works="has room", fails="is nearly full")
def disk_has_room() -> bool:
    """Whether the disk under the data folder has room. Before it is full, so that nobody writes into the void."""
    folder = Path(settings.DATA_DIR)
    usage = shutil.disk_usage(folder if folder.exists() else settings.BASE_DIR)
    return has_room(total=usage.total, free=usage.free)


def has_room(*, total: int, free: int) -> bool:
    """Bytes of a disk, and those that are left. Pure."""
    return free >= ROOM or free / total > 1 - FULL


@check("Seal", needed=False, works="keeps up", fails="is behind or was refused")
def seal_keeps_up() -> bool:
    """Whether what happened gets its checkpoint in time, and the last seal was not refused."""
    at = now()
    last = LedgerCheckpoint.objects.order_by("-size").values_list("sealed_at", flat=True).first()
    since = max(at - REFUSED_LATELY, last) if last else at - REFUSED_LATELY
    refused = LedgerCheck.objects.filter(what="seal", ok=False, at__gt=since).exists()
    return not refused and seal_lag(at=at).age < BEHIND

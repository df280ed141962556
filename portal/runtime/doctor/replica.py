"""Check of the replica, where there is one: is it one of this very database, does it keep up, may the portal do too much there."""

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connections

from portal import replica as copies
from portal.runtime.doctor.finding import Finding, bad, good

SAME = "SELECT system_identifier FROM pg_control_system()"


def replica() -> Iterator[Finding]:
    if not copies.offered():
        return
    found = copies.WATCH.standing(anew=True)
    if found.trouble:
        yield bad(
            f"the replica is not used: {found.trouble}",
            mend="Start it, or correct DATABASE_REPLICA_URL. The first server reads everything meanwhile.",
        )
    elif copies.asked(connections[copies.ALIAS], SAME) != copies.asked(connections[DEFAULT_DB_ALIAS], SAME):
        yield bad("the replica copies another database server", mend="Correct DATABASE_REPLICA_URL: what it shows is not yours.")
    else:
        yield good(f"the replica is {found.behind.total_seconds():.1f} s behind")

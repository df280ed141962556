"""Says to other processes, by PostgreSQL's NOTIFY, that something was committed: a word on a channel, never a fact.

It is said after the commit, in a transaction of its own that does not wait for the disk. Said inside, it would take the lock that
PostgreSQL gives to one notifying transaction at a time and keeps until its commit is on the disk (``PreCommit_Notify``): all
who ring would be written one after the other. A rollback says nothing; what a process that dies in between does not say
any more is found by those who look by themselves: sweeps, the sealer's tick, pages whose stream begins anew.
"""

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction

from portal.causes import present

log = structlog.get_logger("portal.bell")
SAY = """
SELECT set_config('synchronous_commit', 'off', true), count(pg_notify(channel, word))
FROM unnest(%s::text[], %s::text[]) AS said (channel, word)
"""


class Words:
    """What one transaction, or one savepoint of it, will have said: channel and word, each once."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], None] = {}

    def __call__(self) -> None:
        """Say it. The commit stands already, so a database that goes away now is no fault of whoever rang."""
        channels, words = zip(*self.said, strict=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(SAY, [list(channels), list(words)])
        except (DatabaseError, InterfaceError) as problem:
            log.warning("bell.lost", problem=str(problem))


def after_commit(channel: str, word: str | None = None) -> None:
    """Say ``word`` on ``channel`` once the present transaction is committed; at once when there is none. Repeats are one.

    Without a word it says the reference of the present request, which the work that it causes then carries (``portal.causes``).
    """
    word = present() if word is None else word
    levels = set(connection.savepoint_ids)
    for hook in connection.run_on_commit:
        held, act = hook[0], hook[1]
        # Django drops what belongs to a savepoint that is rolled back, so each level has its own words.
        if isinstance(act, Words) and held == levels:
            act.said[channel, word] = None
            return
    words = Words()
    words.said[channel, word] = None
    transaction.on_commit(words)

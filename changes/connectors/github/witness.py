"""What the check run says of the ledger: the newest entry about the change, and the newest signed checkpoint.

The forge keeps it with a clock and a history of its own: whoever rewrites the ledger later would have to rewrite it there as well.
"""

import base64
import re

from portal.ledger.queries import checkpoint_over, entries_about, latest_checkpoints

NAMED = re.compile(r"CHG-(\d+)")


def witness_of(*, change: str) -> str:
    """Two sentences for the summary about ``change`` (``CHG-1042``); empty while there is no checkpoint."""
    found, last = NAMED.fullmatch(change), next(iter(latest_checkpoints(limit=1)), None)
    entry = next(iter(entries_about(stream=f"change:{found[1]}", limit=1)), None) if found else None
    if last is None or entry is None:
        return ""
    head = base64.b64encode(bytes(last.root)).decode()
    fixed = None if entry.seq is None else checkpoint_over(seq=entry.seq)
    where = "is sealed with the next checkpoint" if fixed is None else f"is fixed by the checkpoint of {fixed.size} entries"
    return (
        f"\n\nLedger: the newest entry about {change} is number {entry.stream_seq}, hash `{entry.hash}`, and {where}. "
        f"The newest checkpoint has {last.size} entries and the root `{head}`."
    )

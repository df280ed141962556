"""The short check that only reads names what it can see, and the progress of the long one adds up."""

from dataclasses import replace

import pytest

from portal.ledger import quick
from portal.ledger.progress import STEPS, Progress, share_of
from tests.portal.ledger.conftest import tamper

OTHER = "UPDATE portal_ledgerleaf SET actor = 'user:666' WHERE stream = 'notes' AND stream_seq = 2"
REHASH = (
    "UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(event_id, stream, stream_seq, kind, actor, recorded_at, "
    "payload_digest, rows, prev_hash) WHERE stream = 'notes' AND stream_seq = 2"
)


@pytest.mark.django_db(transaction=True)
def test_the_quick_check_names_the_newest_damage(ledger, where):
    def first():
        found = quick.look(where=where)
        return [problem.sentence for problem in found.problems][:1]

    assert vars(quick.look(where=where)) == {"entries": 9, "checkpoints": 3, "redacted": 0, "problems": (), "remark": ""}
    bare = replace(where, key=where.key.with_name("elsewhere.pem"))
    assert vars(quick.look(where=bare)) == {"entries": 9, "checkpoints": 3, "redacted": 0, "problems": (), "remark": quick.UNSIGNED}
    tamper("UPDATE portal_ledgercheckpoint SET frontier = sha256('x') WHERE size = 2")
    assert first() == ["its open nodes do not give its root"]
    assert [problem.place for problem in quick.look(where=bare).problems] == ["checkpoint 2"]
    tamper("UPDATE portal_ledgercheckpoint SET root = sha256('x') WHERE size = 5")
    assert first() == ["the signed note says something else"]
    tamper("UPDATE portal_ledgercheckpoint SET note = 'gone' WHERE size = 7")
    assert first() == ["this is no checkpoint"]
    tamper("UPDATE portal_ledgerbody SET payload = '{}' WHERE payload LIKE '%four%'")
    assert first() == ["its text was changed"]
    tamper("DELETE FROM portal_ledgerbody WHERE payload = '{}'")
    assert first() == ["its text is gone"]
    tamper(OTHER)
    sentences = [problem.sentence for problem in quick.look(where=where).problems]
    assert "its fields were changed: they do not give its hash" in sentences
    tamper(REHASH)
    assert "is not the entry that was sealed" in [problem.sentence for problem in quick.look(where=where).problems]


def test_progress_counts_and_adds_up():
    progress = Progress(entries=10)
    progress.add(("hashes", "texts"), 4)
    assert progress.checked == {"hashes": 4, "texts": 4}
    progress.add(("hashes",), 7)

    assert progress.checked == {"hashes": 10, "texts": 4}
    assert share_of(checked=progress.checked, entries=progress.entries) == pytest.approx(1.4 / len(STEPS))
    for step in STEPS:
        progress.finish(step)
    assert share_of(checked=progress.checked, entries=progress.entries) == 1
    assert share_of(checked={}, entries=0) == 0

import os
from datetime import timedelta

import pytest
from django.db import connection

from portal.ledger import tasks
from portal.ledger.anchors import GitAnchor
from portal.ledger.models import LedgerCheck, LedgerCheckpoint
from portal.ledger.report import record_refusal
from portal.ledger.sealer import SealingStopped
from tests.database import lifted
from tests.portal.ledger.conftest import note

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_seal_names_a_new_log_after_the_portals_host(where, settings):
    settings.BASE_URL = "https://changes.northwind.example"
    note()

    tasks.seal()

    assert LedgerCheckpoint.objects.get().note.startswith("changes.northwind.example/ledger\n1\n")


def test_the_seal_tries_failed_anchors_again(where):
    where.git.parent.mkdir(parents=True)
    where.git.write_text("in the way")
    note()
    tasks.seal()
    where.git.unlink()

    behind = where.anchors / "behind"
    os.utime(behind, (0, behind.stat().st_mtime - 90))
    tasks.seal()

    assert GitAnchor(where.git).last() == 1


def test_a_refused_seal_raises_and_is_written_down_once_an_hour(where):
    note()
    tasks.seal()
    where.state.unlink()
    note(kind="approval.given")
    for _ in range(2):
        with pytest.raises(SealingStopped):
            tasks.seal()

    check = LedgerCheck.objects.get()
    assert (check.what, check.ok, check.problems[0]["place"]) == ("seal", False, "seal")
    record_refusal(sentence=check.problems[0]["sentence"], at=check.at + timedelta(hours=2), again_after=timedelta(hours=1))
    assert LedgerCheck.objects.count() == 2


def test_the_nightly_verification_keeps_its_result(where):
    note()
    tasks.seal()

    tasks.verify()

    check = LedgerCheck.objects.get()
    assert (check.what, check.ok, check.entries, check.checkpoints, check.problems) == ("verify", True, 1, 1, [])


def test_a_broken_ledger_is_written_down_and_logged(where, caplog):
    note()
    tasks.seal()
    with lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgerleaf SET actor = 'user:666'")

    tasks.verify()

    check = LedgerCheck.objects.get()
    assert (check.ok, check.problems[0]["place"]) == (False, "entry 0 (notes, number 1)")
    assert "The ledger does not verify" in caplog.text

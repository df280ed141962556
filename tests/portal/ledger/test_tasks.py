import os
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from audits.packs.tasks import build_packs
from portal.alone import AT_LENGTH
from portal.apps import celery_app
from portal.ledger import asked, tasks
from portal.ledger.anchors import GitAnchor
from portal.ledger.models import LedgerCheck, LedgerCheckpoint
from portal.ledger.report import record_refusal
from portal.ledger.sealer import SealingStopped
from portal.runtime import backup
from portal.runtime.tasks import back_up
from portal.schedule import BACK_UP, BUILD_PACKS, DO_JOBS
from tests.database import lifted
from tests.portal.ledger.conftest import connected, note
from tests.stack import wait_for

CONTROLS = ("audits.controls.tasks.run_controls_daily", "audits.controls.tasks.run_controls_for_engagements")
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


def test_a_verification_is_not_repeated_within_the_night(where):
    note()
    tasks.seal()

    for _ in range(3):
        tasks.verify()
    assert LedgerCheck.objects.count() == 1

    with lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgercheck SET at = at - interval '23 hours'")
    tasks.verify()
    assert LedgerCheck.objects.count() == 2


def free(key):
    """Whether nobody holds this advisory lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND objid = %s AND datname = current_database())",
            [key],
        )
        return cursor.fetchone()[0]


def test_whoever_comes_while_one_verifies_does_nothing_and_the_lock_ends_with_a_worker_that_dies(
    where, settings, monkeypatch, person
):
    """What takes long shares one lock: the others of the sealer's processes are free for the seal."""
    note()
    tasks.seal()
    asked.ask(by=person().pk, at=now())
    done, settings.BACKUP_FOLDER = [], str(where.anchors.parent / "copies")
    monkeypatch.setattr("audits.packs.tasks.work_on_packs", lambda **_: done.append("packs"))
    monkeypatch.setattr(backup, "make", lambda **_: done.append("copy"))
    long = [tasks.verify, tasks.verify_asked, build_packs, back_up]
    with connected(autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [AT_LENGTH])
        for task in long:
            task()
        assert not LedgerCheck.objects.exists()
        assert done == []
    # Its process at the server ends a moment after the connection.
    wait_for(lambda: free(AT_LENGTH), what="the end of the lock")

    tasks.verify()
    tasks.verify()

    assert LedgerCheck.objects.count() == 1
    for task in long[1:]:
        task()
    assert (LedgerCheck.objects.count(), done) == (2, ["packs", "copy"])


def test_no_other_task_outlasts_the_patience_of_the_broker(settings):
    """What runs longer than the visibility timeout is delivered again while it runs; these provide for that."""
    patience = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    celery_app.loader.import_default_modules()
    limits = {name: task.time_limit or settings.CELERY_TASK_TIME_LIMIT for name, task in celery_app.tasks.items()}

    long = {tasks.verify.name, tasks.verify_asked.name, BACK_UP, BUILD_PACKS, DO_JOBS, *CONTROLS}
    assert {name for name, limit in limits.items() if limit >= patience} == long

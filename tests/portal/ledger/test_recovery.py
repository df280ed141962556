"""A restored backup stops the sealer; two people name what was lost, and everybody who verifies later is told so."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils.timezone import now

from portal.access.roles import Role
from portal.ledger import keys
from portal.ledger.actions import append
from portal.ledger.anchors import FileAnchor, GitAnchor
from portal.ledger.export import export
from portal.ledger.models import LedgerBody, LedgerLeaf
from portal.ledger.recovery import Signatory, adopt, damage
from portal.ledger.sealer import SealingStopped, seal
from portal.ledger.tools import verify as tool
from portal.ledger.verification import verify
from portal.management.commands import ledger as command
from tests.changes.people import person as member
from tests.database import lifted
from tests.portal.ledger.conftest import AT, ORIGIN, note, tamper
from tests.portal.ledger.test_verification import CUT

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = [Signatory("user:1", "Mia"), Signatory("user:2", "Rex")]


def restored():
    """What a backup from between the second and the third checkpoint would leave."""
    with transaction.atomic():
        tamper(*CUT)


def test_a_restore_is_named_by_two_people_and_everything_goes_on(ledger, where, tmp_path, capsys):
    restored()
    with pytest.raises(SealingStopped, match="the ledger shrank: 7 entries were signed, the database has 5"):
        seal(at=AT, where=where, origin=ORIGIN, force=True)
    found = damage(where=where)
    assert (found.kept.size, found.through, [head.size for head in found.lost]) == (5, 7, [7])
    assert found.keepers == {"files": 2, "git": 1, "the sealer's memory": 1}

    adopt(where=where, signed_by=BOTH, reason=" The disk of the database failed. ", at=AT)

    entry = LedgerLeaf.objects.get(stream="recovery")
    payload = LedgerBody.objects.get(leaf=entry).payload
    assert (entry.kind, entry.sealed.seq) == ("recovery.adopted", 5)
    assert '"kept":5' in payload
    assert '"reason":"The disk of the database failed."' in payload
    for number in range(4):
        note(f"after {number}")
        seal(at=AT, where=where, origin=ORIGIN, force=True)
    assert (FileAnchor(where.anchors).last(), GitAnchor(where.git).last()) == (10, 10)

    report = verify(where=where, full=True)
    assert report.problems == ()
    assert report.remarks == ("entry 5: 2 checkpoints outside were lost by the restore that it names",)

    export(folder=tmp_path / "out", where=where)
    assert tool.main([str(tmp_path / "out"), "--processes", "1"]) == 0
    assert "were lost by the restore that entry 5 names, signed by Mia and Rex" in capsys.readouterr().out

    tamper("UPDATE portal_ledgersealed SET hash = sha256('x') WHERE seq = 8")
    assert [problem for problem in verify(where=where).problems if problem.place.startswith("checkpoint 10")]


def test_a_second_restore_names_only_what_it_lost_itself(ledger, where):
    restored()
    adopt(where=where, signed_by=BOTH, reason="The disk failed.", at=AT)
    where.state.unlink()

    found = adopt(where=where, signed_by=BOTH, reason="The memory was lost as well.", at=AT)

    assert (found.lost, found.through, found.kept.size) == ((), 6, 6)
    report = verify(where=where, full=True)
    assert report.problems == ()
    with lifted(connection, "portal_ledgersealed", "portal_ledgercheckpoint"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM portal_ledgercheckpoint WHERE size = 7; DELETE FROM portal_ledgersealed WHERE seq = 6")
    # An entry of a recovery that is not sealed yet counts as well.
    assert any(text.startswith("unsealed entry") for text in verify(where=where).remarks) is False


def test_a_recovery_that_nobody_can_read_or_that_one_person_signed_gives_nothing_up(ledger, where, sealed):
    """Whoever may append writes such an entry: it must neither stop verifications nor hide a checkpoint."""
    head = damage(where=where).kept
    lost = [f"{head.size} {bytes(head.root).hex()} {ORIGIN}"]
    unreadable = ({}, {"signed_by": 7}, {"signed_by": [{"actor": "a"}, {"actor": "b"}], "lost": ["x"]}, {"signed_by": ["a", "b"]})
    for fact in (*unreadable, {"signed_by": [{"actor": "user:1"}] * 2, "lost": lost}):
        append(stream="recovery", kind="recovery.adopted", actor="user:1", fact=fact)

    told = [problem for problem in verify(where=where, full=True).problems if "recovery" in problem.sentence]
    assert [problem.sentence for problem in told] == ["a recovery that cannot be read"] * len(unreadable)
    assert told[0].place.startswith("unsealed entry ")
    assert damage(where=where).lost == ()
    tamper("UPDATE portal_ledgersealed SET hash = sha256('x') WHERE seq = 6")
    assert "checkpoint 7 outside (files)" in [problem.place for problem in verify(where=where, full=True).problems]


def test_a_recovery_is_refused_without_two_people_a_reason_and_a_sound_ledger(where, sealed):
    with pytest.raises(SealingStopped, match="no checkpoint to adopt"):
        damage(where=where)
    note()
    sealed()
    for signed_by, reason, words in ((BOTH[:1] * 2, "x", "two different people"), (BOTH, " ", "needs a reason")):
        with pytest.raises(ValueError, match=words):
            adopt(where=where, signed_by=signed_by, reason=reason, at=AT)
    with lifted(connection, "portal_ledgersealed"), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgersealed SET hash = sha256('x')")
    with pytest.raises(SealingStopped, match="do not give the root"):
        adopt(where=where, signed_by=BOTH, reason="x", at=AT)
    assert not LedgerLeaf.objects.filter(stream="recovery").exists()


def test_the_command_shows_the_damage_and_takes_two_signatures(ledger, where, capsys, monkeypatch):
    mia, rex, ann = member("Mia", Role.COMPLIANCE), member("Rex", Role.ADMINISTRATOR), member("Ann")
    mia.set_password("mia's own password")
    rex.set_password("rex's own password")
    for user in (mia, rex):
        user.save()
    seal(at=now(), where=where, origin=ORIGIN, force=True)
    keys.remember(where=where, note=(next(where.anchors.glob("sizes/*/*7-*.note"))).read_text())
    tamper("DELETE FROM portal_ledgercheckpoint WHERE size = 7")
    typed = iter(["mia's own password", "wrong", "mia's own password", "rex's own password"])
    monkeypatch.setattr(command, "getpass", lambda prompt: next(typed))

    call_command("ledger", "adopt")
    assert "Lost, but kept by git: 1 checkpoints" in capsys.readouterr().out
    signed = ["--signed-by", mia.email, rex.email, "--reason", "A test."]
    with pytest.raises(CommandError, match="not the password of Rex"):
        call_command("ledger", "adopt", *signed)
    with pytest.raises(CommandError, match="may not sign a recovery"):
        call_command("ledger", "adopt", "--signed-by", ann.email, rex.email, "--reason", "x")
    call_command("ledger", "adopt", *signed)

    assert "the entry of the recovery is sealed" in capsys.readouterr().out
    assert LedgerLeaf.objects.get(stream="recovery").actor == f"user:{mia.pk}"
    assert verify(where=where).ok

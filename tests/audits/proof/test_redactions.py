"""Two people take a text out of the ledger; the database lets exactly that one go, and every proof stays valid."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from audits.proof import actions
from portal.access.roles import Role
from portal.home.inbox import items_for
from portal.ledger import queries
from portal.ledger.export import export
from portal.ledger.models import LedgerBody, LedgerCheck, LedgerLeaf, LedgerRedaction
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.ledger.tools import verify as tool
from portal.ledger.verification import verify
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted
from tests.changes.people import person, sign_in
from tests.database import lifted
from tests.portal.ledger.conftest import ORIGIN, note

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "hunter2, which came here by mistake"


@pytest.fixture
def where(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return places()


@pytest.fixture
def mia():
    return person("Mia", Role.COMPLIANCE)


@pytest.fixture
def rex():
    return person("Rex", Role.ADMINISTRATOR)


@pytest.fixture
def leaf(where):
    for text in ("before", SECRET, "after"):
        note(text)
    seal(at=now(), where=where, origin=ORIGIN, force=True)
    return LedgerLeaf.objects.get(stream="notes", stream_seq=2)


def proposed(leaf, by, at=None):
    return actions.propose_redaction(leaf=leaf, reason="A password.", by=by, at=at or now())


def refused(match, act, **given):
    with pytest.raises((Refused, Stale), match=match):
        act(**given)


def test_two_people_redact_one_text_and_everything_else_stays_provable(where, leaf, mia, rex, tmp_path, capsys):
    redaction = proposed(leaf, mia)
    assert verify(where=where).ok
    actions.confirm_redaction(redaction=redaction, digest=redaction.digest, by=rex, at=now())
    seal(at=now(), where=where, origin=ORIGIN, force=True)

    assert SECRET not in "".join(LedgerBody.objects.values_list("payload", flat=True))
    assert LedgerBody.objects.count() == LedgerLeaf.objects.count() - 1
    found = verify(where=where, full=True)
    by = LedgerLeaf.objects.get(kind="redaction.confirmed").sealed.seq
    assert (found.problems, found.remarks) == ((), (f"entry 1 (notes, number 2): its text was redacted by entry {by}",))
    gone = next(entry for entry in queries.latest_entries() if entry.stream_seq == 2 and entry.stream == "notes")
    assert (gone.redacted, gone.fact, gone.hash) == (True, {}, bytes(leaf.hash).hex())
    assert queries.redaction_of(leaf=leaf).confirmed_by == rex

    export(folder=tmp_path / "out", where=where)
    assert tool.main([str(tmp_path / "out"), "--processes", "1"]) == 0
    assert f"entry 1 (notes, number 2): its text was redacted by entry {by}." in capsys.readouterr().out
    call_command("ledger", "export", str(tmp_path / "some"), "--stream", "notes")
    capsys.readouterr()
    assert tool.main([str(tmp_path / "some")]) == 0
    assert f"its text was redacted by entry {by}." in capsys.readouterr().out

    with lifted(connection, "portal_ledgerbody"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO portal_ledgerbody VALUES (%s, 'salt', '{}')", [leaf.pk])
    sentences = [problem.sentence for problem in verify(where=where, full=True).problems]
    assert f"its text is there, though entry {by} redacted it" in sentences


def test_what_may_not_be_redacted_is_refused_by_the_portal(leaf, mia, rex):
    ann, at = person("Ann"), now()
    refused("Ann may not redact", actions.propose_redaction, leaf=leaf, reason="x", by=ann, at=at)
    refused("needs its reason", actions.propose_redaction, leaf=leaf, reason="  ", by=mia, at=at)
    redaction = proposed(leaf, mia, at=at)
    refused("waits already", actions.propose_redaction, leaf=leaf, reason="x", by=rex, at=at)
    confirm = actions.confirm_redaction
    refused("yourself", confirm, redaction=redaction, digest=redaction.digest, by=mia, at=at)
    refused("Ann may not redact", confirm, redaction=redaction, digest=redaction.digest, by=ann, at=at)
    refused("not the one that you read", confirm, redaction=redaction, digest="0" * 64, by=rex, at=at)
    refused("lapsed", confirm, redaction=redaction, digest=redaction.digest, by=rex, at=at + timedelta(hours=72))
    refused("Ann may not redact", actions.withdraw_redaction, redaction=redaction, by=ann, at=at)
    actions.withdraw_redaction(redaction=redaction, by=rex, at=at)
    refused("decided", confirm, redaction=redaction, digest=redaction.digest, by=rex, at=at)

    again = proposed(leaf, rex)
    actions.confirm_redaction(redaction=again, digest=again.digest, by=mia, at=now())
    refused("gone already", actions.propose_redaction, leaf=leaf, reason="x", by=mia, at=at)
    entry = LedgerLeaf.objects.get(kind="redaction.confirmed")
    refused("keeps its text", actions.propose_redaction, leaf=entry, reason="x", by=mia, at=at)
    assert [one.kind for one in LedgerLeaf.objects.filter(stream__startswith="redaction:").order_by("id")] == [
        "redaction.proposed",
        "redaction.withdrawn",
        "redaction.proposed",
        "redaction.confirmed",
    ]


def test_the_database_holds_the_same_whoever_asks(leaf, mia, rex):
    """As a superuser with psql: past every rule in Python."""
    ann = person("Ann")
    redaction = proposed(leaf, mia)
    other = LedgerLeaf.objects.get(stream="notes", stream_seq=1)
    fields = "leaf_id, reason, digest, proposed_by_id, proposed_at, expires_at"
    confirmed = "UPDATE portal_ledgerredaction SET confirmed_by_id = {by}, confirmed_at = now() WHERE id = {id};"
    covering = "ARRAY['portal_ledgerredaction:{id}'], false);"
    entry = "SELECT portal_ledger_append('redaction:{id}', 'redaction.confirmed', 'user:1', '{{}}', " + covering
    attacks = {
        "never changed or deleted": f"DELETE FROM portal_ledgerbody WHERE leaf_id = {leaf.pk}",
        "by_two": confirmed.format(by=mia.pk, id=redaction.pk) + entry.format(id=redaction.pk),
        "may not redact": confirmed.format(by=ann.pk, id=redaction.pk) + entry.format(id=redaction.pk),
        "Person": f"INSERT INTO portal_ledgerredaction ({fields}) VALUES ({leaf.pk}, 'x', 'x', {ann.pk}, now(), now())",
        "begins as a proposal": f"INSERT INTO portal_ledgerredaction ({fields}, confirmed_by_id, confirmed_at) "
        f"VALUES ({leaf.pk}, 'x', 'x', {mia.pk}, now(), now() + interval '1 day', {rex.pk}, now())",
        "no ledger entry": confirmed.format(by=rex.pk, id=redaction.pk),
        "never changes": f"UPDATE portal_ledgerredaction SET leaf_id = {other.pk} WHERE id = {redaction.pk}",
        "is not the one that was read": f"SELECT portal_ledger_redact({redaction.pk}, 'x', {rex.pk})",
        "does not wait for anybody": f"SELECT portal_ledger_redact(666, '{redaction.digest}', {rex.pk})",
        # Confirmed and on record, and then another body.
        "evidence is inserted": confirmed.format(by=rex.pk, id=redaction.pk)
        + entry.format(id=redaction.pk)
        + f"DELETE FROM portal_ledgerbody WHERE leaf_id = {other.pk}",
        "inserted, never changed": f"UPDATE portal_ledgerbody SET payload = '{{}}' WHERE leaf_id = {leaf.pk}",
    }
    for words, statement in attacks.items():
        with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert (LedgerBody.objects.filter(leaf=leaf).count(), LedgerRedaction.objects.get().confirmed_at) == (1, None)

    with lifted(connection, "portal_ledgerredaction"), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgerredaction SET expires_at = now() - interval '1 s'")
    with pytest.raises(DatabaseError, match="does not wait"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT portal_ledger_redact(%s, %s, %s)", [redaction.pk, redaction.digest, rex.pk])


def test_a_row_whose_last_entry_was_redacted_is_told_and_not_called_tampering(where, mia, rex):
    redaction = proposed(LedgerLeaf.objects.filter(kind__startswith="role.", rows__len=1).order_by("-id").first(), mia)
    actions.confirm_redaction(redaction=redaction, digest=redaction.digest, by=rex, at=now())

    found = verify(where=where, full=True)

    assert found.problems == ()
    assert any("is not compared: the text of the last entry about it was redacted" in text for text in found.remarks)


def test_a_redaction_on_the_pages(client, leaf, mia, rex):
    sign_in(client, mia)
    page = client.get(f"/ledger/entries/{leaf.pk}/").content.decode()
    assert SECRET in page
    assert "Propose to redact it" in page
    assert client.post(f"/ledger/entries/{leaf.pk}/redact/", {"reason": ""}).status_code == 422
    answer = client.post(f"/ledger/entries/{leaf.pk}/redact/", {"reason": "A password."}, follow=True)
    assert "A password." in answer.content.decode()
    assert "Redact it" not in answer.content.decode()
    assert "waits for a second person" in client.get(f"/ledger/entries/{leaf.pk}/").content.decode()
    redaction = LedgerRedaction.objects.get()

    assert "Confirm or turn down a redaction" in [item.title for item in items_for(user=rex, at=now())]
    assert "redaction" not in str(items_for(user=mia, at=now()))
    sign_in(client, rex)
    assert "Redact it" in client.get("/ledger/redactions/").content.decode()
    answer = client.post(f"/ledger/redactions/{redaction.pk}/confirm/", {"digest": redaction.digest}, follow=True)
    page = answer.content.decode()
    assert "The text of this entry was redacted" in page
    assert SECRET not in page
    assert "Mia" in page
    assert "Redacted" in client.get("/ledger/").content.decode()

    second = LedgerLeaf.objects.get(stream="notes", stream_seq=3)
    client.post(f"/ledger/entries/{second.pk}/redact/", {"reason": "Too much."})
    client.post(f"/ledger/redactions/{LedgerRedaction.objects.latest('id').pk}/withdraw/")
    page = client.get("/ledger/redactions/").content.decode()
    assert "turned down by Rex" in page
    assert "confirmed by Rex" in page

    sign_in(client, person("Ann"))
    assert client.get(f"/ledger/entries/{second.pk}/").status_code == 200
    assert client.post(f"/ledger/entries/{second.pk}/redact/", {"reason": "x"}).status_code == 403

    with lifted(connection, "portal_ledgerbody"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM portal_ledgerbody WHERE leaf_id = %s", [second.pk])
    assert "no redaction says why" in client.get(f"/ledger/entries/{second.pk}/").content.decode()

    uma, _ = admitted()
    client.force_login(uma)
    page = client.get(f"/ledger/entries/{LedgerLeaf.objects.get(stream='notes', stream_seq=1).pk}/").content.decode()
    assert "lies outside the engagement" in page
    assert "before" not in page.split("<main")[1].split("Recorded")[1]
    assert client.get("/ledger/redactions/").status_code == 200


def test_alarms_of_the_ledger_come_to_those_who_look_into_them(mia):
    at = now()
    values = {"ok": False, "entries": 0, "checkpoints": 0, "seconds": 0, "problems": [{"place": "entry 3", "sentence": "is gone"}]}
    for what, hours in (("verify", 50), ("guards", 3), ("seal", 3)):
        LedgerCheck.objects.create(what=what, at=at - timedelta(hours=hours), **values)

    found = [item for item in items_for(user=mia, at=at) if "ledger" in item.href]
    assert {(item.title, item.about) for item in found} == {
        ("The ledger does not match", "entry 3: is gone"),
        ("The guards of the database deviate", "entry 3: is gone"),
    }
    LedgerCheck.objects.create(what="guards", at=at, **{**values, "ok": True})
    LedgerCheck.objects.create(what="seal", at=at, **values)
    titles = [item.title for item in items_for(user=mia, at=at) if "ledger" in item.href]
    assert sorted(titles) == ["The ledger does not match", "The seal was refused"]
    assert [item for item in items_for(user=person("Ann"), at=at) if "ledger" in item.href] == []

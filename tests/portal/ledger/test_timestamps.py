"""Time stamps over checkpoints: asked of an authority outside, verified before they are kept, and again without asking anybody."""

import hashlib
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from rfc3161_client import _rust

from changes.connectors import timestamps as asking
from portal import timestamps
from portal.environment import Misconfigured
from portal.ledger.models import LedgerAnchor, LedgerCheckpoint, LedgerTimestamp
from portal.ledger.sealer import seal
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from tests.database import lifted
from tests.portal.ledger.authority import Authority
from tests.portal.ledger.conftest import ORIGIN, note, refused

AT = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def authority():
    return Authority(above=Authority())


@pytest.fixture
def outside(authority, tmp_path, monkeypatch, settings):
    """The authority as a server of its own; ``outside.says`` changes what it answers."""

    class Outside(BaseHTTPRequestHandler):
        def do_POST(self):
            server.heard.append((self.path, self.headers["Content-Type"]))
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            question = _rust.parse_timestamp_request(asked)
            answer = server.says(digest=question.message_imprint.message, nonce=question.nonce, at=AT)
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words):
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Outside)
    server.heard, server.says, server.status = [], authority.stamp, 200
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    (tmp_path / "roots.pem").write_bytes(authority.pem)
    settings.CONNECTOR_PRIVATE_HOSTS = (f"127.0.0.1:{server.server_port}",)
    monkeypatch.setenv(timestamps.URL, f"http://127.0.0.1:{server.server_port}/tsr")
    monkeypatch.setenv(timestamps.ROOTS, str(tmp_path / "roots.pem"))
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_checkpoint_is_stamped_once_an_hour_verified_offline_and_a_forged_stamp_is_found(outside, where, monkeypatch, tmp_path):
    note()
    seal(at=AT, where=where, origin=ORIGIN, force=True)
    with monkeypatch.context() as patch:
        patch.delenv(timestamps.URL)
        assert not asking.stamp_checkpoint(at=AT), "off by itself"

    assert asking.stamp_checkpoint(at=AT)
    assert not asking.stamp_checkpoint(at=AT), "once an hour"
    deliver_due(now=lambda: AT + HOUR)

    assert outside.heard == [("/tsr", timestamps.KIND)]
    checkpoint, kept = LedgerCheckpoint.objects.get(), LedgerTimestamp.objects.get()
    assert str(kept) == f"time stamp {checkpoint.size}"
    assert (kept.size, kept.at, kept.authority) == (checkpoint.size, AT, "CN=Desk 2")
    assert kept.note_digest == hashlib.sha256(checkpoint.note.encode()).hexdigest()
    anchor = LedgerAnchor.objects.get(name=asking.NAME)
    assert (anchor.size, anchor.at, anchor.place.partition(":")[0]) == (kept.size, AT, "127.0.0.1")
    assert not asking.stamp_checkpoint(at=AT + HOUR), "nothing new was signed"
    assert asking.deliver_timestamp({"size": kept.size})["not_asked"] == "it is stamped already"
    assert list(timestamps.check()) == []
    said = StringIO()
    call_command("ledger", "export", str(tmp_path / "out"), stdout=said)
    assert f"1 time stamps in {tmp_path / 'out' / 'timestamps'}" in said.getvalue()
    assert (tmp_path / "out" / "timestamps" / f"{kept.size:012d}.tsr").read_bytes() == bytes(kept.answer)

    # Of another note, by another authority, over a checkpoint that is gone.
    other = Authority().stamp(digest=hashlib.sha256(checkpoint.note.encode()).digest(), nonce=1, at=AT)
    for tampered in ({"answer": other}, {"size": 999}):
        with refused("evidence is"):
            LedgerTimestamp.objects.update(**tampered)
    with refused("evidence is"):
        LedgerTimestamp.objects.all().delete()
    with lifted(connection, "portal_ledgertimestamp"):
        for answer, words in ((outside.says(digest=b"x" * 32, nonce=1, at=AT), "Mismatch"), (other, "certificates"), (b"x", "")):
            LedgerTimestamp.objects.update(answer=answer)
            [problem] = timestamps.check()
            assert (problem.place, words in problem.sentence) == (f"time stamp {kept.size}", True)
        with pytest.raises(CommandError, match="does not verify"):
            call_command("ledger", "verify", stdout=said)
        LedgerTimestamp.objects.update(size=999)
    assert [problem.sentence for problem in timestamps.check()] == ["it is over a checkpoint that is not there"]
    monkeypatch.delenv(timestamps.ROOTS)
    call_command("ledger", "verify", stdout=said)
    assert "REMARK  The time stamps were not verified: COUNTERSIGN_TSA_ROOTS names no file" in said.getvalue()
    assert "The ledger verifies" in said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_what_is_no_valid_stamp_is_not_kept_and_the_page_says_why(outside, where, monkeypatch, tmp_path):
    note()
    seal(at=AT, where=where, origin=ORIGIN, force=True)
    stamp = outside.says
    for hour, says in enumerate(
        (
            lambda **asked: stamp(**{**asked, "nonce": asked["nonce"] + 1}),
            lambda **asked: stamp(**{**asked, "digest": b"x" * 32}),
            lambda **asked: stamp(**asked, status=2),
            lambda **asked: b"no DER",
        )
    ):
        outside.says = says
        assert asking.stamp_checkpoint(at=AT + hour * HOUR)
        deliver_due(now=lambda: AT + 24 * HOUR)

    assert set(Effect.objects.filter(kind=asking.EFFECT).values_list("state", flat=True)) == {Effect.State.QUARANTINED}
    assert not LedgerTimestamp.objects.exists()
    for hour, status, state in ((5, 503, "waiting"), (6, 404, "quarantined")):
        outside.status = status
        assert asking.stamp_checkpoint(at=AT + hour * HOUR)
        deliver_due(now=lambda: AT + 24 * HOUR)
        newest = Effect.objects.order_by("-id").first()
        assert (newest.state, f"answered {status}" in newest.error) == (state, True)
    monkeypatch.setenv(timestamps.ROOTS, "")
    asking.stamp_checkpoint(at=AT + 10 * HOUR)
    assert LedgerAnchor.objects.get(name=asking.NAME).problem.endswith("answered 404")
    deliver_due(now=lambda: AT + 24 * HOUR)
    assert "names no file with certificates" in Effect.objects.order_by("-id").first().error
    monkeypatch.setenv(timestamps.URL, "https://robot:a-password-nobody-sees@tsa.northwind.example/tsr")
    outside.status = 200
    monkeypatch.setenv(timestamps.ROOTS, str(tmp_path / "roots.pem"))
    asking.stamp_checkpoint(at=AT + 11 * HOUR)
    deliver_due(now=lambda: AT + 24 * HOUR)
    asking.stamp_checkpoint(at=AT + 12 * HOUR)
    anchor = LedgerAnchor.objects.get(name=asking.NAME)
    assert (anchor.place, anchor.problem.partition(" looks")[0]) == ("tsa.northwind.example", "A base address")
    monkeypatch.delenv(timestamps.URL)
    assert asking.deliver_timestamp({"size": LedgerCheckpoint.objects.get().size})["not_asked"] == "time stamps are switched off"


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)

    with pytest.raises(Misconfigured, match=r"requirements-optional\.txt"):
        timestamps.request_for("note")

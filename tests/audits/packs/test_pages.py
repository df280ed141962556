"""The page of evidence packs, and the download: whole, resumed, refused; for who works here, and for auditors behind their wall."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from audits.engagements.models import ReadLog
from audits.packs import actions, pieces
from audits.packs.models import Pack, PackPiece
from audits.packs.views import file
from portal.ledger.models import LedgerLeaf
from tests.audits.engagements.opened import admitted
from tests.audits.packs.made import frozen, row_of
from tests.changes.people import sign_in, who
from tests.portal.access.loop import run

FILE = b"".join(bytes([number]) * 100 for number in range(25))
ASKED = "Nobody can take its file any more, and it does not come back."


def offered(engagement, by, monkeypatch):
    """A pack whose file is 2,500 bytes in pieces of 1,000."""
    monkeypatch.setattr("audits.packs.pieces.PIECE", 1000)
    monkeypatch.setattr("audits.packs.download.PIECE", 1000)
    at = timezone.now()
    actions.ask(engagement=engagement, by=by, at=at)
    held = actions.claim(at=at)
    for place in range(3):
        PackPiece.objects.create(pack=held, attempt=held.attempt, position=place, content=FILE[place * 1000 : place * 1000 + 1000])
    actions.finish(pack=held, digest=hashlib.sha256(FILE).hexdigest(), size=len(FILE), at=at)
    return Pack.objects.get(pk=held.pk)


def body(answer):
    return b"".join(answer.streaming_content)


@pytest.mark.django_db
def test_page_builds_shows_progress_offers_and_cancels(client, where, monkeypatch):
    uma, engagement = admitted()
    page = f"/audits/{engagement.pk}/packs/"
    sign_in(client, who("Mia"))
    assert "Freeze a population first" in client.get(page).content.decode()
    refused = client.post(f"{page}build/")
    assert (refused.status_code, "Nothing is frozen" in refused.content.decode()) == (422, True)
    frozen(engagement, "exceptions", [row_of("exceptions", 1)], by=uma, at=timezone.now())
    assert "Build a pack" in client.get(page).content.decode()

    assert client.post(f"{page}build/").status_code == 302

    text = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "Waiting for a worker" in text
    assert "<html" not in text
    assert " left" not in text
    begun = {"began_at": timezone.now() - timedelta(minutes=4), "moved_at": timezone.now(), "done": 2, "steps": 4}
    Pack.objects.update(step="Papers", **begun)
    assert "Papers: step 3 of 4, about 4 minutes left." in client.get(page).content.decode()
    assert "Papers: 2 of 4, about 4 minutes left." in client.get("/exports/").content.decode()
    assert "Build a pack" not in client.get(page).content.decode()
    assert client.get(f"{page}1/file/").status_code == 409
    assert ASKED not in client.get(page).content.decode(), "what is being built is lost by nobody"
    assert client.post(f"{page}1/cancel/").status_code == 302
    assert "Cancelled" in client.get(page).content.decode()
    actions.clear(at=timezone.now())
    assert client.get(f"{page}1/file/").status_code == 410
    assert client.get(page, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert client.get(f"{page}9/file/").status_code == 404

    pack = offered(engagement, who("Mia"), monkeypatch)
    text = client.get(page).content.decode()
    assert pack.digest in text
    assert f"{page}2/file/" in text
    for shown in (text, client.get("/exports/").content.decode()):
        asked = shown.partition("<details")[2].partition("</details>")[0]
        assert (f'action="{page}2/cancel/"' in asked, ASKED in asked) == (True, True)
        assert shown.count(f"{page}2/cancel/") == 1
    assert "Evidence pack 2 of the audit" in client.get(f"/verify/{pack.digest}/").content.decode()


@pytest.mark.django_db
def test_download_is_whole_resumable_and_noted(client, where, monkeypatch):
    uma, engagement = admitted()
    frozen(engagement, "exceptions", [row_of("exceptions", 1)], by=uma, at=timezone.now())
    pack = offered(engagement, uma, monkeypatch)
    address = f"/audits/{engagement.pk}/packs/1/file/"
    sign_in(client, who("Mia"))

    whole = client.get(address)

    assert (whole.status_code, body(whole)) == (200, FILE)
    assert (whole["ETag"], whole["Accept-Ranges"], whole["Content-Length"]) == (f'"{pack.digest}"', "bytes", "2500")
    assert "confidential-audit-" in whole["Content-Disposition"]
    part = client.get(address, headers={"Range": "bytes=950-2100", "If-Range": whole["ETag"]})
    assert (part.status_code, part["Content-Range"], body(part)) == (206, "bytes 950-2100/2500", FILE[950:2101])
    other = client.get(address, headers={"Range": "bytes=950-", "If-Range": '"other"'})
    assert (other.status_code, body(other)) == (200, FILE)
    beyond = client.get(address, headers={"Range": "bytes=2500-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */2500")
    assert client.head(address)["Content-Length"] == "2500"
    assert LedgerLeaf.objects.filter(stream=f"pack:{pack.pk}", kind="pack.taken").count() == 2
    sign_in(client, who("Dev"))
    for first in (2500, 1, 100):
        client.get(address, headers={"Range": f"bytes={first}-"})
    dev = LedgerLeaf.objects.filter(stream=f"pack:{pack.pk}", kind="pack.taken", actor=f"user:{who('Dev').pk}")
    assert dev.count() == 1, "all but the first byte is the file as well"
    client.get(address, headers={"Range": "bytes=0-9"})
    assert dev.count() == 2

    PackPiece.objects.filter(pack=pack, position=1).delete()
    with pytest.raises(LookupError, match="lost piece 1"):
        body(client.get(address))
    late = timezone.now() + actions.OFFERED + timedelta(minutes=1)
    monkeypatch.setattr("audits.packs.views.time_of", lambda request: late)
    assert client.get(address).status_code == 410
    assert pieces.PIECE == 1000


@pytest.mark.django_db(transaction=True)
def test_auditor_builds_and_takes_a_pack_behind_the_wall_and_every_part_is_in_the_read_log(client, where, monkeypatch):
    uma, engagement = admitted()
    frozen(engagement, "exceptions", [row_of("exceptions", 1)], by=uma, at=timezone.now())
    page = f"/audits/{engagement.pk}/packs/"
    sign_in(client, uma)

    assert client.post(f"{page}build/").status_code == 302
    assert client.post(f"{page}1/cancel/").status_code == 302
    actions.clear(at=timezone.now())
    offered(engagement, uma, monkeypatch)
    answer = client.get(f"{page}2/file/", headers={"Range": "bytes=100-2400"})

    assert (answer.status_code, answer.behind_wall, body(answer)) == (206, True, FILE[100:2401])
    assert ReadLog.objects.filter(path=f"{page}2/file/", reader=uma).count() == 1
    assert not LedgerLeaf.objects.filter(kind="pack.taken").exists()
    with monkeypatch.context() as patch:
        patch.setattr("audits.engagements.middleware.FILES_MOST", 1)
        assert client.get(f"{page}2/file/").status_code == 429
    assert client.get("/audits/999/packs/").status_code == 404

    streamed = client.get(f"{page}2/file/")

    async def read():
        return b"".join([piece async for piece in streamed])

    assert run(read()) == FILE
    assert file.permission == "audit.see"

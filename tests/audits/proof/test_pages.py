"""The ledger's page, its verification, and the check of a printed record."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from changes.proposals.models import Change
from portal.ledger.models import LedgerVerification
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.ledger.tasks import verify_asked
from tests.audits.engagements.opened import admitted
from tests.changes.people import person, sign_in
from tests.database import lifted
from tests.portal.ledger.conftest import ORIGIN

pytestmark = pytest.mark.django_db(transaction=True)
VALUES = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


def test_the_ledger_shows_what_was_recorded(client):
    sign_in(client, person("Ann"))
    client.post("/changes/new/", VALUES)

    page = client.get("/ledger/").content.decode()

    assert "change.opened" in page
    assert "change:1001/1" in page


def test_a_verification_is_kept_and_shown(client, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    sign_in(client, person("Ann"))
    client.post("/changes/new/", VALUES)

    answer = client.post("/ledger/verify/")
    job = LedgerVerification.objects.get()
    assert answer["Location"] == f"/ledger/verify/{job.pk}/"
    assert client.post("/ledger/verify/")["Location"] == answer["Location"], "one at a time"
    assert "Waits for a worker" in client.get(answer["Location"]).content.decode()
    LedgerVerification.objects.update(
        started_at=now() - timedelta(seconds=10), seen_at=now(), entries=1000, progress={"hashes": 1000, "texts": 500}
    )
    page = client.get(answer["Location"], headers={"HX-Request": "true"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "<html" not in text
    assert "21 % of" in text
    assert "entries a second" in text
    assert "a second, less than a minute left." in text
    assert "Watch it" in client.get("/ledger/verify/").content.decode()

    LedgerVerification.objects.update(seen_at=now() - timedelta(minutes=6))
    verify_asked()

    assert "Everything matches" in client.get(answer["Location"]).content.decode()
    assert client.get(answer["Location"], headers={"HX-Request": "true"}).status_code == 286, "htmx asks no more"
    assert "Verified" in client.get("/ledger/").content.decode()
    with lifted(connection, "portal_ledgerleaf"), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgerleaf SET actor = 'user:666'")
    second = client.post("/ledger/verify/")["Location"]
    verify_asked()
    assert "The ledger does not match" in client.get(second).content.decode()
    assert "This does not match" in client.get("/ledger/verify/quick/").content.decode()


def test_auditors_read_results_and_check_quickly_and_start_nothing(client, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    sign_in(client, person("Ann"))
    client.post("/changes/new/", VALUES)
    job = client.post("/ledger/verify/")["Location"]
    seal(at=now(), where=places(), origin=ORIGIN, force=True)
    verify_asked()
    uma, _ = admitted()
    client.force_login(uma)

    assert "Everything matches" in client.get(job).content.decode()
    assert "Verify now" not in client.get("/ledger/verify/").content.decode()
    page = client.get("/ledger/verify/quick/").content.decode()
    assert "1 checkpoint match" in page
    assert client.post("/ledger/verify/").status_code == 403
    assert LedgerVerification.objects.count() == 1


def test_a_printed_digest_is_found_or_refused(client):
    sign_in(client, person("Ann"))
    client.post("/changes/new/", VALUES)
    digest = Change.objects.get().revisions.get().digest

    assert b"It matches" in client.get(f"/verify/{digest}/").content
    assert client.get(f"/verify/{'0' * 64}/").status_code == 404

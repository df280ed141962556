"""The ledger's page, its verification, and the check of a printed record."""

import pytest

from changes.proposals.models import Change
from tests.changes.people import person, sign_in

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

    answer = client.post("/ledger/verify/", follow=True)

    assert answer.status_code == 200
    assert "Verified" in answer.content.decode()


def test_a_printed_digest_is_found_or_refused(client):
    sign_in(client, person("Ann"))
    client.post("/changes/new/", VALUES)
    digest = Change.objects.get().revisions.get().digest

    assert b"It matches" in client.get(f"/verify/{digest}/").content
    assert client.get(f"/verify/{'0' * 64}/").status_code == 404

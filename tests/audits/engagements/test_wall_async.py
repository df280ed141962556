"""The wall also stands under ASGI, where middleware, guards and views meet in one thread by Django's doing."""

import pytest
from django.test import AsyncClient

from audits.engagements.models import ReadLog
from changes.delivery.models import Repository
from portal.ledger.models import LedgerLeaf
from tests.audits.engagements.attacks import ATTACKS
from tests.audits.engagements.opened import admitted
from tests.portal.access.loop import run
from tests.portal.access.people import LONG_AGO

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.audits.engagements.attacks")]


@pytest.fixture
def uma():
    Repository.objects.create(name="acme/web", in_scope_from=LONG_AGO)
    return admitted()[0]


def ask(user, *addresses: str) -> list:
    """The answers to these addresses, one after the other, as ASGI gives them."""

    async def walk() -> list:
        client = AsyncClient()
        await client.aforce_login(user)
        return [await client.get(address) for address in addresses]

    return run(walk())


def test_attempts_to_write_leave_no_row_under_asgi(uma):
    before = (list(Repository.objects.values_list("name", flat=True)), LedgerLeaf.objects.count())

    answers = ask(uma, *(f"/attack/{name}/" for name in ATTACKS))

    assert [answer.content for answer in answers] == [b"tried"] * len(ATTACKS)
    assert (list(Repository.objects.values_list("name", flat=True)), LedgerLeaf.objects.count()) == before
    assert ReadLog.objects.count() == len(ATTACKS)


def test_pages_are_read_under_the_auditors_role_under_asgi(uma):
    page, stream, live, missing = ask(uma, "/read/", "/stream/", "/live/", "/nowhere/")

    assert page.content == b"countersign_auditor 1"
    assert stream.content == b"countersign_auditor"
    assert live.content == b"ding"
    assert missing.status_code == 404

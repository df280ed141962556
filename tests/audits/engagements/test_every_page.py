"""Auditors see the same pages: each one that their role opens is made behind the wall without a fault."""

import pytest
from django.test import Client
from django.utils import timezone

from audits.engagements.middleware import LIVE, OWN_SIGN_IN
from audits.engagements.models import ReadLog
from changes.connectors.models import Source
from changes.delivery.models import Repository
from portal.access.permissions import EVERYBODY
from portal.access.roles import Role, permissions_of
from portal.access.walk import routes, rule_of
from tests.architecture.test_urls import address_of
from tests.audits.engagements.opened import admitted
from tests.portal.access.people import LONG_AGO, person

pytestmark = pytest.mark.django_db(transaction=True)
ALLOWED = permissions_of([Role.AUDITOR]) | EVERYBODY


def addresses() -> list[str]:
    """Every address that an auditor may open, with something in each place."""
    open_ones = [route for route in routes() if (rule := rule_of(route.view, route.name)) and rule.permission in ALLOWED]
    return sorted(address_of(route) for route in open_ones if route.name not in OWN_SIGN_IN | LIVE)


def test_auditor_opens_every_page_without_a_fault(settings):
    settings.DEMO = True  # pages of a demo read more: how far it has come
    Repository.objects.create(name="acme/web", in_scope_from=LONG_AGO)
    for kind in ("cloudflare", "doppler", "fly", "github", "slack"):
        Source.objects.create(name=kind, kind=kind, connected_at=LONG_AGO, last_good_read_at=timezone.now())
    uma, _ = admitted()
    for name in ("Ann", "Bob", "Rex"):
        person(name)
    client = Client(raise_request_exception=False)
    client.force_login(uma)

    answers = {address: client.get(address).status_code for address in addresses()}

    assert {address: status for address, status in answers.items() if status >= 500} == {}
    assert ReadLog.objects.count() == len(answers)
    assert {"/changes/", "/deploys/", "/exceptions/", "/integrations/", "/ledger/", "/people/"} <= answers.keys()

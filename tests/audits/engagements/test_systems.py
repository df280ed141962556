"""An audit of some systems shows records of these systems only."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes.connectors.models import Source
from changes.entitlements.actions import take
from changes.entitlements.facts import Held, Right
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.models import Asset
from portal.access.models import User
from tests.audits.engagements.opened import admitted

pytestmark = pytest.mark.django_db(transaction=True)


def test_auditor_of_one_system_sees_nothing_of_another():
    now = timezone.now()
    for name, kind in (("Our Fly", "fly"), ("Our Doppler", "doppler")):
        Source.objects.create(name=name, kind=kind, connected_at=now)
        thing = f"{kind}.organization:1"
        observe(source=name, kinds=[f"{kind}.app"], seen=[Seen(f"{kind}.app", "1", f"{kind}-thing")], at=now)
        take(source=name, things=[thing], held=[Held("7", f"{kind}-account", thing, kind, Right.ADMIN)], at=now)
    uma, _ = admitted(systems=("fly",))
    assets = {asset.name: reverse("asset", args=[asset.pk]) for asset in Asset.objects.all()}
    auditor, compliance = Client(), Client()
    auditor.force_login(uma)
    compliance.force_login(User.objects.get(name="Mia"))

    for address, words in (
        (reverse("inventory"), "-thing"),
        (reverse("inventory-file"), "-thing"),
        (reverse("access"), "-account"),
        (reverse("access") + "?since=2020-01-01", "-account"),
        (reverse("access-file"), "-account"),
        (reverse("integrations"), ""),
    ):
        seen, all_of_it = (client.get(address).content.decode().lower() for client in (auditor, compliance))
        assert (f"fly{words}" in seen, f"doppler{words}" in seen) == (True, False), address
        assert f"doppler{words}" in all_of_it, address
    assert [auditor.get(assets[name]).status_code for name in ("fly-thing", "doppler-thing")] == [200, 404]
    assert compliance.get(assets["doppler-thing"]).status_code == 200

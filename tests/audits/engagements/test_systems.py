"""An audit of some systems shows records of these systems only."""

from datetime import timedelta

import pytest
from django.db import models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes.completeness.populations import POPULATIONS
from changes.connectors.models import Source
from changes.connectors.outage_models import SourceOutage
from changes.delivery.models import Release, Repository
from changes.entitlements.actions import take
from changes.entitlements.facts import Held, Right
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.models import Asset
from portal.access.models import User
from tests.audits.engagements.opened import admitted
from tests.database import cover

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


@transaction.atomic
def keep(row: models.Model) -> None:
    row.save()
    cover(row)


def test_auditor_of_one_system_opens_no_completeness_of_another():
    """The sheet, the rows and the file behind each number, and the outages; a search for one repository keeps the systems."""
    now = timezone.now()
    began = now - timedelta(hours=2)
    repository = Repository.objects.create(
        name="northwind/web", vendor_id=1, clone_url="https://git.northwind.example/web", in_scope_from=began
    )
    for name, kind in (("Our GitHub", "github"), ("Our Fly", "fly"), ("Our Doppler", "doppler"), ("Our Slack", "slack")):
        source = Source.objects.create(name=name, kind=kind, connected_at=began)
        why = {"kind": "unreadable", "why": f"{name} was dark", "noted_at": now}
        keep(SourceOutage(source=source, began_at=began, ended_at=now, **why))
        observe(source=name, kinds=[f"{kind}.app"], seen=[Seen("fly.app", "1", f"{kind}-thing")] if kind == "fly" else [], at=now)
    keep(SourceOutage(repository=repository, began_at=began, ended_at=now, **why))
    observe(source="Our Doppler", kinds=["doppler.config"], seen=[Seen("doppler.config", "1", "doppler-thing")], at=now)
    for version, kind in ((41, "fly"), (42, "github")):
        names = {"app": "northwind-app", "version": version} if kind == "fly" else {"vendor_id": "v42"}
        names |= {"environment": "production", "created_at": began, "reported_at": began}
        Release.objects.create(source=kind, state="succeeded", **names)
    uma, _ = admitted(systems=("git",))
    auditor, compliance = Client(), Client()
    auditor.force_login(uma)
    compliance.force_login(User.objects.get(name="Mia"))
    theirs = {"commits", "merged", "deployments", "logged", "changes-commit", "changes-release"}

    for code in POPULATIONS:
        for address in (f"/completeness/{code}/", f"/completeness/{code}.csv"):
            assert auditor.get(address).status_code == (200 if code in theirs else 404), address
            assert compliance.get(address).status_code == 200, address
    logged = [client.get("/completeness/logged.csv").content.decode() for client in (auditor, compliance)]
    assert [("v41" in text, "v42" in text) for text in logged] == [(False, True), (True, True)]
    for query in ("", "?repository=northwind/web"):
        sheet, whole = (client.get(f"/completeness/sheet.json{query}").json()["sheet"] for client in (auditor, compliance))
        assert (
            {line["population"] for line in sheet["forward"] + sheet["backward"]}
            == {code for code, _ in sheet["questions"]}
            == theirs
        )
        assert {row["source"] for row in sheet["coverage"]} == {"Our GitHub", "git northwind/web"}
        assert {row["source"] for row in sheet["holes"]} == {"Our GitHub", "git northwind/web"}
        assert (len(whole["coverage"]), len(whole["holes"])) == (5, 5)
        assert ("systems (git)" in str(sheet["notes"]), "systems (git)" in str(whole["notes"])) == (True, False)
    assert [row["releases"] for row in auditor.get("/completeness/sheet.json").json()["sheet"]["days"]] == [1]
    assert [row["kind"] for row in auditor.get("/completeness/sheet.json").json()["sheet"]["scope"]] == ["repository"]
    assert "doppler-thing" in compliance.get("/completeness/sheet.json").content.decode()
    dark = [client.get("/completeness/outages/").content.decode() for client in (auditor, compliance)]
    assert [("Our GitHub was dark" in text, "Our Doppler was dark" in text) for text in dark] == [(True, False), (True, True)]
    assert "Doppler" not in auditor.get("/completeness/").content.decode()

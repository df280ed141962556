"""The pages of the inventory, of drift and of the reconciliation over HTTP; who may."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from changes.drift.actions import note_compared, record
from changes.drift.facts import Found, Place, Rule
from changes.drift.models import DriftCase
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent
from changes.inventory.models import Asset, Reconciliation
from changes.inventory.reconciling import first_of
from portal.home.inbox import items_for
from portal.runtime.models import Lease
from tests.audits.engagements.opened import admitted
from tests.changes.people import person, sign_in, who

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HOUR = timedelta(hours=1)
PLACE = Place(Rule.ENV, "fly", "web", "production")


def read(*names, at=NOW, **configuration):
    seen = [Seen("fly.app", name, name, "production", configuration=configuration) for name in names]
    observe(source="fly", kinds={"fly.app"}, seen=seen, at=at)


def text(answer):
    return answer.content.decode()


def test_the_list_begins_with_what_was_not_seen_and_filters_and_pages(client, django_assert_max_num_queries):
    sign_in(client, person("Ann"))
    assert "First sync has not run" in text(client.get("/inventory/"))
    observe(source="cf", kinds={"cf.zone"}, seen=[Seen("cf.zone", "z", "old.example")], at=NOW - 25 * HOUR)
    read(*(f"app-{number:03}" for number in range(60)), at=NOW - 2 * HOUR)
    read(*(f"app-{number:03}" for number in range(59)), at=NOW - HOUR)

    with django_assert_max_num_queries(14):
        first = text(client.get("/inventory/"))
    assert first.index("old.example") < first.index("app-000")
    assert ("Not seen" in first, "app-059" in first, "60 assets, 1 not seen for 24 hours, 60 without an owner" in first) == (
        *(True, False),
        True,
    )
    assert "app-058" in text(client.get("/inventory/?q=APP-058&kind=fly.app&source=fly&environment=production&owner=nobody"))
    assert "app-059" in text(client.get("/inventory/?state=gone"))
    assert "app-000" not in text(client.get("/inventory/?state=unseen"))
    assert "Clear the filter" in text(client.get("/inventory/?owner=1&q=nothing%00"))
    file = text(client.get("/inventory/list.csv?state=all"))
    assert (file.count("\n"), "Confidential: inventory" in file, "61 rows" in file) == (63, True, True)
    within = [Seen("cf.record", name, f"{name}.example", within=place) for name, place in (("a", "z"), ("b", "unknown"))]
    observe(source="cf", kinds={"cf.record"}, seen=within, at=NOW)
    named = text(client.get("/inventory/?kind=cf.record"))
    assert ("cf.record, in old.example<" in named, "cf.record, in unknown<" in named) == (True, True)


def test_an_asset_shows_its_history_word_by_word_and_takes_an_owner(client):
    bob, ann = person("Bob"), person("Ann")
    read("web", at=NOW - 3 * HOUR, region="fra")
    read("web", at=NOW - 2 * HOUR, region="iad")
    note_events(source="fly", events=[VendorEvent("1", NOW, "scaled", actor_name="Rex", object_id="web")], at=NOW)
    row = Asset.objects.get()
    sign_in(client, bob)

    page = text(client.get(f"/inventory/{row.pk}/"))
    for words in ("region: fra → iad", "<del>", "scaled", "First seen", "Nobody yet"):
        assert words in page
    given = {"owner": str(ann.pk), "criticality": "critical", "seen_owner": "", "seen_criticality": ""}
    assert client.post(f"/inventory/{row.pk}/keep/", given).status_code == 302
    assert client.post(f"/inventory/{row.pk}/keep/", given).status_code == 409
    assert client.post(f"/inventory/{row.pk}/keep/", {**given, "criticality": "huge"}).status_code == 422
    row.refresh_from_db()
    assert (row.owner, row.criticality) == (ann, "critical")
    assert "Ann" in text(client.get(f"/inventory/?owner={ann.pk}"))
    assert client.get("/inventory/999/").status_code == 404
    sign_in(client, ann)
    assert "seen_owner" not in text(client.get(f"/inventory/{row.pk}/"))
    assert client.post(f"/inventory/{row.pk}/keep/", given).status_code == 403


def test_drift_is_listed_answered_and_says_what_it_could_not_compare(client):
    bob = person("Bob")
    sign_in(client, bob)
    assert "Nothing was compared yet" in text(client.get("/drift/"))
    assert "No scheduler runs" in text(client.post("/drift/compare/", follow=True))
    Lease.objects.create(name="compare-drift", next_at=NOW + timedelta(days=3650))
    assert "Comparing now" in text(client.post("/drift/compare/", follow=True))
    assert Lease.objects.get().next_at < NOW + timedelta(days=3650)
    note_compared(source="fly", subject="api", at=NOW, problem="No successful release of it is known.")
    assert "Everything matches" in text(client.get("/drift/"))
    record(looked_at=[PLACE], found=[Found(PLACE, ("Only in Fly: DEBUG",), "fly.toml at 1111111")], at=NOW)
    row = DriftCase.objects.get()

    assert [item.about for item in items_for(user=bob, at=NOW) if item.icon == "git-compare"] == ["1 case without an answer"]
    page = text(client.get("/drift/?environment=production"))
    assert ("Names of variables: web" in page, "1 app could not be compared" in page) == (True, True)
    assert "No case fits" in text(client.get("/drift/?state=accepted&environment=staging"))
    assert "Only in Fly: DEBUG" in text(client.get(f"/drift/{row.pk}/"))
    given = {"state": "accepted", "note": "Until the migration.", "seen": row.digest}
    assert "within a year" in text(client.post(f"/drift/{row.pk}/answer/", given))
    assert client.post(f"/drift/{row.pk}/answer/", {**given, "note": ""}).status_code == 422
    day = (timezone.now() + timedelta(days=9)).date().isoformat()
    assert client.post(f"/drift/{row.pk}/answer/", {**given, "last_day": day}).status_code == 302
    assert "Until the migration." in text(client.get(f"/drift/{row.pk}/"))
    assert "not what you read" in text(client.post(f"/drift/{row.pk}/answer/", {**given, "seen": "x", "state": "explained"}))
    sign_in(client, person("Ann"))
    assert client.post(f"/drift/{row.pk}/answer/", given).status_code == 403
    assert "Answer it" not in text(client.get(f"/drift/{row.pk}/"))


def test_a_month_that_is_over_is_compared_and_signed_with_a_fresh_sign_in(client):
    mia = person("Mia")
    sign_in(client, mia)
    assert "No month waits" in text(client.get("/inventory/reconciliation/"))
    last = first_of(NOW.date()) - timedelta(days=1)
    read("web", at=datetime(last.year, last.month, last.day, 12, tzinfo=UTC))
    address = f"/inventory/reconciliation/{last.year}-{last.month}/"

    page = text(client.get("/inventory/reconciliation/"))
    assert f"{address}sign/" in page
    assert [item.href for item in items_for(user=mia, at=NOW) if item.icon == "signature"] == [f"{address}sign/"]
    assert client.get(address).status_code == 404
    form = client.get(f"{address}sign/")
    seen = form.context["form"].initial["seen"]
    assert client.post(f"{address}sign/", {"seen": seen}).status_code == 422
    assert "others than those" in text(client.post(f"{address}sign/", {"seen": "x", "agreed": "on"}))
    assert client.post(f"{address}sign/", {"seen": seen, "agreed": "on"}).headers["Location"] == address
    assert (Reconciliation.objects.get().signed_by, "All agree" in text(client.get("/inventory/reconciliation/"))) == (mia, True)
    assert Reconciliation.objects.get().digest in text(client.get(address))
    assert client.get(f"{address}sign/").status_code == 404
    assert client.get("/inventory/reconciliation/2026-13/").status_code == 404
    sign_in(client, who("Bob"))
    assert client.get(f"{address}sign/").status_code == 403


def test_auditors_read_all_of_it_and_settle_nothing(client):
    read("web")
    record(looked_at=[PLACE], found=[Found(PLACE, ("x",))], at=NOW)
    uma, _ = admitted()
    sign_in(client, uma)

    pages = [
        *("/inventory/", f"/inventory/{Asset.objects.get().pk}/", "/inventory/reconciliation/"),
        *("/drift/", f"/drift/{DriftCase.objects.get().pk}/", "/inventory/list.csv"),
    ]
    assert [client.get(path).status_code for path in pages] == [200] * len(pages)
    assert client.post(f"/drift/{DriftCase.objects.get().pk}/answer/").status_code == 403

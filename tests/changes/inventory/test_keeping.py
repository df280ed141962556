"""Who owns an asset: said with evidence, once, by those who may, and never over somebody else's word."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.inventory import queries
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent
from changes.inventory.keeping import keep
from changes.inventory.models import Asset
from portal.access.models import User
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def asset():
    observe(source="fly", kinds={"fly.app"}, seen=[Seen("fly.app", "web", "web", "production")], at=AT)
    return Asset.objects.get()


def test_an_owner_is_set_with_evidence_and_the_same_again_is_nothing(asset):
    ann, bob = person("Ann"), person("Bob")
    given = {"asset": asset, "owner": ann, "criticality": "high", "by": bob, "at": AT}

    assert keep(**given, seen=(None, "")) is True
    assert keep(**given, seen=(ann.pk, "high")) is False

    entry = entries_about(stream="inventory:fly")[0]
    assert (entry.kind, entry.fact["owner"], entry.fact["was"]) == ("asset.kept", "Ann", {"owner": "", "criticality": ""})
    with pytest.raises(Stale):
        keep(**{**given, "owner": None}, seen=(None, ""))
    assert keep(**{**given, "owner": None, "criticality": ""}, seen=(ann.pk, "high")) is True
    assert entries_about(stream="inventory:fly")[0].fact["was"] == {"owner": "Ann", "criticality": "high"}


def test_who_may_not_and_who_has_left_are_refused(asset):
    ann, bob = person("Ann"), person("Bob")
    given = {"asset": asset, "owner": bob, "criticality": "", "seen": (None, ""), "at": AT}
    with pytest.raises(Refused, match="may not say"):
        keep(**given, by=ann)
    with pytest.raises(Refused, match="no such criticality"):
        keep(**{**given, "criticality": "huge"}, by=bob)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    ann.refresh_from_db()
    with pytest.raises(Refused, match="has left"):
        keep(**{**given, "owner": ann}, by=bob)


def test_events_are_found_by_the_id_of_the_thing_or_by_its_name(asset):
    def event(number, **given):
        return VendorEvent(str(number), AT + timedelta(minutes=number), "deploy", **given)

    note_events(
        source="fly",
        events=[
            event(1, object_id="web", kind="fly.app"),
            event(2, object_name="web"),
            event(3, object_id="api"),
            event(4, object_id="web", kind="fly.volume"),
        ],
        at=AT,
    )

    assert [row.external_id for row in queries.events_about(asset)] == ["2", "1"]

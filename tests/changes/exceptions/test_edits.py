"""Edits at Doppler and Cloudflare from the inventory's log: matched with their change, or in the register with owner and clock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from changes.exceptions.edits import judge_edits
from changes.exceptions.models import EditMatch, ExceptionRecord
from changes.inventory.actions import note_events
from changes.inventory.facts import VendorEvent
from changes.proposals.actions import open_change
from portal.access.models import Identity
from portal.ledger.actions import append
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SINCE = NOON - timedelta(hours=1)


def note(number, *, kind="cloudflare.dns_record", at=NOON, source="cloudflare", actor="rex@northwind.example", **more):
    detail = more.pop("detail", {})
    given = {"object_id": "r1", "object_name": "www.northwind.example", "action": "update", **more}
    event = VendorEvent(external_id=f"e{number}", at=at, kind=kind, actor_id=actor, actor_name=actor, detail=detail, **given)
    note_events(source=source, events=[event], at=at)


def judged(source="cloudflare", at=NOON):
    judge_edits(source=source, since=SINCE, at=at)
    rows = ExceptionRecord.objects.order_by("id")
    return [(row.kind, row.subject, row.state) for row in rows], [str(row.change) for row in EditMatch.objects.order_by("id")]


@pytest.fixture
def rex():
    return person("Rex", "engineer")


def change(
    by, *, kind="access", title="Point www.northwind.example at the new shop", state="proposed", at=NOON - timedelta(days=1)
):
    return open_change(
        texts={"title": title}, source="form", at=at, actor="shell:test", by=by, state=state, classified={"kind": kind}
    )


def test_an_edit_of_dns_without_a_change_has_an_owner_and_a_clock(rex):
    note(1)
    note(2, at=SINCE - timedelta(hours=1))
    note(3, kind="cloudflare.members")
    note(4, detail={"result": "failure"})
    note(5, kind="cloudflare.access_policy", object_name="Engineers", action="create")

    assert judged()[0] == [
        ("dns_edited_outside_process", "www.northwind.example", "open"),
        ("access_edited_outside_process", "Engineers", "open"),
    ]
    record = ExceptionRecord.objects.earliest("id")
    assert (record.owner, record.clause, record.due_at) == (rex, "P-24", NOON + timedelta(days=1))
    assert (
        record.sentence
        == "rex@northwind.example changed the DNS record www.northwind.example at Cloudflare, and no change covers it."
    )
    assert judge_edits(source="cloudflare", since=SINCE, at=NOON) == 0


def test_an_edit_that_its_change_names_is_matched_and_kept_with_the_reason(rex):
    made = change(rex)
    note(1)

    assert judged() == ([], [str(made)])
    assert EditMatch.objects.get().reason == "It names www.northwind.example, and whoever edited asked for it or worked on it."
    assert judged() == ([], [str(made)])


def test_an_edit_is_matched_later_when_the_person_is_known_and_its_exception_is_cleared(rex):
    made = change(rex)
    note(1, actor="u-4711")
    assert judged() == ([("dns_edited_outside_process", "www.northwind.example", "open")], [])

    with transaction.atomic():
        row = Identity.objects.create(
            provider="cloudflare", uid="u-4711", user=rex, linked_by="shell:test", linked_at=NOON - timedelta(days=9)
        )
        append(stream=f"person:{rex.pk}", kind="identity.linked", actor="shell:test", fact={"uid": "u-4711"}, rows=[row])

    assert judged() == ([("dns_edited_outside_process", "www.northwind.example", "cleared")], [str(made)])


def test_a_named_change_of_another_kind_is_told_in_the_sentence(rex):
    made = change(rex, kind="secrets")
    note(1, detail={"references": [str(made)]})

    judged()

    assert f"It names {made}, which is a change of another kind." in ExceptionRecord.objects.get().sentence


def test_a_production_secret_is_held_against_changes_of_its_kind_and_shows_doppler_s_own_approval(rex):
    made = change(rex, kind="secrets", title="Rotate STRIPE of backend/prd")
    secret = {"kind": "doppler.config", "source": "doppler", "action": "secrets.update", "object_name": "backend/prd"}
    note(1, **secret, environment="production", detail={"updated": ["STRIPE"]})
    note(2, **secret, environment="staging", detail={"updated": ["STRIPE"]})
    request = {"request": "q1", "log": "l3", "reviewers": ["bob@northwind.example"]}
    note(4, kind="doppler.change_request", source="doppler", action="change_request.applied", detail=request)
    event = VendorEvent(
        external_id="config-log:l3",
        at=NOON,
        action="secrets.update",
        actor_id="bob@northwind.example",
        actor_name="bob@northwind.example",
        kind="doppler.config",
        object_name="backend/prd",
        environment="production",
        detail={"added": ["A", "B", "C", "D"], "removed": ["E", "F"]},
    )
    note_events(source="doppler", events=[event], at=NOON)

    assert judged("doppler") == ([("secret_edited_outside_process", "backend/prd", "open")], [str(made)])
    sentence = ExceptionRecord.objects.get().sentence
    assert "edited A, B, C, D, E and 1 more of backend/prd in Doppler, and no change covers it." in sentence
    assert "Doppler's own change request q1 by rex@northwind.example was applied (reviewers: bob@northwind.example)." in sentence
    assert ExceptionRecord.objects.get().clause == "P-13"


def test_the_page_of_a_change_shows_its_edits_with_the_reason(rex, client):
    made = change(rex)
    note(1)
    judged()
    sign_in(client, rex)

    shown = client.get(reverse("change", args=[made.number])).content.decode()

    assert "Edits at the vendors" in shown
    assert "It names www.northwind.example, and whoever edited asked for it or worked on it." in shown
    assert "tied an edit in a vendor&#x27;s console to the change" in shown

"""What auditors add goes through the door, under a role that may insert into an audit and nothing else; and the preview."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.engagements import wall
from audits.engagements.actions import confirm_engagement, end_admission, end_engagement, note_preview
from audits.engagements.door import WRITABLE
from audits.engagements.facts import Invited
from audits.engagements.models import Engagement, ReadLog
from audits.requests.models import Request
from changes.delivery.models import Repository
from portal.access.models import User
from portal.access.walk import routes
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.attacks import ATTACKS
from tests.audits.engagements.opened import admitted, prepared
from tests.portal.access.people import LONG_AGO, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.audits.engagements.attacks")]

LEAVES_THE_ROLE_FOR_GOOD = {"driver-commit-reset-role"}
"""Our own code could commit and leave the role past Django and its wrappers. Nothing that Django sends can: see below."""


@pytest.fixture
def uma(client):
    Repository.objects.create(name="acme/web", in_scope_from=LONG_AGO)
    user, _ = admitted()
    client.force_login(user)
    return user


def state() -> tuple:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_name = 'evil'")
        tables = cursor.fetchone()[0]
    return sorted(Repository.objects.values_list("name", flat=True)), Request.objects.count(), tables


def test_attempts_to_write_elsewhere_through_the_door_leave_no_row(client, uma, monkeypatch):
    names = [*(ATTACKS.keys() - LEAVES_THE_ROLE_FOR_GOOD), "sql-update", "approval", "secret", "read-log"]
    for wrapped in (True, False):  # without our own look at the text PostgreSQL refuses by itself
        if not wrapped:
            monkeypatch.setattr(wall, "_only_additions", lambda execute, *asked: execute(*asked))
        before = state()
        for name in names:
            client.post(f"/write/{name}/")
            assert state() == before, (name, wrapped)
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user = session_user")
                assert cursor.fetchone() == (True,)
    assert ReadLog.objects.filter(outcome="sent").count() == 2 * len(names)


def test_what_is_added_is_kept_as_a_whole_with_its_entry(client, uma):
    assert client.post("/write/refused/").status_code == 422
    assert Request.objects.count() == 0
    for name in ("own-update", "own-delete"):
        client.post(f"/write/{name}/")
        assert not Request.objects.exclude(subject="x").exists()
    if not Request.objects.exists():
        assert client.post("/write/question/").status_code == 200
    assert Request.objects.get().subject == "x"
    assert LedgerLeaf.objects.filter(stream="request:1").count() == 1
    assert client.put("/write/question/").status_code == 403


def test_door_is_shut_without_its_role_and_after_the_end(client, uma, monkeypatch):
    monkeypatch.setattr(wall, "WRITER", "no_such_role")
    assert client.post("/write/question/").status_code == 503
    monkeypatch.undo()

    end_admission(admission=Engagement.objects.get().admissions.get(), by=User.objects.get(name="Mia"), at=timezone.now())
    answer = client.post("/write/question/")

    assert answer.status_code == 403
    assert "Your engagement is not open" in answer.content.decode()
    assert Request.objects.count() == 0


def test_post_needs_the_token_of_a_form_as_everywhere(uma):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(uma)

    assert strict.post("/write/question/").status_code == 403
    assert Request.objects.count() == 0


def test_preview_shows_what_the_auditor_sees_and_writes_nothing(client, uma):
    mia, engagement = User.objects.get(name="Mia"), Engagement.objects.get()
    compliance = Client()
    compliance.force_login(mia)
    compliance.post(reverse("preview-engagement", args=[engagement.pk]))

    answer = compliance.get(reverse("audit", args=[engagement.pk]))
    page = answer.content.decode()

    assert "You see what Uma sees" in page
    assert "Read-only." in page
    assert "End now" not in page
    assert "countersign_auditor" in compliance.get("/read/").content.decode()
    for name in ("orm-create", "driver-insert-committed"):
        before = state()
        compliance.get(f"/attack/{name}/")
        assert state() == before
    assert compliance.post("/write/question/").status_code == 403
    assert compliance.get(reverse("prepare-engagement")).status_code == 403
    assert compliance.get(reverse("me")).status_code == 200
    assert set(ReadLog.objects.filter(reader=mia).values_list("outcome", flat=True)) == {"preview"}
    assert compliance.post(reverse("end-preview")).status_code == 302
    assert "You see what" not in compliance.get(reverse("audit", args=[engagement.pk])).content.decode()
    assert compliance.post(reverse("end-preview")).status_code == 302
    kinds = LedgerLeaf.objects.filter(kind__startswith="engagement.preview").order_by("stream_seq").values_list("kind", flat=True)
    assert list(kinds) == ["engagement.preview_begun", "engagement.preview_ended"]

    compliance.post(reverse("preview-engagement", args=[engagement.pk]))
    end_engagement(engagement=engagement, by=mia, at=timezone.now())
    assert "You see what" not in compliance.get(reverse("audit", args=[engagement.pk])).content.decode()


def test_preview_is_for_the_compliance_manager_and_for_audits_from_outside(uma):
    mia, cleo, engagement = User.objects.get(name="Mia"), User.objects.get(name="Cleo"), Engagement.objects.get()
    now = timezone.now()
    internal = prepared(mia, cleo, kind="internal", people=(Invited(mia, now + timedelta(days=5)),))
    with pytest.raises(Refused):
        note_preview(engagement=engagement, begins=True, by=cleo, at=now)
    with pytest.raises(Refused):
        note_preview(engagement=internal, begins=True, by=mia, at=now)
    with pytest.raises(Stale, match="over"):
        note_preview(engagement=engagement, begins=True, by=mia, at=engagement.ends_at)
    end_engagement(engagement=engagement, by=mia, at=now)
    with pytest.raises(Stale):
        note_preview(engagement=engagement, begins=True, by=mia, at=now)


def test_preview_is_offered_until_the_audit_is_over_and_with_the_eyes_of_who_is_still_there(uma, time_machine):
    mia, cleo, now = User.objects.get(name="Mia"), User.objects.get(name="Cleo"), timezone.now()
    una, ursula = person("Una", "auditor"), person("Ursula", "auditor")
    ends_at = now + timedelta(days=30)
    invited = tuple(Invited(one, ends_at - timedelta(days=at)) for at, one in enumerate((una, ursula, person("Ulf", "auditor"))))
    engagement = prepared(una, cleo, people=invited, ends_at=ends_at)
    confirm_engagement(engagement=engagement, digest=engagement.digest, by=mia, at=now)
    end_admission(admission=engagement.admissions.get(person=una), by=mia, at=now)
    User.objects.filter(pk=ursula.pk).update(is_active=False)
    compliance, page = Client(), reverse("audit", args=[engagement.pk])
    compliance.force_login(mia)
    assert "See what the auditor sees" in compliance.get(page).content.decode()
    compliance.post(reverse("preview-engagement", args=[engagement.pk]))

    assert "You see what Ulf sees" in compliance.get(page).content.decode()

    time_machine.move_to(ends_at + timedelta(minutes=1))
    compliance.force_login(mia)
    assert "See what the auditor sees" not in compliance.get(page).content.decode()


def test_door_names_addresses_that_are_there():
    assert {name for name in WRITABLE if name not in {route.name for route in routes()}} == set()

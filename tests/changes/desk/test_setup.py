"""The guide of the set-up: each step says where it stands, what is missing and where it is done; the doctor says the same."""

from datetime import UTC, date, datetime, time

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.connectors.connecting import drafts
from changes.connectors.models import Fetch, Source
from changes.delivery.models import Repository
from changes.desk.needs_setup import set_up, setup_needs
from changes.desk.setup import actions
from changes.desk.setup.models import LeftOut
from changes.desk.setup.steps import missing, steps_at
from changes.meetings.models import Series
from portal import vault
from portal.access.invitations import invite
from portal.ledger.queries import entries_about
from portal.policy.models import PolicyDraft
from portal.policy.refusal import Refused
from portal.runtime.doctor.finding import Level
from tests.architecture.test_secrets import GIVEN_OUT
from tests.changes.people import person, sign_in
from tests.database import cover

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def found(code, at=None):
    return next(step for step in steps_at(at=at or timezone.now()) if step.code == code)


def source(kind, **more):
    at = timezone.now()
    values = {"name": kind, "kind": kind, "api_url": "https://vendor.example", "connected_at": at, "last_good_read_at": at, **more}
    return Source.objects.create(token_encrypted=vault.seal("a token"), **values)


def set_series(by):
    """The series that there may be one of."""
    at = {"starts_on": date(2026, 11, 3), "time": time(14), "zone": "Europe/Berlin", "made_by": by, "made_at": AT}
    row = Series(name="Architecture meeting", rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", **at)
    row.save()
    cover(row)


def test_an_empty_portal_says_everything_that_is_missing(client):
    rex = person("Rex")
    steps = steps_at(at=timezone.now())

    assert [(step.code, step.state) for step in steps if not step.optional] == [
        *(("people", "open"), ("git", "open"), ("fly", "open"), ("slack", "open"), ("doppler", "open"), ("cloudflare", "open")),
        ("meeting", "open"),
    ]
    assert [step.code for step in steps if step.optional] == ["back", "policy"]
    assert steps[0].sentence == "Nobody yet: compliance manager, chair, approver."
    (item,) = setup_needs(rex, timezone.now())
    assert (item.href, item.about) == ("/setup/", "Next: People. 7 left")
    assert list(setup_needs(person("Mia"), timezone.now())) == []
    said = list(set_up())
    assert {one.level for one in said} == {Level.NOTE}
    assert said[1].text == "set-up: Git. Not connected."
    assert said[1].mend == "Connect it at /integrations/connect/ (the guide is at /setup/)."

    sign_in(client, rex)
    shown = client.get(reverse("setup")).content.decode()
    assert "Connect Git first." in shown
    assert "We do not use Fly" in shown
    assert "We do not use Git" not in shown
    assert "The server" in shown
    assert "Next: People. 7 left" in client.get("/").content.decode()


def test_steps_follow_what_is_there(client, settings):
    rex, mia = person("Rex"), person("Mia")
    at = timezone.now()
    assert found("people").state == "begun"
    invite(email="eli@northwind.example", name="Eli", roles=[], by=rex, at=at)
    person("Cleo")
    person("Bob")
    assert (found("people").state, found("people").sentence) == (
        "done",
        "Every role that the gates ask for is held. 1 invitation is open.",
    )

    draft = drafts.begin(kind="gitea", api_url="https://git.northwind.example/api/v1", by=rex, at=AT)
    assert (found("git").state, found("git").sentence) == ("begun", "Begun on 2 Nov. Next is its credential.")
    assert found("git").href == f"/integrations/connect/{draft.pk}/"
    forge = source("github")
    assert found("git").sentence == "Connected, and no repository is in scope yet."
    Repository.objects.create(name="northwind/web", forge="github", in_scope_from=AT)
    assert (found("git").state, found("git").sentence) == ("done", "1 repository is in scope. Read and listened to.")
    fly = source("fly", failures=1, last_error="401 Unauthorized")
    assert (found("fly").state, "401 Unauthorized" in found("fly").sentence) == ("broken", True)
    Source.objects.filter(pk=fly.pk).update(failures=0, last_good_read_at=None)
    assert found("fly").state == "begun"

    assert found("back").state == "open"
    for state, wanted in (("running", "begun"), ("failed", "broken"), ("cancelled", "open"), ("done", "done")):
        Fetch.objects.create(source=forge, days=90, state=state, todo=["a"], total=4, found=12, asked_by=rex, asked_at=AT)
        assert (found("back").state, "3 of 4 steps, 12 things read." in found("back").sentence) == (wanted, True)

    set_series(mia)
    assert found("meeting").sentence == "Architecture meeting is set."
    PolicyDraft.objects.create(text="P", based_on=1, saved_by=mia, saved_at=AT)
    assert (found("policy").state, found("policy").sentence) == ("begun", "A draft is begun.")

    sign_in(client, mia)
    shown = client.get(reverse("setup")).content.decode()
    assert "Rex can do this." in shown  # whoever may not connect reads who can
    assert "The server" not in shown
    assert client.get(reverse("setup-server")).status_code == 403


def test_what_is_not_used_is_left_out_with_a_reason_and_taken_up_again(client):
    rex = person("Rex")
    sign_in(client, rex)
    secret = client.post(reverse("leave-system-out", args=["doppler"]), {"reason": f"We have {GIVEN_OUT['Fly']}"})
    assert (secret.status_code, "looks like a secret (Fly)" in secret.content.decode()) == (422, True)
    assert LeftOut.objects.count() == 0
    answer = client.post(reverse("leave-system-out", args=["doppler"]), {"reason": " We keep secrets in Fly. "})
    assert answer.status_code == 302
    assert (found("doppler").state, found("doppler").sentence[:3]) == ("left_out", "Rex")
    assert "doppler" not in [step.code for step in missing(steps_at(at=timezone.now()))]
    assert "Take Doppler up again" in client.get(reverse("setup")).content.decode()

    client.post(reverse("take-system-up", args=["doppler"]))
    client.post(reverse("take-system-up", args=["doppler"]))
    assert (found("doppler").state, LeftOut.objects.count()) == ("open", 0)
    kinds = [(entry.kind, entry.actor) for entry in entries_about(stream="setup")]
    assert sorted(kinds) == [("setup.left_out", f"user:{rex.pk}"), ("setup.taken_up", f"user:{rex.pk}")]
    for name in ("leave-system-out", "take-system-up"):
        assert client.post(reverse(name, args=["jenkins"]), {"reason": "x"}).status_code == 404
    for system, reason in (("git", "never"), ("unheard", "of"), ("fly", "  ")):
        with pytest.raises(Refused):
            actions.leave_out(system=system, reason=reason, by=rex, at=AT)
    assert LeftOut.objects.count() == 0


def test_when_nothing_is_missing_inbox_and_doctor_say_so(client):
    people = [person(name) for name in ("Rex", "Mia", "Cleo", "Bob")]
    source("github")
    Repository.objects.create(name="northwind/web", forge="github", in_scope_from=AT)
    set_series(people[1])
    for system in ("fly", "slack", "doppler", "cloudflare"):
        actions.leave_out(system=system, reason="We use something else.", by=people[0], at=AT)

    assert list(setup_needs(people[0], timezone.now())) == []
    assert [(one.level, one.text) for one in set_up()] == [(Level.GOOD, "set-up: nothing is missing")]
    sign_in(client, people[0])
    assert "Nothing is missing." in client.get(reverse("setup")).content.decode()
    whole, piece = client.get(reverse("setup-server")), client.get(reverse("setup-server"), headers={"HX-Request": "true"})
    assert [b"<title>" in answer.content for answer in (whole, piece)] == [True, False]
    assert [b"as they should be" in answer.content or b"<bdi>" in answer.content for answer in (whole, piece)] == [True, True]
    hits = client.get("/palette/", {"q": "set-up"}).content.decode()
    assert 'href="/setup/"' in hits


def test_the_inbox_works_the_steps_out_once_a_minute_and_the_guide_brings_it_up_to_date(client, django_assert_max_num_queries):
    rex = person("Rex")
    sign_in(client, rex)
    (item,) = setup_needs(rex, timezone.now())
    set_series(rex)

    with django_assert_max_num_queries(1):
        assert [one.about for one in setup_needs(rex, timezone.now())] == [item.about] == ["Next: People. 7 left"]
    client.get(reverse("setup"))
    assert [one.about for one in setup_needs(rex, timezone.now())] == ["Next: People. 6 left"]

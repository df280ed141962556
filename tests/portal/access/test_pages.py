"""The pages about people and about oneself, as they answer."""

from datetime import timedelta

import pytest
import structlog
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.access import actions
from portal.access.identities import link_identity
from portal.access.models import ApiToken, Identity, Invitation, RoleGrant, RoleProposal, User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.tokens import make_token
from portal.ui import middleware
from tests.portal.access.browsing import prove, sign_in
from tests.portal.access.people import everybody, now, person, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return everybody()


def fresh(user: User) -> Client:
    return sign_in(Client(), user, minutes_ago=1)


def words(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# People


def test_people_page_shows_everybody_with_dated_roles(client, team):
    sign_in(client, team["Ann"])

    page = client.get(reverse("people")).content.decode()

    assert [name for name in team if name not in page] == []
    assert "since 5 Jan 2026" in page
    assert "Send the invitation" not in page


def test_people_page_costs_the_same_for_few_and_for_many(client, team):
    sign_in(client, team["Rex"])
    client.get(reverse("people"))

    with CaptureQueriesContext(connection) as few:
        client.get(reverse("people"))
    for number in range(10):
        person(f"Extra {number}", Role.ENGINEER)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("people"))

    assert len(many) == len(few)


def test_administrator_makes_an_engineer_on_the_page(team):
    pia = person("Pia")

    answer = fresh(team["Rex"]).post(reverse("give-role", args=[pia.pk]), {"role": "engineer", "reason": "Joins"})

    assert (answer.status_code, answer.url) == (302, reverse("person", args=[pia.pk]))
    assert pia.grants.get().role == Role.ENGINEER


def test_last_day_of_a_role_counts_wholly(team):
    pia = person("Pia")
    last = (now() + timedelta(days=10)).date()

    fresh(team["Rex"]).post(reverse("give-role", args=[pia.pk]), {"role": "engineer", "reason": "Visit", "until": last})

    assert pia.grants.get().valid_until.isoformat()[:16] == f"{last + timedelta(days=1)}T00:00"


def test_two_people_give_a_privileged_role_on_the_pages(team):
    pia = person("Pia")
    rex, mia = fresh(team["Rex"]), fresh(team["Mia"])

    rex.post(reverse("give-role", args=[pia.pk]), {"role": "approver", "reason": "On call"})
    proposal = RoleProposal.objects.get()
    own_page = rex.get(reverse("people")).content.decode()
    other_page = mia.get(reverse("people")).content.decode()
    answer = mia.post(reverse("confirm-role", args=[proposal.pk]), {"digest": proposal.digest})

    assert "Confirm</button>" not in own_page
    assert "Confirm</button>" in other_page
    assert answer.status_code == 302
    assert pia.grants.get().seconded_by == team["Mia"]


def test_confirmation_without_the_text_is_refused(team):
    proposal = actions.propose_role(user=person("Pia"), role=Role.APPROVER, by=team["Rex"], reason="On call", at=now())

    answer = fresh(team["Mia"]).post(reverse("confirm-role", args=[proposal.pk]), {"digest": "f" * 64})
    silent = fresh(team["Mia"]).post(reverse("confirm-role", args=[proposal.pk]), {})

    assert (answer.status_code, silent.status_code) == (409, 409)
    assert RoleGrant.objects.filter(user__name="Pia").count() == 0


def test_proposal_is_turned_down_on_the_page(team):
    proposal = actions.propose_role(user=person("Pia"), role=Role.APPROVER, by=team["Rex"], reason="On call", at=now())

    fresh(team["Mia"]).post(reverse("withdraw-proposal", args=[proposal.pk]))

    proposal.refresh_from_db()
    assert proposal.withdrawn_at is not None


def test_role_is_ended_on_the_page_with_a_reason(team):
    grant = team["Bob"].grants.get()
    rex = fresh(team["Rex"])

    without = rex.post(reverse("end-role", args=[grant.pk]), {})
    grant.refresh_from_db()
    assert grant.valid_until is None
    assert without.status_code == 302
    rex.post(reverse("end-role", args=[grant.pk]), {"reason": "Left the team"})

    grant.refresh_from_db()
    assert grant.ended_by == team["Rex"]


def test_role_form_with_a_mistake_comes_back_with_it_and_the_log_knows_who_tried(team, monkeypatch):
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(middleware, "log", structlog.get_logger("portal.requests.test"))
        answer = fresh(team["Rex"]).post(reverse("give-role", args=[team["Ann"].pk]), {"role": "emperor", "reason": ""})

    assert answer.status_code == 422
    assert "Say in a sentence why this person needs the role" in answer.content.decode()
    told = [line for line in lines if line["event"] == "sent.refused"]
    assert told == [{"event": "sent.refused", "log_level": "info", "view": "give-role", "status": 422, "user": team["Rex"].pk}]


@pytest.mark.parametrize("name", ["give-role", "end-role", "confirm-role", "invite", "unlink"])
def test_sensitive_acts_ask_again_who_it_is(name, team):
    subject = {"give-role": team["Ann"].pk, "end-role": team["Ann"].grants.get().pk}
    address = reverse(name, args=[] if name == "invite" else [subject.get(name, 1)])
    rex = sign_in(Client(), team["Rex"], minutes_ago=6)

    answer = rex.post(address, {"role": "engineer", "reason": "x"}, headers={"Referer": "http://testserver/people/?q=1"})

    assert answer.status_code == 302
    assert answer.url == "/account/reauthenticate/?next=%2Fpeople%2F%3Fq%3D1"
    assert words(answer) == ["Please confirm that it is you. Nothing was changed yet."]


def test_person_page_shows_history_and_accounts(client, team):
    link_identity(user=team["Ann"], provider="github", uid="77", login="ann-ash", by="user:1", at=now())
    actions.revoke(grant=team["Ann"].grants.get(), by=team["Rex"], reason="Moved", at=now())
    sign_in(client, team["Mia"])

    page = client.get(reverse("person", args=[team["Ann"].pk])).content.decode()

    assert "ended by" in page
    assert "ann-ash" in page
    assert "Unlink" in page


def test_account_of_another_person_is_unlinked_on_the_page(team):
    identity = link_identity(user=team["Ann"], provider="github", uid="77", login="ann-ash", by="user:1", at=now())

    fresh(team["Rex"]).post(reverse("unlink", args=[identity.pk]))

    identity.refresh_from_db()
    assert identity.ended_at is not None


def test_person_is_invited_on_the_page_and_the_invitation_withdrawn(team):
    rex = fresh(team["Rex"])

    rex.post(reverse("invite"), {"name": "Pia Park", "email": "Pia@Northwind.example", "roles": ["engineer"]})
    invitation = Invitation.objects.get()
    page = rex.get(reverse("people")).content.decode()
    rex.post(reverse("withdraw-invitation", args=[invitation.pk]))

    assert (invitation.email, invitation.roles) == ("pia@northwind.example", ["engineer"])
    assert "Pia Park" in page
    invitation.refresh_from_db()
    assert invitation.withdrawn_at is not None


def test_invitation_form_with_a_mistake_comes_back_with_it(team):
    answer = fresh(team["Rex"]).post(reverse("invite"), {"name": "", "email": "nowhere"})

    assert answer.status_code == 422
    assert Invitation.objects.count() == 0


# Oneself


def test_page_about_oneself_is_there_for_everybody(team):
    for user in [*team.values(), person("Pia")]:
        if user.name != "Uma":
            assert sign_in(Client(), user).get(reverse("me")).status_code == 200


def test_profile_is_saved_and_only_the_named_fields(team):
    ann = sign_in(Client(), team["Ann"])
    assert "data-density" not in ann.get(reverse("me")).content.decode()

    answer = ann.post(
        reverse("me-profile"),
        {
            "name": "Ann Ash",
            "theme": "dark",
            "density": "compact",
            "time_zone": "Europe/Berlin",
            "email": "rex@northwind.example",
            "is_active": "",
            "password": "x",
            "id": team["Rex"].pk,
        },
    )

    saved = User.objects.get(pk=team["Ann"].pk)
    assert (saved.name, saved.theme, saved.time_zone, saved.shortcuts) == ("Ann Ash", "dark", "Europe/Berlin", False)
    assert (saved.email, saved.is_active, saved.password) == (team["Ann"].email, True, team["Ann"].password)
    assert answer.cookies["theme"].value == "dark"
    assert saved.density == "compact"
    assert ' data-density="compact"' in ann.get(reverse("me")).content.decode()


def test_profile_with_a_mistake_comes_back_with_it(team):
    answer = sign_in(Client(), team["Ann"]).post(reverse("me-profile"), {"name": "", "theme": "pink", "time_zone": "Mars/Base"})

    assert answer.status_code == 422


def test_token_is_shown_once_and_works(team):
    ann = fresh(team["Ann"])

    answer = ann.post(reverse("me-make-token"), {"name": "ci", "scopes": ["change.see"], "days": "30"})
    token = ApiToken.objects.get()

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert answer.content.decode().count(token.prefix) >= 1
    assert token.digest not in answer.content.decode()
    assert token.prefix + "…" in ann.get(reverse("me")).content.decode()


def test_token_does_not_offer_what_its_owner_may_not(team):
    answer = fresh(team["Ann"]).post(reverse("me-make-token"), {"name": "ci", "scopes": ["source.manage"], "days": "30"})

    assert answer.status_code == 422
    assert ApiToken.objects.count() == 0


def test_own_token_is_revoked_and_only_ones_own(team):
    token, _ = make_token(user=team["Ann"], name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=1), by="user:1", at=now())

    stranger = sign_in(Client(), team["Bob"]).post(reverse("me-revoke-token", args=[token.pk]))
    sign_in(Client(), team["Ann"]).post(reverse("me-revoke-token", args=[token.pk]))

    token.refresh_from_db()
    assert stranger.status_code == 404
    assert token.revoked_at is not None


def test_own_account_is_unlinked_and_only_ones_own(team):
    identity = link_identity(user=team["Ann"], provider="github", uid="77", login="ann-ash", by="user:1", at=now())

    stranger = fresh(team["Bob"]).post(reverse("me-unlink", args=[identity.pk]))
    fresh(team["Ann"]).post(reverse("me-unlink", args=[identity.pk]))

    assert stranger.status_code == 404
    assert Identity.objects.get().ended_at is not None


def test_asking_again_leads_back_to_where_the_person_was(team):
    ann = sign_in(Client(), team["Ann"], minutes_ago=6)
    token = {"name": "ci", "scopes": ["change.see"], "days": "30"}

    plain = ann.post(reverse("me-make-token"), token, headers={"Referer": "http://testserver/me/"})
    foreign = ann.post(reverse("me-make-token"), token, headers={"Referer": "https://evil.example/me/"})
    by_htmx = ann.post(reverse("me-make-token"), token, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/me/"})

    assert plain.url == "/account/reauthenticate/?next=%2Fme%2F"
    assert foreign.url == "/account/reauthenticate/?next=%2F"
    assert by_htmx.headers["HX-Redirect"] == "/account/reauthenticate/?next=%2Fme%2F"
    prove(ann, team["Ann"])
    assert ann.post(reverse("me-make-token"), token).status_code == 200

"""Joining by a letter, and in no other way."""

import base64
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from portal import vault
from portal.access import actions, invitations
from portal.access.models import Invitation, RoleProposal, User
from portal.access.roles import Role
from portal.ledger.models import LedgerLeaf
from portal.outbox.models import Effect
from portal.policy.refusal import Refused, Stale
from tests.portal.access.people import everybody, now, person

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def team():
    return everybody()


def invite(by, *roles, email="pia@northwind.example", at=None):
    return invitations.invite(email=email, name="Pia Park", roles=roles, by=by, at=at or now())


def accept(token, at=None):
    return invitations.accept(token=token, name="Pia Park", password=PASSWORD, at=at or now())


def page_of(token: str) -> str:
    return reverse("invitation", args=[token])


def test_engineer_joins_with_the_letter(team):
    invitation, token = invite(team["Rex"], Role.ENGINEER)

    pia = accept(token)

    assert pia.check_password(PASSWORD)
    assert [(grant.role, grant.granted_by) for grant in pia.grants.all()] == [("engineer", team["Rex"])]
    invitation.refresh_from_db()
    assert invitation.accepted_by == pia
    kinds = LedgerLeaf.objects.filter(stream__in=[f"invitation:{invitation.pk}", f"person:{pia.pk}"]).order_by("pk")
    assert [leaf.kind for leaf in kinds] == ["invitation.sent", "invitation.accepted", "role.granted"]


def test_privileged_role_of_a_letter_waits_for_a_second_person(team):
    _, token = invite(team["Rex"], Role.APPROVER)

    pia = accept(token)

    assert pia.grants.count() == 0
    proposal = RoleProposal.objects.get()
    assert (proposal.user, proposal.role, proposal.proposed_by) == (pia, "approver", team["Rex"])


def test_letter_keeps_only_a_digest(team):
    invitation, token = invite(team["Rex"])

    assert token not in str(vars(invitation))
    assert token not in str(Effect.objects.get().payload)


def test_letter_works_once(team):
    _, token = invite(team["Rex"])
    accept(token)

    with pytest.raises(Stale):
        accept(token)


def test_letter_works_for_seven_days(team):
    invitation, token = invite(team["Rex"])

    with pytest.raises(Stale):
        accept(token, at=invitation.invited_at + timedelta(days=7))
    accept(token, at=invitation.invited_at + timedelta(days=7, seconds=-1))


def test_second_letter_makes_the_first_worthless(team):
    _, first = invite(team["Rex"])
    _, second = invite(team["Rex"], Role.ENGINEER)

    with pytest.raises(Stale):
        accept(first)
    assert accept(second).email == "pia@northwind.example"


def test_withdrawn_letter_is_worthless(team):
    invitation, token = invite(team["Rex"])
    invitations.withdraw_invitation(invitation=invitation, by=team["Mia"], at=now())

    with pytest.raises(Stale):
        accept(token)
    with pytest.raises(Stale):
        invitations.withdraw_invitation(invitation=invitation, by=team["Mia"], at=now())
    with pytest.raises(Refused):
        invitations.withdraw_invitation(invitation=invitation, by=team["Ann"], at=now())


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Uma"])
def test_only_administrators_and_compliance_invite(name, team):
    with pytest.raises(Refused):
        invite(team[name])


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("Mia", [Role.ENGINEER]),
        ("Rex", [Role.AUDITOR]),
        ("Rex", [Role.ENGINEER, Role.APPROVER, Role.COMPLIANCE]),
    ],
)
def test_nobody_invites_into_a_role_that_is_not_theirs_to_give_or_that_clashes(name, roles, team):
    with pytest.raises(Refused):
        invite(team[name], *roles)

    assert Invitation.objects.count() == 0


def test_known_address_is_not_invited(team):
    with pytest.raises(Refused):
        invite(team["Rex"], email="ANN@northwind.example ")


def test_role_is_left_out_when_the_inviter_may_give_it_no_longer(team):
    _, token = invite(team["Rex"], Role.ENGINEER)
    person("Una", Role.ADMINISTRATOR)
    actions.revoke(grant=team["Rex"].grants.get(), by=team["Mia"], reason="Moved", at=now())

    assert accept(token).grants.count() == 0


def test_first_administrator_joins_from_the_command_line():
    _, token = invitations.invite_at_shell(
        email="rex@northwind.example", name="Rex", roles=[Role.ADMINISTRATOR], os_user="deploy", at=now()
    )

    rex = accept(token)

    assert [(grant.role, grant.at_shell) for grant in rex.grants.all()] == [("administrator", "deploy")]


def test_command_line_invites_in_somebodys_name_once_there_is_a_holder(team):
    wish = {"email": "una@northwind.example", "name": "Una", "roles": [Role.ADMINISTRATOR], "os_user": "deploy", "at": now()}
    with pytest.raises(Refused):
        invitations.invite_at_shell(**wish)

    _, token = invitations.invite_at_shell(**wish, by=team["Mia"])

    grant = accept(token).grants.get()
    assert (grant.at_shell, grant.granted_by) == ("deploy", team["Mia"])


# The letter


def deliver() -> dict:
    effect = Effect.objects.get()
    return dict(invitations.deliver_invitation({**effect.payload, "key": effect.key}))


def test_letter_goes_to_the_address_with_the_link(team):
    _, token = invite(team["Rex"])

    deliver()

    [letter] = mail.outbox
    assert letter.to == ["pia@northwind.example"]
    assert f"{page_of(token)}" in letter.body
    assert letter.body.startswith("Hello Pia Park,\n\nRex invites you")


def test_letter_from_the_command_line_names_no_person():
    invitations.invite_at_shell(email="rex@northwind.example", name="Rex", roles=[], os_user="deploy", at=now())

    deliver()

    assert "The administrator of Countersign invites you" in mail.outbox[0].body


@pytest.mark.parametrize("end", ["withdrawn", "accepted"])
def test_letter_that_is_worthless_already_is_not_sent(end, team):
    invitation, token = invite(team["Rex"])
    if end == "accepted":
        accept(token)
    else:
        invitations.withdraw_invitation(invitation=invitation, by=team["Rex"], at=now())

    assert deliver() == {"not_sent": "the invitation is open no longer"}
    assert mail.outbox == []


def test_letter_is_sealed_in_the_outbox(team):
    _, token = invite(team["Rex"])

    assert vault.open(base64.b64decode(Effect.objects.get().payload["sealed"])) == token


# The page behind the link


def join(client, token, **rest):
    return client.post(page_of(token), {"name": "Pia Park", "password": PASSWORD, "again": PASSWORD, **rest})


def test_person_joins_on_the_page_and_is_signed_in_with_a_new_session(client, team):
    _, token = invite(team["Rex"], Role.ENGINEER)
    page = client.get(page_of(token))
    before = client.cookies.get("session")

    answer = join(client, token)

    assert page.status_code == 200
    assert "pia@northwind.example" in page.content.decode()
    assert (answer.status_code, answer.url) == (302, reverse("me"))
    assert client.cookies["session"].value != getattr(before, "value", None)
    assert client.get(reverse("me")).status_code == 200
    assert User.objects.get(email="pia@northwind.example").name == "Pia Park"


@pytest.mark.parametrize(
    "mistake",
    [
        {"password": "short", "again": "short"},
        {"again": "another horse battery"},
        {"password": "1234567890123", "again": "1234567890123"},
        {"password": "pia@northwind.example", "again": "pia@northwind.example"},
        {"name": ""},
        {"password": ""},
    ],
)
def test_page_says_what_is_wrong_and_makes_nobody(mistake, client, team):
    _, token = invite(team["Rex"])

    answer = join(client, token, **mistake)

    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    assert not User.objects.filter(email="pia@northwind.example").exists()


def test_page_sets_only_what_it_asks_for(client, team):
    _, token = invite(team["Rex"])

    join(client, token, email="rex@northwind.example", is_active="", id="1", roles="administrator")

    pia = User.objects.get(email="pia@northwind.example")
    assert (pia.is_active, pia.grants.count()) == (True, 0)


def test_closed_letter_says_so(client, team):
    _, token = invite(team["Rex"])
    accept(token)

    for address in (page_of(token), page_of("x" * 43)):
        answer = client.get(address)
        assert answer.status_code == 410
        assert "This invitation is closed" in answer.content.decode()


def test_letter_is_not_for_somebody_who_is_signed_in(team):
    _, token = invite(team["Rex"])
    client = Client()
    client.force_login(team["Ann"])

    assert "signed in already" in client.get(page_of(token)).content.decode()
    assert join(client, token).status_code == 200
    assert not User.objects.filter(email="pia@northwind.example").exists()

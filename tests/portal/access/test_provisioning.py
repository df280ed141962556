"""People whom another system makes known: no role, no password, one person for an address in whatever case."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from portal.access import invitations
from portal.access.models import User
from portal.access.roles import Role
from portal.access.roster.describing import Description
from portal.access.roster.provisioning import provision
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.portal.access.people import everybody, now, person

pytestmark = pytest.mark.django_db
SAID = Description("Pia Park", "contractor", team="Payments")


def test_person_is_made_without_role_and_password_and_the_ledger_says_so():
    pia = provision(email=" Pia@Northwind.example ", said=SAID, actor="portal")

    assert (pia.email, pia.kind, pia.has_usable_password(), pia.grants.exists()) == (
        "pia@northwind.example",
        "contractor",
        False,
        False,
    )
    assert [entry.kind for entry in entries_about(stream=f"person:{pia.pk}")] == ["person.provisioned"]


@pytest.mark.parametrize("email", ["bob@northwind.example", "BOB@northwind.example", "Bob@Northwind.Example"])
def test_same_address_in_another_case_is_the_same_person(email):
    person("Bob")

    with pytest.raises(Refused, match="is somebody's already"):
        provision(email=email, said=SAID, actor="portal")

    assert User.objects.count() == 1


@pytest.mark.parametrize("email", ["", "pia", "pia@", f"{'p' * 60}@{'.'.join('q' * 60 for _ in range(4))}.example"])
def test_address_that_is_none_is_refused(email):
    with pytest.raises(Refused):
        provision(email=email, said=SAID, actor="portal")


def test_provisioned_person_accepts_an_invitation_and_stays_one_person():
    team = everybody()
    pia = provision(email="pia@northwind.example", said=SAID, actor="portal")
    _, token = invitations.invite(email="PIA@northwind.example", name="Pia", roles=[Role.ENGINEER], by=team["Rex"], at=now())

    user = invitations.accept(token=token, name="Pia", password="correct horse battery", at=now())

    assert (user.pk, user.name, user.has_usable_password()) == (pia.pk, "Pia Park", True)
    assert user.grants.get().role == Role.ENGINEER
    with pytest.raises(Refused, match="has an account already"):
        invitations.invite(email="pia@northwind.example", name="Pia", roles=[], by=team["Rex"], at=now())


def test_letter_to_somebody_who_has_a_password_meanwhile_changes_nothing():
    team = everybody()
    _, token = invitations.invite(email="pia@northwind.example", name="Pia", roles=[], by=team["Rex"], at=now())
    pia = person("Pia", password="correct horse battery")

    with pytest.raises(Stale, match="Sign in with it"):
        invitations.accept(token=token, name="Mallory", password="another horse battery", at=now())

    pia.refresh_from_db()
    assert (pia.name, pia.check_password("correct horse battery")) == ("Pia", True)


def test_provisioned_person_chooses_a_password_with_a_letter():
    provision(email="pia@northwind.example", said=SAID, actor="portal")

    Client().post(reverse("account_reset_password"), {"email": "Pia@northwind.example"})

    assert [letter.to for letter in mail.outbox] == [["pia@northwind.example"]]
    assert "/account/password/reset/key/" in mail.outbox[0].body

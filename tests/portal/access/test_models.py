"""How people and what belongs to them are kept and named."""

import pytest
from django.db import IntegrityError, models

from portal.access.identities import link_identity
from portal.access.invitations import invite
from portal.access.models import FactorGrace, Invitation, RoleProposal, User
from portal.access.permissions import P
from portal.access.tokens import make_token
from portal.secret import SecretField
from tests.portal.access.people import now, person, soon

pytestmark = pytest.mark.django_db


def test_address_is_kept_in_one_case_and_once():
    ann = User.objects.create_user(email=" Ann@Northwind.example ", name=" Ann Ash ")

    assert (ann.email, ann.name, ann.has_usable_password()) == ("ann@northwind.example", "Ann Ash", False)
    assert User.objects.get_by_natural_key("ANN@northwind.example") == ann
    with pytest.raises(IntegrityError):
        User.objects.create(email="ANN@northwind.example", name="Other")


def test_rows_name_themselves_for_people():
    ann, rex = person("Ann"), person("Rex")
    invitation, _ = invite(email="pia@northwind.example", name="Pia", roles=[], by=rex, at=now())
    token, _ = make_token(user=ann, name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=1), by="x", at=now())
    linked = link_identity(user=ann, provider="github", uid="7", login="ann-ash", by="x", at=now())

    assert str(ann) == "Ann"
    assert str(ann.grants.get()) == "Ann engineer"
    assert str(invitation) == "pia@northwind.example"
    assert str(token) == f"ci ({token.prefix}…)"
    assert str(linked) == "github ann-ash"
    assert str(RoleProposal(user=ann, role="approver")) == "approver for Ann"
    assert str(FactorGrace(user=ann, ends_at=now())).startswith("Ann until 20")


def test_database_keeps_one_open_letter_for_an_address():
    rex = person("Rex")
    invite(email="pia@northwind.example", name="Pia", roles=[], by=rex, at=now())

    with pytest.raises(IntegrityError, match="invitation_open_once"):
        Invitation.objects.create(
            email="PIA@northwind.example", name="Pia", token_digest="0" * 64, invited_by=rex, invited_at=now(), expires_at=now()
        )


def test_secret_column_is_an_ordinary_one_in_migrations():
    assert SecretField(max_length=64).deconstruct()[1:] == models.CharField(max_length=64).deconstruct()[1:]

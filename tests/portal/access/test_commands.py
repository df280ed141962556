"""invite, grant and token on the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from portal.access.models import Invitation
from portal.access.roles import Role
from portal.access.tokens import token_from
from portal.ledger.models import LedgerLeaf
from portal.outbox.models import Effect
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_invite_prints_the_address_and_sends_the_letter():
    said = run("invite", "rex@northwind.example", "Rex", "administrator")

    assert "/account/invitation/" in said
    assert Invitation.objects.get().roles == [Role.ADMINISTRATOR]
    assert Effect.objects.get().kind == "invitation"
    assert LedgerLeaf.objects.get(kind="invitation.sent").actor.startswith("shell:")


def test_letter_in_the_outbox_does_not_hold_the_token_in_clear():
    said = run("invite", "rex@northwind.example", "Rex", "administrator")
    token = said.partition("/account/invitation/")[2].partition("/")[0]

    assert len(token) == 43
    assert token not in str(Effect.objects.get().payload)


@pytest.mark.parametrize(
    "words",
    [
        ("invite", "nowhere", "Rex"),
        ("invite", "rex@northwind.example", " "),
        ("invite", "rex@northwind.example", "Rex", "auditor", "engineer"),
        ("grant", "nobody@northwind.example", "engineer"),
        ("token", "revoke", "cs_unknown"),
        ("token", "list", "nobody@northwind.example"),
    ],
)
def test_command_says_what_is_wrong(words):
    with pytest.raises(CommandError):
        run(*words)

    assert Invitation.objects.count() == 0


def test_grant_makes_the_first_and_asks_for_a_name_afterwards():
    una, mia, _ = person("Una"), person("Mia"), person("Xan")

    assert "Xan is Administrator" in run("grant", "xan@northwind.example", "administrator")
    with pytest.raises(CommandError, match="--by"):
        run("grant", una.email, "administrator")
    assert "Una is Administrator" in run("grant", una.email, "administrator", "--by", mia.email, "--reason", "Cover")


def test_token_is_made_listed_used_and_revoked():
    ann = person("Ann")

    text = run("token", "make", ann.email, "--name", "ci", "--scope", "change.see").strip()
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {text}"})

    assert token_from(request).user == ann
    assert run("token", "list", ann.email).startswith(f"{text[:10]}  ci  until ")
    assert "is revoked" in run("token", "revoke", text[:10])
    assert token_from(request) is None
    assert "revoked" in run("token", "list", ann.email)
    with pytest.raises(CommandError, match="already"):
        run("token", "revoke", text[:10])


def test_token_does_not_go_beyond_its_owner():
    ann = person("Ann")

    with pytest.raises(CommandError, match="may not"):
        run("token", "make", ann.email, "--name", "ci", "--scope", "inbox.see")
    with pytest.raises(CommandError, match="invalid choice"):
        run("token", "make", ann.email, "--name", "ci", "--scope", "source.manage")

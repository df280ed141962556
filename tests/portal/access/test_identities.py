"""Whose vendor account is whose."""

import pytest
from django.db import IntegrityError

from portal.access.identities import link_identity, unlink_identity
from portal.access.models import Identity
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused, Stale
from tests.portal.access.people import now, person

pytestmark = pytest.mark.django_db


def link(user, uid="77", login="ann-ash", provider="github"):
    return link_identity(user=user, provider=provider, uid=uid, login=login, by=f"user:{user.pk}", at=now())


def test_account_is_linked_by_its_number_and_the_ledger_says_by_whom():
    ann = person("Ann")

    identity = link(ann)

    assert (identity.user, identity.uid, identity.linked_by) == (ann, "77", f"user:{ann.pk}")
    assert LedgerLeaf.objects.get(kind="identity.linked").stream == f"person:{ann.pk}"


def test_linking_again_changes_nothing():
    ann = person("Ann")

    assert link(ann) == link(ann, login="renamed")
    assert LedgerLeaf.objects.filter(kind="identity.linked").count() == 1


def test_account_of_somebody_else_is_refused():
    link(person("Ann"))

    with pytest.raises(Refused):
        link(person("Bob"))


def test_login_name_that_was_given_away_again_is_another_account():
    link(person("Ann"), uid="77", login="ash")

    assert link(person("Bob"), uid="78", login="ash").user.name == "Bob"


def test_same_number_at_another_vendor_is_another_account():
    link(person("Ann"), uid="77")

    assert link(person("Bob"), uid="77", provider="slack").user.name == "Bob"


def test_unlinked_account_can_be_linked_by_another_person():
    identity = link(person("Ann"))
    unlink_identity(identity=identity, by="user:1", at=now())

    link(person("Bob"))

    with pytest.raises(Stale):
        unlink_identity(identity=identity, by="user:1", at=now())
    links = Identity.objects.select_related("user").order_by("pk")
    assert [(one.user.name, one.ended_at is None) for one in links] == [("Ann", False), ("Bob", True)]
    assert LedgerLeaf.objects.filter(kind="identity.unlinked").count() == 1


def test_account_that_somebody_links_in_the_same_moment_is_refused(monkeypatch):
    ann, bob = person("Ann"), person("Bob")
    link(ann)
    # The look before found nothing: the other link was committed just after it.
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda self: None)

    with pytest.raises(Refused):
        link(bob)
    assert link(ann).user == ann


def test_database_refuses_a_second_owner():
    link(person("Ann"))

    with pytest.raises(IntegrityError, match="identity_of_one_person"):
        Identity.objects.create(user=person("Bob"), provider="github", uid="77", linked_by="x", linked_at=now())


def test_database_refuses_an_account_without_a_number():
    with pytest.raises(IntegrityError, match="identity_has_uid"):
        Identity.objects.create(user=person("Bob"), provider="github", uid="", linked_by="x", linked_at=now())

"""Giving and taking roles."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection

from portal.access import actions
from portal.access.may import holders_of, may, may_at, roles_at, roles_of, who_may
from portal.access.models import RoleGrant, RoleProposal, User
from portal.access.permissions import P
from portal.access.roles import ORDINARY, ROLES, Role
from portal.ledger.models import LedgerLeaf
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from tests.portal.access.people import LONG_AGO, hold, now, person, soon

pytestmark = pytest.mark.django_db


def kinds(user: User) -> list[str]:
    return list(LedgerLeaf.objects.filter(stream=f"person:{user.pk}").order_by("stream_seq").values_list("kind", flat=True))


@pytest.fixture
def rex():
    return person("Rex")


@pytest.fixture
def mia():
    return person("Mia")


def propose(user, role, by, **rest):
    return actions.propose_role(user=user, role=role, by=by, reason="Needed", at=now(), **rest)


def confirm(proposal, by, **rest):
    return actions.confirm_role(proposal=proposal, digest=proposal.digest, by=by, at=now(), **rest)


# An ordinary role


def test_administrator_makes_an_engineer_and_the_role_counts_at_once(rex):
    pia = person("Pia")

    grant = actions.grant(user=pia, role=Role.ENGINEER, by=rex, reason=" Joins the team ", at=now())

    assert may(pia, P.CHANGE_PROPOSE)
    assert (grant.granted_by, grant.seconded_by, grant.reason) == (rex, None, "Joins the team")
    assert kinds(pia) == ["role.granted"]
    assert LedgerLeaf.objects.get(stream=f"person:{pia.pk}").actor == f"user:{rex.pk}"


@pytest.mark.parametrize("role", sorted(set(Role) - ORDINARY))
def test_privileged_role_is_not_given_by_one_person(role, rex):
    with pytest.raises(Refused) as refusal:
        actions.grant(user=person("Pia"), role=role, by=rex, reason="Needed", at=now())

    assert refusal.value.clause == Clause.ACCESS_RESTRICTED
    assert RoleGrant.objects.filter(role=role).exclude(user=rex).count() == 0


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Mia", "Uma"])
def test_only_administrators_make_engineers(name, rex):
    by = person(name)

    with pytest.raises(Refused) as refusal:
        actions.grant(user=person("Pia"), role=Role.ENGINEER, by=by, reason="Needed", at=now())

    assert refusal.value.instead == "Who may: Rex."


def test_refusal_says_when_nobody_may_give_the_role():
    with pytest.raises(Refused) as refusal:
        actions.grant(user=person("Pia"), role=Role.ENGINEER, by=person("Ann"), reason="Needed", at=now())

    assert refusal.value.instead == "Who may: nobody yet."


def test_nobody_gives_a_role_to_themselves(rex):
    with pytest.raises(Refused):
        actions.grant(user=rex, role=Role.ENGINEER, by=rex, reason="Needed", at=now())

    assert roles_at(rex, at=now()) == {Role.ADMINISTRATOR}


def test_role_needs_a_reason(rex):
    with pytest.raises(Refused):
        actions.grant(user=person("Pia"), role=Role.ENGINEER, by=rex, reason="  ", at=now())


def test_role_is_not_given_twice(rex):
    with pytest.raises(Refused):
        actions.grant(user=person("Ann"), role=Role.ENGINEER, by=rex, reason="Again", at=now())


def test_role_is_not_given_to_somebody_who_left(rex):
    pia = person("Pia")
    User.objects.filter(pk=pia.pk).update(is_active=False)

    with pytest.raises(Refused):
        actions.grant(user=pia, role=Role.ENGINEER, by=rex, reason="Needed", at=now())


def test_role_may_end_by_itself(rex):
    pia = person("Pia")
    end = soon(days=30)

    actions.grant(user=pia, role=Role.ENGINEER, by=rex, reason="Visit", at=now(), until=end)

    assert may_at(pia, P.CHANGE_PROPOSE, at=end - timedelta(seconds=1))
    assert not may_at(pia, P.CHANGE_PROPOSE, at=end)


def test_end_before_the_beginning_is_refused(rex):
    at = now()

    with pytest.raises(Refused):
        actions.grant(user=person("Pia"), role=Role.ENGINEER, by=rex, reason="Visit", at=at, until=at)


def test_role_fits_before_a_later_conflicting_one(rex):
    pia = person("Pia")
    hold(pia, Role.AUDITOR, since=soon(days=20))

    actions.grant(user=pia, role=Role.ENGINEER, by=rex, reason="Until the audit", at=now(), until=soon(days=10))

    with pytest.raises(Refused):
        actions.grant(user=person("Quin"), role=Role.ENGINEER, by=person("Una", Role.ADMINISTRATOR), reason="", at=now())
    assert may(pia, P.CHANGE_PROPOSE)


# Two people


def test_privileged_role_is_proposed_by_one_and_confirmed_by_another(rex, mia):
    pia = person("Pia")

    proposal = propose(pia, Role.APPROVER, rex)
    assert not may(pia, P.CHANGE_APPROVE)
    grant = confirm(proposal, mia)

    assert may(pia, P.CHANGE_APPROVE)
    assert (grant.granted_by, grant.seconded_by, grant.reason) == (rex, mia, "Needed")
    assert kinds(pia) == ["role.proposed", "role.granted"]
    proposal.refresh_from_db()
    assert proposal.grant == grant


def test_proposer_does_not_confirm(rex):
    proposal = propose(person("Pia"), Role.APPROVER, rex)

    with pytest.raises(Refused):
        confirm(proposal, rex)


def test_person_concerned_neither_proposes_nor_confirms(rex, mia):
    with pytest.raises(Refused):
        propose(rex, Role.ENGINEER, rex)

    proposal = propose(person("Xan", Role.ENGINEER), Role.ADMINISTRATOR, mia)
    hold(User.objects.get(name="Xan"), Role.ADMINISTRATOR, until=now())
    with pytest.raises(Refused):
        confirm(proposal, User.objects.get(name="Xan"))


def test_somebody_without_the_right_does_not_confirm(rex):
    proposal = propose(person("Pia"), Role.APPROVER, rex)

    with pytest.raises(Refused):
        confirm(proposal, person("Ann"))


def test_proposal_falls_when_its_proposer_lost_the_right(rex, mia):
    proposal = propose(person("Pia"), Role.APPROVER, rex)
    hold(person("Una"), Role.ADMINISTRATOR)
    actions.revoke(grant=RoleGrant.objects.get(user=rex), by=mia, reason="Moved", at=now())

    with pytest.raises(Refused):
        confirm(proposal, mia)


def test_proposal_lapses_after_72_hours(rex, mia):
    proposal = propose(person("Pia"), Role.APPROVER, rex)

    with pytest.raises(Stale):
        actions.confirm_role(proposal=proposal, digest=proposal.digest, by=mia, at=proposal.expires_at)


def test_proposal_is_confirmed_once(rex, mia):
    proposal = propose(person("Pia"), Role.APPROVER, rex)
    confirm(proposal, mia)

    with pytest.raises(Stale):
        confirm(proposal, mia)


def test_confirmation_of_another_text_is_refused(rex, mia):
    proposal = propose(person("Pia"), Role.APPROVER, rex)
    other = propose(person("Quin"), Role.APPROVER, rex)

    with pytest.raises(Stale):
        actions.confirm_role(proposal=proposal, digest=other.digest, by=mia, at=now())


def test_digest_covers_all_that_is_read(rex):
    proposal = propose(person("Pia"), Role.APPROVER, rex, until=soon(days=5))
    seen = actions.digest_of(proposal)

    for field, value in (
        ("role", Role.CHAIR),
        ("reason", "Other"),
        ("valid_until", None),
        ("user_id", 1),
        ("proposed_by_id", 1),
        ("proposed_at", LONG_AGO),
    ):
        changed = RoleProposal.objects.get(pk=proposal.pk)
        setattr(changed, field, value)
        assert actions.digest_of(changed) != seen, field


def test_withdrawn_proposal_is_worthless(rex, mia):
    pia = person("Pia")
    proposal = propose(pia, Role.APPROVER, rex)

    actions.withdraw_proposal(proposal=proposal, by=mia, at=now())

    with pytest.raises(Stale):
        confirm(proposal, mia)
    assert kinds(pia) == ["role.proposed", "role.proposal_withdrawn"]


def test_proposal_is_withdrawn_only_by_those_who_might_confirm_it(rex):
    proposal = propose(person("Pia"), Role.APPROVER, rex)

    with pytest.raises(Refused):
        actions.withdraw_proposal(proposal=proposal, by=person("Ann"), at=now())


def test_auditors_are_admitted_by_chair_and_compliance_not_by_administrators(rex, mia):
    una = person("Una")

    with pytest.raises(Refused):
        propose(una, Role.AUDITOR, rex)
    confirm(propose(una, Role.AUDITOR, person("Cleo")), mia)

    assert roles_of(una) == {Role.AUDITOR}


CLASHES = sorted((role, other) for role in Role for other in ROLES[role].excludes)


@pytest.mark.parametrize(("held", "wanted"), CLASHES)
def test_conflicting_role_is_refused_by_the_action(held, wanted, rex, mia):
    pia = person("Pia", held)
    by = person("Cleo") if wanted is Role.AUDITOR else rex

    give = actions.grant if wanted in ORDINARY else actions.propose_role
    with pytest.raises(Refused) as refusal:
        give(user=pia, role=wanted, by=by, reason="Needed", at=now())

    assert "exclude each other" in refusal.value.why


@pytest.mark.parametrize(("held", "wanted"), CLASHES)
def test_conflicting_role_is_refused_by_the_database(held, wanted):
    pia = person("Pia", held)

    with pytest.raises(IntegrityError, match="excludes role"):
        hold(pia, wanted)


# The command line


def test_first_holder_is_made_at_the_command_line():
    rex = person("Xan")

    grant = actions.grant_at_shell(user=rex, role=Role.ADMINISTRATOR, os_user="deploy", reason="First", at=now())

    assert (grant.granted_by, grant.at_shell) == (None, "deploy")
    assert LedgerLeaf.objects.get(stream=f"person:{rex.pk}").actor == "shell:deploy"


def test_second_holder_at_the_command_line_needs_a_name(rex):
    with pytest.raises(Refused) as refusal:
        actions.grant_at_shell(user=person("Xan"), role=Role.ADMINISTRATOR, os_user="deploy", reason="More", at=now())

    assert "--by" in refusal.value.instead


def test_second_holder_at_the_command_line_is_given_in_somebodys_name(rex, mia):
    xan = person("Xan")

    grant = actions.grant_at_shell(user=xan, role=Role.ADMINISTRATOR, os_user="deploy", reason="More", at=now(), by=mia)

    assert (grant.granted_by, grant.at_shell) == (mia, "deploy")


def test_command_line_gives_nobody_what_the_named_person_may_not_give(rex):
    with pytest.raises(Refused):
        actions.grant_at_shell(
            user=person("Xan"), role=Role.ADMINISTRATOR, os_user="deploy", reason="More", at=now(), by=person("Ann")
        )


# Taking a role


def test_ended_role_no_longer_counts(rex):
    ann = person("Ann")
    assert may(ann, P.CHANGE_PROPOSE)

    ended = actions.revoke(grant=ann.grants.get(), by=rex, reason="Left the team", at=now())

    assert not may(User.objects.get(pk=ann.pk), P.CHANGE_PROPOSE)
    assert (ended.ended_by, kinds(ann)) == (rex, ["role.granted", "role.revoked"])


def test_ended_role_is_forgotten_by_the_person_at_hand(rex):
    ann = person("Ann")
    grant = ann.grants.get()
    assert may(grant.user, P.CHANGE_PROPOSE)

    actions.revoke(grant=grant, by=rex, reason="Left the team", at=now())

    assert not may(grant.user, P.CHANGE_PROPOSE)


def test_role_is_not_ended_twice(rex):
    grant = person("Ann").grants.get()
    actions.revoke(grant=grant, by=rex, reason="Left", at=now())

    with pytest.raises(Stale):
        actions.revoke(grant=grant, by=rex, reason="Left", at=now())


def test_role_that_begins_later_ends_as_it_begins(rex):
    grant = hold(person("Pia"), Role.ENGINEER, since=soon(days=3))

    ended = actions.revoke(grant=grant, by=rex, reason="Changed plans", at=now())

    assert ended.valid_until == grant.valid_from


def test_role_is_ended_only_by_those_who_give_it(rex):
    with pytest.raises(Refused):
        actions.revoke(grant=person("Bob").grants.get(), by=person("Ann"), reason="Envy", at=now())


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.ADMINISTRATOR])
def test_last_holder_stays(role, rex, mia):
    last, other = (mia, rex) if role is Role.COMPLIANCE else (rex, mia)

    with pytest.raises(Refused) as refusal:
        actions.revoke(grant=last.grants.get(), by=other, reason="Gone", at=now())

    assert "last" in refusal.value.why


def test_holder_goes_when_another_stays(rex, mia):
    person("Una", Role.ADMINISTRATOR)

    actions.revoke(grant=rex.grants.get(), by=mia, reason="Moved", at=now())

    assert holders_of(P.SOURCE_MANAGE, at=now()) == (User.objects.get(name="Una"),)


def test_holder_with_an_end_may_go_before_it(rex, mia):
    visitor = hold(person("Una"), Role.ADMINISTRATOR, until=soon(days=3))

    actions.revoke(grant=visitor, by=mia, reason="Done", at=now())

    assert holders_of(P.SOURCE_MANAGE, at=now()) == (rex,)


@pytest.mark.parametrize("other", ["with an end", "who left"])
def test_last_holder_is_the_last_one_without_an_end_who_is_here(other, rex, mia):
    una = person("Una")
    hold(una, Role.ADMINISTRATOR, until=soon(days=3) if other == "with an end" else None)
    if other == "who left":
        User.objects.filter(pk=una.pk).update(is_active=False)

    with pytest.raises(Refused):
        actions.revoke(grant=rex.grants.get(), by=mia, reason="Gone", at=now())


def test_role_that_must_not_be_empty_is_given_with_an_end_beside_a_lasting_holder(rex, mia):
    una = person("Una")

    confirm(propose(una, Role.ADMINISTRATOR, rex, until=soon(days=5)), mia)

    assert holders_of(P.SOURCE_MANAGE, at=now()) == (rex, una)


def test_role_that_must_not_be_empty_is_not_given_with_an_end_when_nobody_holds_it(rex):
    other = person("Una", Role.ADMINISTRATOR)

    with pytest.raises(Refused) as refusal:
        propose(person("Vic"), Role.COMPLIANCE, rex, until=soon(days=5))

    assert "last Compliance manager" in refusal.value.why
    assert holders_of(P.SOURCE_MANAGE, at=now()) == (rex, other)


# What the database itself refuses


def test_database_refuses_a_grant_to_self(rex):
    with pytest.raises(IntegrityError, match="role_grant_not_to_self"):
        RoleGrant.objects.create(user=rex, role=Role.ENGINEER, granted_by=rex, valid_from=now(), reason="x")


def test_database_refuses_a_privileged_role_from_one_person(rex):
    with pytest.raises(IntegrityError, match="role_grant_privileged_by_two"):
        RoleGrant.objects.create(user=person("Pia"), role=Role.APPROVER, granted_by=rex, valid_from=now(), reason="x")


def test_database_refuses_one_person_as_both(rex):
    with pytest.raises(IntegrityError, match="role_grant_seconded_by_another"):
        RoleGrant.objects.create(
            user=person("Pia"), role=Role.APPROVER, granted_by=rex, seconded_by=rex, valid_from=now(), reason="x"
        )


def test_database_refuses_a_role_from_nobody():
    with pytest.raises(IntegrityError, match="role_grant_by_somebody"):
        RoleGrant.objects.create(user=person("Pia"), role=Role.ENGINEER, valid_from=now(), reason="x")


def test_database_refuses_to_remove_the_last_holder(rex):
    with pytest.raises(IntegrityError, match="cannot be removed"):
        RoleGrant.objects.filter(user=rex).update(valid_until=now())


def test_database_refuses_to_let_the_last_holder_leave(rex):
    with pytest.raises(IntegrityError, match="cannot leave"):
        User.objects.filter(pk=rex.pk).update(is_active=False)


def test_database_lets_others_leave_and_come_back(rex):
    ann = person("Ann")

    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert not may(User.objects.get(pk=ann.pk), P.CHANGE_SEE)
    User.objects.filter(pk=ann.pk).update(is_active=True)

    assert may(User.objects.get(pk=ann.pk), P.CHANGE_SEE)


def test_database_refuses_to_make_a_role_last_longer():
    grant = hold(person("Ann", Role.ENGINEER), Role.APPROVER, until=soon(days=1))

    with pytest.raises(IntegrityError, match="only end sooner"):
        RoleGrant.objects.filter(pk=grant.pk).update(valid_until=None)


@pytest.mark.parametrize("change", [{"role": Role.CHAIR}, {"reason": "Other"}, {"valid_from": LONG_AGO - timedelta(days=9)}])
def test_database_refuses_to_rewrite_a_grant(change):
    grant = person("Bob").grants.get()

    with pytest.raises(Exception, match="never changes"):
        RoleGrant.objects.filter(pk=grant.pk).update(**change)


@pytest.mark.django_db(transaction=True)
def test_database_refuses_roles_under_repeatable_read():
    pia = person("Pia")

    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(IntegrityError, match="REPEATABLE READ"):
            RoleGrant(user=pia, role=Role.ENGINEER, at_shell="tests", valid_from=now(), reason="x").save_base(raw=True)
        cursor.execute("ROLLBACK")


# The one question


def test_nobody_may_anything_without_signing_in():
    assert not any(may(AnonymousUser(), permission) for permission in P)
    assert roles_of(AnonymousUser()) == frozenset()


def test_person_without_a_role_may_only_see_to_their_own_account():
    pia = person("Pia")

    assert [permission for permission in P if may(pia, permission)] == [P.OWN_ACCOUNT]
    assert [permission for permission in P if may_at(pia, permission, at=now())] == [P.OWN_ACCOUNT]


def test_person_who_left_may_nothing():
    ann = person("Ann")
    User.objects.filter(pk=ann.pk).update(is_active=False)
    ann.refresh_from_db()

    assert not any(may(ann, permission) or may_at(ann, permission, at=now()) for permission in P)


def test_roles_are_read_once_for_a_request(django_assert_num_queries):
    bob = person("Bob")

    with django_assert_num_queries(1):
        assert [may(bob, P.CHANGE_APPROVE), may(bob, P.CHANGE_SEE), may(bob, P.SOURCE_MANAGE)] == [True, True, False]


def test_roles_are_asked_anew_inside_an_action():
    bob = person("Bob")
    assert may(bob, P.CHANGE_APPROVE)
    actions.revoke(grant=RoleGrant.objects.get(user=bob), by=person("Rex"), reason="Moved", at=now())

    assert not may_at(bob, P.CHANGE_APPROVE, at=now())


def test_holders_are_the_active_ones_by_name(rex, mia):
    dev, cleo, bob = person("Dev"), person("Cleo"), person("Bob")
    gone = person("Abe", Role.APPROVER)
    User.objects.filter(pk=gone.pk).update(is_active=False)

    assert holders_of(P.CHANGE_APPROVE, at=now()) == (bob, cleo, dev)
    assert who_may(P.CHANGE_APPROVE, at=now()).roles == (Role.APPROVER, Role.ARCHITECT, Role.CHAIR)
    assert holders_of(P.OWN_ACCOUNT, at=now()) == (bob, cleo, dev, mia, rex)


def test_roles_count_as_of_the_day(rex):
    pia = person("Pia")
    hold(pia, Role.APPROVER, since=LONG_AGO, until=LONG_AGO + timedelta(days=10))
    hold(pia, Role.ENGINEER, since=LONG_AGO + timedelta(days=10))

    assert roles_at(pia, at=LONG_AGO + timedelta(days=9)) == {Role.APPROVER}
    assert roles_at(pia, at=LONG_AGO + timedelta(days=10)) == {Role.ENGINEER}

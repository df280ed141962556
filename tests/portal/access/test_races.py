"""Two at once: the database lets one through, whoever writes."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from portal.access import actions
from portal.access.identities import link_identity
from portal.access.invitations import accept, invite
from portal.access.may import holders_of
from portal.access.models import Identity, RoleGrant, User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.policy.refusal import Refused, Stale
from tests.portal.access.people import hold, now, person

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run each in its own thread and connection, all starting together. Returns "done" or the name of what was raised."""
    gate, results = threading.Barrier(len(acts)), [""] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        connection.ensure_connection()
        gate.wait()
        try:
            act()
            results[place] = "done"
        except (Refused, Stale, IntegrityError) as refusal:
            results[place] = type(refusal).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_conflicting_roles_written_at_once_leave_one():
    """Straight into the table, without any look beforehand: only the trigger stands between."""
    for number in range(ROUNDS):
        pia = person(f"Pia {number}")

        results = at_once(lambda pia=pia: hold(pia, Role.APPROVER), lambda pia=pia: hold(pia, Role.ADMINISTRATOR))

        assert results == ["IntegrityError", "done"]
        assert RoleGrant.objects.filter(user=pia).count() == 1


def test_conflicting_roles_given_at_once_leave_one():
    rex, mia = person("Rex"), person("Mia")
    for number in range(ROUNDS):
        pia = person(f"Pia {number}")
        wanted = [
            actions.propose_role(user=pia, role=role, by=rex, reason="Needed", at=now()) for role in (Role.CHAIR, Role.COMPLIANCE)
        ]

        results = at_once(
            *(lambda one=one: actions.confirm_role(proposal=one, digest=one.digest, by=mia, at=now()) for one in wanted)
        )

        assert results == ["Refused", "done"]
        assert RoleGrant.objects.filter(user=pia).count() == 1


def test_proposal_confirmed_twice_at_once_gives_one_role():
    rex, mia, una = person("Rex"), person("Mia"), person("Una", Role.COMPLIANCE)
    for number in range(ROUNDS):
        one = actions.propose_role(user=person(f"Pia {number}"), role=Role.CHAIR, by=rex, reason="Needed", at=now())

        results = at_once(
            *(lambda by=by, one=one: actions.confirm_role(proposal=one, digest=one.digest, by=by, at=now()) for by in (mia, una))
        )

        assert results == ["Stale", "done"]


def test_last_two_holders_who_end_each_other_leave_one():
    mia = person("Mia")
    for number in range(ROUNDS):
        pair = [person(f"Rex {number} {letter}", Role.ADMINISTRATOR) for letter in "ab"]
        _end_others(pair, by=mia)

        results = at_once(
            *(lambda user=user: actions.revoke(grant=user.grants.get(), by=mia, reason="Gone", at=now()) for user in pair)
        )

        assert results == ["Refused", "done"]
        assert len(holders_of(P.SOURCE_MANAGE, at=now())) == 1


def _end_others(keep: list[User], *, by: User) -> None:
    for grant in RoleGrant.objects.filter(role=Role.ADMINISTRATOR, valid_until=None).exclude(user__in=keep):
        actions.revoke(grant=grant, by=by, reason="Make room", at=now())


def test_last_two_holders_ended_at_once_in_the_table_leave_one():
    """Past the actions: the trigger alone. The entry is missing, so each is wrapped in one that writes it."""
    for number in range(ROUNDS):
        pair = [person(f"Rex {number} {letter}", Role.ADMINISTRATOR) for letter in "ab"]
        others = RoleGrant.objects.filter(role=Role.ADMINISTRATOR, valid_until=None).exclude(user__in=pair)
        for grant in others:
            _end(grant)

        results = at_once(*(lambda user=user: _end(user.grants.get()) for user in pair))

        assert results == ["IntegrityError", "done"]


@transaction.atomic
def _end(grant: RoleGrant) -> None:
    grant.valid_until = now()
    grant.save(update_fields=["valid_until"])
    append(stream="test", kind="role.revoked", actor="shell:tests", fact={}, rows=(grant,))


def test_account_linked_by_two_at_once_belongs_to_one():
    ann, bob = person("Ann"), person("Bob")
    for number in range(ROUNDS):
        results = at_once(
            *(
                lambda user=user, number=number: link_identity(
                    user=user, provider="github", uid=str(number + 1), login="x", by="user:1", at=now()
                )
                for user in (ann, bob)
            )
        )

        assert results == ["Refused", "done"]
        assert Identity.objects.filter(uid=str(number + 1)).count() == 1


def test_letter_used_twice_at_once_makes_one_person():
    rex = person("Rex")
    for number in range(ROUNDS):
        _, token = invite(email=f"pia{number}@northwind.example", name="Pia", roles=[], by=rex, at=now())

        results = at_once(*([lambda token=token: accept(token=token, name="Pia", password="x" * 12, at=now())] * 2))

        assert results == ["Stale", "done"]

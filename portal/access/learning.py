"""People with access at a vendor and no role here: they learn and sign as everybody involved does (P-28), and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.access import actions, invitations
from portal.access.may import roles_at
from portal.access.models import Invitation, User
from portal.access.roles import Role

REASON = "Has access at a vendor: learns and signs the policy."


@dataclass(frozen=True)
class LetIn:
    """How many got a letter, how many can sign in already and got the role, and how many were left as they are."""

    invited: int = 0
    given: int = 0
    left: int = 0

    @property
    def words(self) -> str:
        """The same in a sentence."""
        parts = (f"{self.invited} invited by letter", f"{self.given} given the role at once", f"{self.left} left as they are")
        return f"{', '.join(parts)}."


@transaction.atomic
def let_learn(*, people: Iterable[User], by: User, at: datetime) -> LetIn:
    """Give each of them the role Learner, or a letter that brings it where they have no way to sign in yet.

    Left as they are: who has left, who holds a role, and whose letter is on its way. Raises ``Refused`` when ``by`` may not.
    """
    invited = given = left = 0
    for person in people:
        if not person.is_active or roles_at(person, at=at):
            left += 1
        elif not invitations.may_join(person):
            actions.grant(user=person, role=Role.LEARNER, by=by, reason=REASON, at=at)
            given += 1
        elif Invitation.objects.filter(email=person.email, accepted_at=None, withdrawn_at=None, expires_at__gt=at).exists():
            left += 1
        else:
            invitations.invite(email=person.email, name=person.name, roles=[Role.LEARNER], by=by, at=at)
            invited += 1
    return LetIn(invited, given, left)

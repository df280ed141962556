"""What the company says about a person: how they belong to it, team, first and last day. Every change is in the ledger."""

from dataclasses import dataclass, fields
from datetime import date, datetime

from django.db import transaction

from portal.access.may import may_at
from portal.access.models import PersonKind, User
from portal.access.people import actor_of, stream_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

KINDS = {word: kind.value for kind in PersonKind for word in (kind.value, kind.label.lower())}
"""How others write a kind of person, in small letters: our code, or its label."""


@dataclass(frozen=True)
class Description:
    """What is written about one person. ``leaves_on`` is the last day, None while none is known."""

    name: str
    kind: str
    team: str = ""
    employer: str = ""
    joined_on: date | None = None
    leaves_on: date | None = None


def description_of(user: User) -> Description:
    """What is written about this person now."""
    return Description(**{field.name: getattr(user, field.name) for field in fields(Description)})


@transaction.atomic
def describe(*, user: User, said: Description, by: User, at: datetime) -> bool:
    """Write it down; False when it says nothing new. Raises ``Refused`` for a last day before the first, or without the right."""
    check_keeper(by, at=at)
    return write(user=user, said=said, actor=actor_of(by))


def write(*, user: User, said: Description, actor: str) -> bool:
    """The same for whoever has asked already: an import, provisioning. Inside their transaction."""
    said = checked(said)
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before = description_of(held)
    changed = [field.name for field in fields(Description) if getattr(before, field.name) != getattr(said, field.name)]
    if not changed:
        return False
    for name in changed:
        setattr(held, name, getattr(said, name))
        setattr(user, name, getattr(said, name))
    held.save(update_fields=changed)
    fact = {
        "person": held.pk,
        "name": held.name,
        "before": {name: _plain(getattr(before, name)) for name in changed},
        "after": {name: _plain(getattr(said, name)) for name in changed},
    }
    append(stream=stream_of(held), kind="person.described", actor=actor, fact=fact)
    return True


def checked(said: Description) -> Description:
    """The same with trimmed texts. Raises ``Refused`` when it cannot be."""
    name = said.name.strip()
    if not name:
        raise refused("A person has a name.", "Write it.")
    if said.kind not in PersonKind.values:
        raise refused(f"{said.kind} is no kind of person.", f"Choose one of {', '.join(PersonKind.values)}.")
    if said.joined_on and said.leaves_on and said.leaves_on < said.joined_on:
        raise refused("The last day lies before the first.", "Correct one of them.")
    return Description(name, said.kind, said.team.strip(), said.employer.strip(), said.joined_on, said.leaves_on)


def check_keeper(by: User, *, at: datetime) -> None:
    """Refuse whoever may not keep the roster."""
    if not may_at(by, P.PERSON_KEEP, at=at):
        raise refused(f"{by.name} may not {P.PERSON_KEEP.sentence}.", "Ask an administrator or a compliance manager.")


def refused(why: str, instead: str = "") -> Refused:
    """A refusal of who is on the roster and in."""
    return Refused(Clause.ACCESS_RESTRICTED, why, instead)


def _plain(value: object) -> str | None:
    return None if value is None else str(value)

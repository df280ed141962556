"""Who answers for an exception, and who stands too near to it to judge it (P-03, P-29).

Evidence names accounts by login, with the vendor's number beside it (``pusher`` and ``pusher_uid``) where that is known.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changes.exceptions.kinds import Kind
from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Change
from changes.proposals.people import FORGE
from changes.proposals.queries import contributors
from portal.access.may import holders_of_role, may_at
from portal.access.models import Identity, User
from portal.access.permissions import P
from portal.access.roles import Role

ACCOUNTS = ("merged_by", "queued_by", "author", "pusher", "actor")
ROLES = {"chair": Role.CHAIR, "compliance": Role.COMPLIANCE, "administrator": Role.ADMINISTRATOR}
LAST = ("chair", "compliance")
"""Somebody always answers: where the rule leads nowhere, the chair, else compliance."""


def owner_for(*, kind: Kind, evidence: Mapping[str, Any], change: Change | None, at: datetime) -> User | None:
    """The first person on the kind's list who is there and may answer; None in a portal without chair and compliance."""
    for way in dict.fromkeys((*kind.owners, *LAST)):
        for person in _people(way, evidence, change, at):
            if may_at(person, P.EXCEPTION_EXPLAIN, at=at):
                return person
    return None


def _people(way: str, evidence: Mapping[str, Any], change: Change | None, at: datetime) -> tuple[User, ...]:
    if way in ROLES:
        return holders_of_role(ROLES[way], at=at)
    if way == "requester":
        return (change.requester,) if change is not None and change.requester is not None else ()
    person = person_behind(login=str(evidence.get(way) or ""), uid=evidence.get(f"{way}_uid"))
    return (person,) if person else ()


def person_behind(*, login: str, uid: int | str | None) -> User | None:
    """The person with this account: by its number, else by its present name, else by the mail address that it is."""
    linked = Identity.objects.filter(provider=FORGE, ended_at=None).select_related("user")
    if uid:
        identity = linked.filter(uid=str(uid)).first()
        return identity.user if identity else None
    if not login:
        return None
    identity = linked.filter(login__iexact=login).order_by("id").first()
    return identity.user if identity else User.objects.filter(email__iexact=login, is_active=True).first()


def involved_in(record: ExceptionRecord) -> frozenset[int]:
    """Ids of the people whose doing it is: behind the accounts of its evidence, and who made or asked for its change."""
    evidence: Mapping[str, Any] = record.evidence
    people = [person_behind(login=str(evidence.get(name) or ""), uid=evidence.get(f"{name}_uid")) for name in ACCOUNTS]
    found = {person.pk for person in people if person}
    if record.change is not None:
        found |= {actor.person for actor in contributors(record.change) if actor.person is not None}
        if record.change.requester_id is not None:
            found.add(record.change.requester_id)
    return frozenset(found)

"""Segregation conflicts over the rights that are held now, and the limitations that are accepted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from changes.entitlements.facts import Right
from changes.entitlements.mergers.models import MergerList
from changes.entitlements.mergers.queries import kept_lists
from changes.entitlements.models import Entitlement
from changes.entitlements.own import PORTAL, people_of
from changes.entitlements.queries import rights_now
from changes.entitlements.segregation import policy
from changes.entitlements.segregation.models import Limitation
from changes.entitlements.segregation.policy import Conflict, Grip
from changes.forges import FORGES
from portal.access.models import User

WHERE = {PORTAL: "portal", **dict.fromkeys(FORGES, "code"), "fly": "production"}
"""Which system a provider is for the rules; others hold no part of the way from code to production."""
ADMIN_ROLE = "role:admin"


@dataclass(frozen=True)
class Found:
    """A conflict with its person and the limitation that covers it now."""

    conflict: Conflict
    person: User
    limitation: Limitation | None


def found_now(*, at: datetime) -> list[Found]:
    """Every conflict, those without a limitation first."""
    everything = list(rights_now())
    people = people_of(everything)
    owners = {key: user.pk for key, user in people.items()}
    named = {user.pk: user for user in people.values()}
    grips = grips_of(everything, owners)
    for person, grip in _mergers(at):
        grips[person].append(grip)
    covered = {(row.person_id, row.rule): row for row in in_force(at=at)}
    named |= User.objects.in_bulk([pk for pk in grips if pk not in named])
    rows = [
        Found(one, named[one.person], covered.get((one.person, one.rule.code)))
        for one in policy.conflicts(grips)
        if named[one.person].is_active
    ]
    return sorted(rows, key=lambda one: (one.limitation is not None, one.person.name, one.conflict.rule.code))


def grips_of(rights: Iterable[Entitlement], owners: dict[tuple[str, str], int]) -> dict[int, list[Grip]]:
    """By person: what they hold, through teams and roles as well."""
    rows = [row for row in rights if row.thing.provider in WHERE]
    members: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in rows:
        person = owners.get((row.thing.provider, row.account_id)) if row.account_kind == "person" else None
        kind, _, number = row.thing.key.partition(":")
        if person is not None and kind.endswith(".team"):
            members[(row.thing.provider, number)].add(person)
        if person is not None and kind.endswith(".repository") and row.right == Right.ADMIN:
            members[(row.thing.provider, f"{ADMIN_ROLE}@{number}")].add(person)
    found: dict[int, list[Grip]] = defaultdict(list)
    for row in rows:
        for person in _holders(row, owners, members):
            found[person].append(_grip(row))
    return found


def _holders(row: Entitlement, owners: dict[tuple[str, str], int], members: dict[tuple[str, str], set[int]]) -> set[int]:
    provider = row.thing.provider
    if row.thing.key.partition(":")[0].endswith(".team"):
        return set()
    if row.account_kind == "person":
        person = owners.get((provider, row.account_id))
        return {person} if person is not None else set()
    account = f"{ADMIN_ROLE}@{_place(row)}" if row.account_id == ADMIN_ROLE else row.account_id
    return members.get((provider, account), set()) if row.account_kind == "team" else set()


def _grip(row: Entitlement) -> Grip:
    through = f" through {row.account_name}" if row.account_kind == "team" else f" through {row.through}" if row.through else ""
    word = f" ({row.vendor_word})" if row.vendor_word else ""
    return Grip(Right(row.right), WHERE[row.thing.provider], _place(row), f"{row.right} on {row.thing}{word}{through}")


def _place(row: Entitlement) -> str:
    """The repository for everything about one, whatever the kind of the thing."""
    return row.thing.key.partition(":")[2].partition(":")[0]


def _mergers(at: datetime) -> Iterator[tuple[int, Grip]]:
    """Whoever may merge to prod brings code to production."""
    newest = {key: rows[-1] for key, rows in kept_lists().items() if key[1] == MergerList.Branch.PROD}
    names = dict(MergerList.objects.filter(pk__in=[row.pk for row in newest.values()]).values_list("pk", "repository__name"))
    for row in newest.values():
        for one in row.people:
            yield one["id"], Grip(Right.DEPLOY, "production", str(row.pk), f"may merge to prod of {names[row.pk]}")


def in_force(*, at: datetime) -> QuerySet[Limitation]:
    """Limitations that are accepted now."""
    rows = Limitation.objects.filter(confirmed_at__lte=at, until__gt=at, withdrawn_at=None)
    return rows.select_related("person", "proposed_by", "confirmed_by").order_by("until", "pk")


def waiting(*, at: datetime) -> QuerySet[Limitation]:
    """Proposals that wait for their second person."""
    rows = Limitation.objects.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at)
    return rows.select_related("person", "proposed_by").order_by("proposed_at", "pk")


def over(*, at: datetime) -> QuerySet[Limitation]:
    """Limitations that have ended, newest first."""
    rows = Limitation.objects.filter(confirmed_at__isnull=False).exclude(pk__in=in_force(at=at).values("pk"))
    return rows.select_related("person", "proposed_by", "confirmed_by").order_by("-until", "-pk")

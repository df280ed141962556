"""What a delivery about an organisation, its teams or its members means for the repositories in scope there.

No repository is named in it: those count to which the team had access when it came, as far as that was read, or all of the
organisation. Each keeps an event of its own, and who has access to it is read at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.text import slugify

from changes.connectors.asking import Asked, ask_all
from changes.connectors.github.rights import repository_teams_key
from changes.connectors.models import Delivery, Source
from changes.connectors.outcome import Outcome
from changes.connectors.secrets import signed_for
from changes.connectors.settling import touch
from changes.delivery.facts import OrganisationReported, RuleEventReported
from changes.delivery.models import Repository
from changes.delivery.rule_events import record_told
from changes.delivery.rule_models import RuleEvent
from changes.entitlements.models import Entitlement, Thing

ACCESS, ITSELF = "access:", "repository:"
"""Subjects of readings: who has access to a repository; the repository and its environments."""

LATELY = timedelta(minutes=15)
"""Around a delivery about a team, for access that was given to it and is being read."""


def spread(*, fact: OrganisationReported, delivery: Delivery, at: datetime) -> Outcome:
    """Keep and ask for what ``fact`` means at each repository in scope for which the delivery's secret is good."""
    organisation = fact.organisation
    rows = _of_organisation(delivery, organisation, fact.former)
    if not rows:
        return Outcome(Delivery.State.IGNORED, f"no repository of {organisation} is in scope", organisation)
    signed = [row for row in rows if signed_for(delivery=delivery, repository=row)]
    if not signed:
        return Outcome(Delivery.State.QUARANTINED, f"signed with no secret of {organisation}'s repositories", organisation)
    concerned = signed if fact.teams is None else _with_team(signed, fact.teams, delivery)
    unread = [] if fact.teams is None else _unread(signed, delivery)
    for row in concerned if fact.event is not None else ():
        _keep(row, fact.event, delivery, at)
    asked = {row.pk: row for row in (*concerned, *unread)}
    subjects = (ACCESS, ITSELF) if fact.whole else (ACCESS,)
    ask_all(asked=[Asked(delivery.source, row, subject, at) for row in asked.values() for subject in subjects])
    if not asked:
        return Outcome(Delivery.State.IGNORED, "the team has access to no repository in scope", organisation)
    return Outcome(Delivery.State.APPLIED, _told(concerned), organisation)


def key_of(*, delivery: Delivery) -> str:
    """The key of an event that a delivery tells of. Some say nothing of when it was: the same bytes may rightly come again."""
    same = Delivery.objects.filter(source=delivery.source_id, body_digest=delivery.body_digest, state=Delivery.State.APPLIED)
    earlier = same.filter(pk__lt=delivery.pk).count()
    return f"{delivery.body_digest}.{earlier}" if earlier else delivery.body_digest


def _of_organisation(delivery: Delivery, *logins: str | None) -> list[Repository]:
    named = Q()
    for login in filter(None, logins):
        named |= Q(name__istartswith=f"{login}/")
    return list(Repository.objects.filter(named, forge=delivery.source.kind, in_scope_until=None).order_by("id"))


def has_team(*, row: Repository, slug: str, source: Source, then: datetime) -> bool:
    """Whether the team with this slug had access to the repository then, as far as it was read. Slugs are made of names."""
    if row.vendor_id is None:
        return False
    held = Entitlement.objects.filter(thing__source=source.name, thing__key=repository_teams_key(row.vendor_id))
    names = held.filter(Q(ended_at=None) | Q(ended_at__gt=then), account_kind="team", first_seen_at__lte=then)
    return slug in {slugify(name) for name in names.values_list("account_name", flat=True)}


def _with_team(rows: Sequence[Repository], teams: Sequence[int], delivery: Delivery) -> list[Repository]:
    """Those to which one of the teams had access when the delivery came: what was read later says nothing about then."""
    then = delivery.received_at
    held = Entitlement.objects.filter(thing__source=delivery.source.name, account_kind="team", first_seen_at__lte=then)
    held = held.filter(Q(ended_at=None) | Q(ended_at__gt=then), account_id__in=[str(team) for team in teams])
    things = set(held.filter(thing__key__in=_keys(rows)).values_list("thing__key", flat=True))
    just = _just_given(rows, teams, then)
    return [row for row in rows if row.pk in just or (row.vendor_id is not None and repository_teams_key(row.vendor_id) in things)]


def _just_given(rows: Sequence[Repository], teams: Sequence[int], then: datetime) -> set[int]:
    """Those to which one of the teams was given access so lately that it may not have been read yet."""
    given = RuleEvent.objects.filter(repository__in=rows, kind=RuleEvent.Kind.MEMBER, action="added_to_repository")
    given = given.filter(happened_at__range=(then - LATELY, then + LATELY), detail__team__id__in=list(teams))
    return set(given.values_list("repository_id", flat=True))


def _unread(rows: Sequence[Repository], delivery: Delivery) -> list[Repository]:
    """Those whose teams were never read: nobody can tell whether the team has access."""
    read = Thing.objects.filter(source=delivery.source.name, key__in=_keys(rows)).exclude(last_read_at=None)
    things = set(read.values_list("key", flat=True))
    return [row for row in rows if row.vendor_id is None or repository_teams_key(row.vendor_id) not in things]


def _keys(rows: Sequence[Repository]) -> list[str]:
    return [repository_teams_key(row.vendor_id) for row in rows if row.vendor_id is not None]


def _keep(row: Repository, event: RuleEventReported | None, delivery: Delivery, at: datetime) -> None:
    if event is not None:
        given = replace(event, happened_at=event.happened_at or delivery.received_at)
        key = f"{key_of(delivery=delivery)}:{row.pk}"
        record_told(repository=row, fact=given, key=key, came_at=delivery.received_at, at=at)
        touch(repository=row, at=at)


def _told(rows: Sequence[Repository]) -> str:
    names = [row.name for row in rows[:5]]
    more = f" and {len(rows) - len(names)} more" if len(rows) > len(names) else ""
    return f"about {', '.join(names)}{more}" if names else "which repositories it concerns was not read yet"

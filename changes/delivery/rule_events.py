"""Edits of rules and access that two doors tell of: a delivery at once, and the forge's own log later, or the other way round.

They are one event when they are about the same thing and lie close together. The log has the better time and cannot be lost;
whatever came first stays, and what the log shows is confirmed.
"""

from datetime import datetime, timedelta

from django.db import transaction

from changes.delivery.actions import record_rule_event
from changes.delivery.facts import RuleEventReported
from changes.delivery.models import Repository
from changes.delivery.rule_models import RuleEvent

LOGGED = "audit:"
"""How the key of an event begins that the log alone has told."""
APART = timedelta(minutes=10)
"""How far the two times of one act may lie apart: a delivery about access is known by when it came."""


@transaction.atomic
def record_logged(*, repository: Repository, fact: RuleEventReported, key: str, at: datetime) -> RuleEvent:
    """Keep what the log tells, or confirm the event that a delivery has told already."""
    known = _same(repository, fact, fact.happened_at or at, logged=False)
    row = known or record_rule_event(repository=repository, fact=fact, key=key, at=at)
    if row.confirmed_at is None:
        row.confirmed_at = row.reported_at = at
        row.save(update_fields=["confirmed_at", "reported_at"])
    return row


@transaction.atomic
def record_told(*, repository: Repository, fact: RuleEventReported, key: str, came_at: datetime, at: datetime) -> RuleEvent:
    """Keep what a delivery tells that came at ``came_at``, unless the log has told the same before it.

    Of an edit of rules the log does not say which way it went: a delivery that shows it loosened something stands beside it.
    """
    if not RuleEvent.objects.filter(delivery_key=key).exists():
        known = _same(repository, fact, fact.happened_at or came_at, logged=True)
        if known is not None and (known.weakens or not fact.weakens):
            return known
    return record_rule_event(repository=repository, fact=fact, key=key, at=at)


def _same(repository: Repository, fact: RuleEventReported, moment: datetime, *, logged: bool) -> RuleEvent | None:
    near = RuleEvent.objects.select_for_update().filter(
        repository=repository, kind=fact.kind, action=fact.action, happened_at__range=(moment - APART, moment + APART)
    )
    near = near.filter(delivery_key__startswith=LOGGED) if logged else near.exclude(delivery_key__startswith=LOGGED)
    wanted = _plain(fact.subject)
    return next((row for row in near.order_by("happened_at", "id") if _plain(row.subject) == wanted), None)


def _plain(subject: str) -> str:
    """The log names a team by its slug."""
    return subject.lower().replace(" ", "-")

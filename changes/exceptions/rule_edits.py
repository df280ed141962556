"""Edits of branch rules and of people's access at the forge: what weakens something belongs to a change, or is an exception.

The rule is that of edits in other consoles (``edit_rules``): a change of the kind "DNS and access" whose text names what was
edited (the account or the rule, and the repository) and that was asked for, or carried, by the very person who edited. A match is
kept once, with its reason; only then does the detector find nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from changes.delivery.rule_models import RuleEvent
from changes.exceptions.edit_rules import VALID, Edit, matching
from changes.exceptions.edits import candidates_since
from changes.exceptions.models import RuleMatch
from changes.exceptions.owning import person_behind
from changes.proposals.models import Change, Kind
from changes.proposals.moving import stream_of
from portal.ledger.actions import append

ALL = "branch protection"
"""What is to stand in the text where all of it was switched off."""


def match_rules(*, events: Iterable[RuleEvent], at: datetime) -> None:
    """Keep which change each of these belongs to (``event.match`` from then on); nothing for one that belongs to none, or that
    loosens nothing."""
    unmatched = [event for event in events if event.weakens and not hasattr(event, "match")]
    if not unmatched:
        return
    candidates = candidates_since(min(event.happened_at for event in unmatched) - VALID)
    for event in unmatched:
        match = matching(edit_of(event), (one for _, one in candidates.values()))
        if match is not None:
            _keep(event, candidates[match[0].number][0], match[1], at)


def edit_of(event: RuleEvent) -> Edit:
    """The edit as the rules see it. Whoever edited is known by the linked account alone: a delivery names no address."""
    person = person_behind(login=event.actor_login, uid=event.actor_uid)
    names = _ways_to_name_access(event) if event.kind == RuleEvent.Kind.MEMBER else (_rule_named(event),)
    return Edit(kind=Kind.ACCESS, at=event.happened_at, person=person.pk if person is not None else None, names=names)


def _rule_named(event: RuleEvent) -> tuple[str, ...]:
    return (ALL if event.subject == "*" else event.subject, event.repository.name)


def _ways_to_name_access(event: RuleEvent) -> tuple[tuple[str, ...], ...]:
    """The account, or the team, with the repository; the account with the team that it was put into, or as an owner of what."""
    whole, short = event.repository.name, event.repository.name.rpartition("/")[2]
    team = (event.detail.get("team") or {}).get("name")
    if team and event.subject == f"team {team}":
        return (("team", team, whole), ("team", team, short))
    ways: list[tuple[str, ...]] = [(event.subject, whole), (event.subject, short)]
    if team:
        ways.append((event.subject, "team", team))
    if event.detail.get("organisation"):
        ways.append((event.subject, "owner", event.detail["organisation"]))
    return tuple(ways)


@transaction.atomic
def _keep(event: RuleEvent, change: Change, reason: str, at: datetime) -> None:
    row = RuleMatch.objects.create(event=event, change=change, reason=f"{reason}.", at=at)
    append(
        stream=stream_of(change),
        kind="edit.matched",
        actor="portal",
        fact={"change": str(change), "edit": str(event), "event": event.delivery_key, "reason": row.reason, "at": at.isoformat()},
        rows=[row],
    )

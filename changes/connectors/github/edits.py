"""Deliveries about rules and about who may do what, as facts: protection, rulesets, collaborators, teams, members. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from changes.connectors.fields import clean, clean_json
from changes.connectors.github import objects, protection, rulesets, teams
from changes.connectors.github.delivered import Delivered
from changes.delivery.facts import Fact, OrganisationReported, RuleEventReported


def protection_rule(reading: Delivered) -> Iterator[Fact]:
    """A classic branch protection was made, edited or deleted."""
    rule, changes = reading.body.needed("rule"), _changes(reading)
    reasons = protection.loosened_by(action=reading.action, rule=rule.values, changes=changes)
    renamed = (changes or {}).get("name")
    before = renamed.get("from") if isinstance(renamed, Mapping) else None
    yield _rule_event(
        reading=reading,
        kind="protection",
        subject=clean(text=before) if isinstance(before, str) and before else rule.needed_text("name"),
        reasons=reasons,
        detail={"rule": rule.values, "changes": changes},
        updated_at=rule.moment("updated_at"),
    )


def protection_configuration(reading: Delivered) -> Iterator[Fact]:
    """All branch protection of a repository was switched on or off."""
    reasons = ("all branch protection of the repository was switched off",) if reading.action == "disabled" else ()
    yield _rule_event(reading=reading, kind="protection", subject="*", reasons=reasons, detail={})


def ruleset(reading: Delivered) -> Iterator[Fact]:
    """A ruleset was made, edited or deleted."""
    ruleset, changes = reading.body.needed("repository_ruleset"), _changes(reading)
    yield _rule_event(
        reading=reading,
        kind="ruleset",
        subject=ruleset.needed_text("name"),
        reasons=rulesets.loosened_by(action=reading.action, ruleset=ruleset.values, changes=changes),
        detail={"ruleset": ruleset.values, "changes": changes},
        updated_at=ruleset.moment("updated_at"),
    )


def member(reading: Delivered) -> Iterator[Fact]:
    """A collaborator of one repository."""
    uid, login, is_bot = objects.account(holder=reading.body, name="member")
    changes = _changes(reading) or {}
    yield _rule_event(
        reading=reading,
        kind="member",
        subject=login or "unknown account",
        reasons=protection.widened_by(action=reading.action, changes=changes),
        detail={"uid": uid, "is_bot": is_bot, "changes": changes},
    )


def team(reading: Delivered) -> Iterator[Fact]:
    """A team and one repository, as an edit of its access; else a team of the organisation, which may have access to several.

    What says neither which repository nor that it gives nothing is read in all of them.
    """
    given = teams.of_team(body=reading.body, action=reading.action)
    if reading.repository is not None and reading.action != "deleted":
        yield _access(reading, given)
        return
    named = reading.action in ("added_to_repository", "removed_from_repository")
    yield _organisation(reading, None if named else given.teams, _access(reading, given) if reading.action == "deleted" else None)


def membership(reading: Delivered) -> Iterator[Fact]:
    """Somebody was put into a team, or taken out of it."""
    given = teams.of_membership(body=reading.body, action=reading.action)
    yield _organisation(reading, given.teams, _access(reading, given))


def organization(reading: Delivered) -> Iterator[Fact]:
    """An invitation gives nothing before it is accepted; a new name and an end are seen at the repositories."""
    if reading.action == "member_invited":
        reading.note = "An invitation gives no access before it is accepted"
        return
    event = None
    if reading.action in ("member_added", "member_removed"):
        organisation = teams.organisation_of(body=reading.body)
        event = _access(reading, teams.of_belonging(body=reading.body, action=reading.action, organisation=organisation))
    yield _organisation(reading, None, event)


def _access(reading: Delivered, given: teams.Given) -> RuleEventReported:
    return _rule_event(reading=reading, kind="member", subject=given.subject, reasons=given.reasons, detail=given.detail)


def _organisation(reading: Delivered, of_teams: tuple[int, ...] | None, event: RuleEventReported | None) -> OrganisationReported:
    """It is about the organisation, also where the delivery comes with a repository."""
    reading.repository = None
    return OrganisationReported(
        organisation=teams.organisation_of(body=reading.body),
        former=teams.former_of(body=reading.body),
        teams=of_teams,
        event=event,
        whole=reading.action in ("deleted", "renamed") and event is None,
    )


def _changes(reading: Delivered) -> Mapping[str, Any] | None:
    changes = reading.body.within("changes")
    return changes.values if changes is not None else None


def _rule_event(
    *,
    reading: Delivered,
    kind: str,
    subject: str,
    reasons: tuple[str, ...],
    detail: Mapping[str, Any],
    updated_at: datetime | None = None,
) -> RuleEventReported:
    """``updated_at`` of a rule is when it was edited; of a deleted one it is some earlier edit, so it says nothing."""
    known = updated_at if reading.action in ("created", "edited") else None
    return RuleEventReported(
        kind=kind,
        action=reading.action[:30],
        subject=subject,
        weakens=bool(reasons),
        detail=clean_json(value={"reasons": list(reasons), **detail}),
        actor_uid=reading.sender_uid,
        actor_login=reading.sender_login,
        happened_at=known,
        vendor_updated_at=known,
    )

"""Entries of an organisation's audit log, as GitHub Enterprise Cloud keeps it: what is kept of each, and what it means. Pure.

Of the fields only names are kept, never addresses, keys or configurations of hooks. An entry means what the delivery about the same
would mean. Of an edit of rules the log does not say which way it goes: it loosens nothing by itself, and the rules are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github import protection, teams
from changes.connectors.github.objects import LOGIN
from changes.delivery.facts import RuleEventReported
from changes.inventory.facts import VendorEvent

GROUPS = ("protected_branch", "repository_ruleset", "team", "hook", "integration_installation")
"""Kinds of actions that are kept whole."""
ACTIONS = frozenset({
    *("repo.add_member", "repo.remove_member", "repo.update_member"),
    *("org.add_member", "org.remove_member", "org.update_member"),
})  # fmt: skip
KEPT = (
    *("user", "user_id", "team", "repo", "org", "name", "ruleset_name", "ruleset_id", "hook_id", "integration", "active"),
    *("permission", "old_permission", "new_repo_permission", "old_repo_permission"),
)
PUSHES = frozenset({"policy_override", "rejected_ref_update"})
PLAIN = frozenset({"read", teams.MEMBER})
"""Roles in an organisation that give nothing but its base permission."""
UNSAID = "the log does not say which way; what guards the branch is read"
WORDS = {
    "create": "created",
    "destroy": "deleted",
    "add_member": "added",
    "remove_member": "removed",
    "update_member": "edited",
    "add_repository": "added_to_repository",
    "remove_repository": "removed_from_repository",
    "update_repository_permission": "edited",
}
"""The words of deliveries for those of the log."""


@dataclass(frozen=True)
class Meaning:
    """What an entry means: an event for one repository (``repository``), for those of a team, or for all of the organisation."""

    event: RuleEventReported
    repository: str = ""
    team: str = ""
    """The slug of the team whose repositories it concerns."""


def matters(*, action: str) -> bool:
    """Whether an entry is kept."""
    return action in ACTIONS or action.partition(".")[0] in GROUPS


def is_before(*, entry: Mapping[str, Any], moment: datetime) -> bool:
    """Whether an entry, of whatever action, is older than ``moment``. One without a time is not."""
    said = entry.get("@timestamp")
    return isinstance(said, int) and said < moment.timestamp() * 1000


def kept_of(*, entry: Mapping[str, Any]) -> VendorEvent:
    """An entry that matters, as it is kept. Raises ``Unreadable`` and ``Incomplete``."""
    fields = Fields.of(value=entry, path="entry")
    action = fields.needed_text("action", limit=100)
    detail = {name: said for name in KEPT if (said := _said(fields, name)) is not None}
    group = action.partition(".")[0]
    return VendorEvent(
        external_id=fields.needed_text("_document_id", limit=200),
        at=_moment(fields),
        action=action,
        actor_id=str(fields.number("actor_id") or ""),
        actor_name=fields.text("actor", limit=LOGIN) or "",
        kind=f"github.{group}",
        object_id=str(detail.get("hook_id") or detail.get("ruleset_id") or detail.get("user_id") or ""),
        object_name=str(detail.get("repo") or detail.get("team") or detail.get("org") or "")[:300],
        detail=detail,
    )


def meaning_of(*, kept: VendorEvent) -> Meaning | None:
    """What it means for repositories; None where a delivery about the same would mean nothing either."""
    group, _, verb = kept.action.partition(".")
    said = {name: value for name, value in kept.detail.items() if isinstance(value, str)}
    reader = {"protected_branch": _rule, "repository_ruleset": _rule, "repo": _person, "org": _belonging, "team": _team}.get(group)
    return reader(kept, verb, said) if reader is not None else None


def _rule(kept: VendorEvent, verb: str, said: Mapping[str, str]) -> Meaning | None:
    """An edit of rules; a push that met them, past them or refused, edits nothing."""
    if verb in PUSHES:
        return None
    kind = "protection" if kept.action.startswith("protected_branch.") else "ruleset"
    subject = said.get("name" if kind == "protection" else "ruleset_name") or "unnamed"
    action = WORDS.get(verb, "edited")
    reasons = {"deleted": (f"the {kind} was removed",), "created": ()}.get(action)
    event = _event(kept, kind, action, subject, reasons or (), {} if reasons is not None else {"reasons": [UNSAID]})
    return Meaning(event, repository=said.get("repo", ""))


def _person(kept: VendorEvent, verb: str, said: Mapping[str, str]) -> Meaning:
    action = WORDS[verb]
    changes = {"permission": {"from": said.get("old_permission"), "to": said.get("permission")}}
    reasons = protection.widened_by(action=action, changes=changes)
    return Meaning(_event(kept, "member", action, said.get("user", "unknown account"), reasons), repository=said.get("repo", ""))


def _belonging(kept: VendorEvent, verb: str, said: Mapping[str, str]) -> Meaning:
    organisation, role = said.get("org", ""), said.get("permission")
    reasons: tuple[str, ...] = ()
    detail: dict[str, Any] = {"organisation": organisation}
    if verb != "remove_member" and role not in PLAIN:
        reasons, more = teams.by_role(role=role, organisation=organisation)
        detail |= more
    action = {"add_member": "member_added", "remove_member": "member_removed"}.get(verb, "member_edited")
    return Meaning(_event(kept, "member", action, said.get("user", "unknown account"), reasons, detail))


def _team(kept: VendorEvent, verb: str, said: Mapping[str, str]) -> Meaning | None:
    """A team and a repository, or a team and a person; what else is done to a team gives nobody anything by itself."""
    slug = said.get("team", "").rpartition("/")[2]  # northwind/core
    team = {"team": {"name": slug, "slug": slug}}
    if verb in ("add_repository", "remove_repository", "update_repository_permission"):
        changes = {"permission": {"from": said.get("old_repo_permission"), "to": said.get("new_repo_permission")}}
        word = {"add_repository": "added", "remove_repository": "removed"}.get(verb, "edited")
        reasons = protection.widened_by(action=word, changes=changes)
        return Meaning(_event(kept, "member", WORDS[verb], f"team {slug}", reasons, team), repository=said.get("repo", ""))
    if verb not in ("add_member", "remove_member"):
        return None
    through = teams.through_team(name=slug)
    given = (f"access was given {through}",) if verb == "add_member" else ()
    detail = team | {"through": through}
    return Meaning(_event(kept, "member", WORDS[verb], said.get("user", "unknown account"), given, detail), team=slug)


def _event(
    kept: VendorEvent, kind: str, action: str, subject: str, reasons: tuple[str, ...], more: Mapping[str, Any] | None = None
) -> RuleEventReported:
    return RuleEventReported(
        kind=kind,
        action=action,
        subject=subject,
        weakens=bool(reasons),
        detail={"reasons": list(reasons), "audit": kept.external_id, **(more or {})},
        actor_uid=int(kept.actor_id) if kept.actor_id else None,
        actor_login=kept.actor_name or None,
        happened_at=kept.at,
    )


def _said(fields: Fields, name: str) -> str | int | bool | None:
    """A name, a number or a flag, in the entry or in its ``data``; of other types nothing is kept."""
    data = fields.values.get("data")
    for holder in (fields.values, data if isinstance(data, Mapping) else {}):
        value = holder.get(name)
        if isinstance(value, bool | int):
            return value
        if isinstance(value, str) and value:
            return value[:300]
    return None


def _moment(fields: Fields) -> datetime:
    """``@timestamp`` (or ``created_at``) counts milliseconds since 1970."""
    said = fields.number("@timestamp") or fields.number("created_at")
    if said is None:
        raise Incomplete("entry.@timestamp is missing")
    try:
        return datetime.fromtimestamp(said / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("entry.@timestamp is no time") from None

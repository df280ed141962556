"""Does an edit of branch protection, or of a person's access, loosen what guards a branch?

An edit is harmless only when the payload shows it: a field that we do not know, or whose direction cannot be told, counts
as weakening and says so. A person looks at a false alarm for a minute; a missed one defeats the control (P-08).
Fields: webhook ``branch_protection_rule`` of GitHub's schema 2022-11-28.
"""

from collections.abc import Iterator, Mapping
from typing import Any

LEVELS = {"off": 0, "non_admins": 1, "everyone": 2}
STRICTER_WHEN_HIGHER = frozenset({
    "pull_request_reviews_enforcement_level",
    "required_status_checks_enforcement_level",
    "signature_requirement_enforcement_level",
    "linear_history_requirement_enforcement_level",
    "lock_branch_enforcement_level",
    "merge_queue_enforcement_level",
    "required_deployments_enforcement_level",
    "required_conversation_resolution_level",
})  # fmt: skip
LOOSER_WHEN_HIGHER = frozenset({"allow_force_pushes_enforcement_level", "allow_deletions_enforcement_level"})
STRICTER_WHEN_TRUE = frozenset({
    "admin_enforced",
    "authorized_actors_only",
    "authorized_dismissal_actors_only",
    "dismiss_stale_reviews_on_push",
    "require_code_owner_review",
    "require_last_push_approval",
    "strict_required_status_checks_policy",
    "ignore_approvals_from_contributors",
    "create_protected",
})  # fmt: skip
LOOSER_WHEN_TRUE = frozenset({"lock_allows_fork_sync"})
COUNT = "required_approving_review_count"
ACCESS = {"none": 0, "read": 1, "pull": 1, "triage": 2, "write": 3, "push": 3, "maintain": 4, "admin": 5}


def loosened_by(*, action: str, rule: Mapping[str, Any], changes: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Why this branch protection event weakens the branch; empty when it does not.

    ``changes`` is the payload's block of old values. Some deliveries of an edit come without it: then the rule is judged
    as it stands now, since nothing shows that it was no stricter before.
    """
    if action == "created":
        return ()
    if action == "deleted":
        return ("the protection was removed",)
    if action != "edited":
        return (f"the action {action!r} is not known",)
    if not changes:
        return tuple(f"not said what changed, and now {gap}" for gap in _gaps(rule=rule))
    return tuple(
        reason for name, change in changes.items() for reason in _of_field(name=name, change=change, rule=rule, all_of=changes)
    )


def _gaps(*, rule: Mapping[str, Any]) -> Iterator[str]:
    """What a rule that guards a production branch must not leave open."""
    if not _holds(rule.get("pull_request_reviews_enforcement_level")) or not rule.get(COUNT):
        yield "no review is required"
    if not _holds(rule.get("required_status_checks_enforcement_level")) or not rule.get("required_status_checks"):
        yield "no check is required"
    if rule.get("admin_enforced") is not True:
        yield "administrators are not bound"
    if rule.get("allow_force_pushes_enforcement_level") != "off":
        yield "force pushes are allowed"
    if rule.get("allow_deletions_enforcement_level") != "off":
        yield "the branch may be deleted"


def _holds(level: Any) -> bool:
    return level in ("non_admins", "everyone")


def _of_field(*, name: str, change: Any, rule: Mapping[str, Any], all_of: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(change, Mapping) or "from" not in change:
        yield f"{name} changed in a way that is not said"
        return
    before, after = change["from"], change.get("to", rule.get(name))
    if name == "name":
        yield f"the rule no longer covers {before!r}"
    elif name in ("required_status_checks", "authorized_actor_names"):
        yield from _of_list(name=name, before=before, after=after, closed_before=_closed_before(rule=rule, changes=all_of))
    else:
        yield from _of_rank(name=name, before=before, after=after)


def _of_rank(*, name: str, before: Any, after: Any) -> Iterator[str]:
    """Compare two values of one field by how strict they are."""
    was, now = strictness(name=name, value=before), strictness(name=name, value=after)
    if was is None or now is None:
        yield f"{name} changed from {before!r} to {after!r}, and which is stricter is not known"
    elif now < was:
        yield f"{name} went from {before!r} to {after!r}"


def strictness(*, name: str, value: Any) -> int | None:
    """Higher is stricter; None when the field or the value is not known. A null old value means it was not set."""
    if name in STRICTER_WHEN_HIGHER or name in LOOSER_WHEN_HIGHER:
        level = LEVELS.get(value if isinstance(value, str) else "off" if value is None else "")
        return level if level is None or name in STRICTER_WHEN_HIGHER else -level
    if name in STRICTER_WHEN_TRUE or name in LOOSER_WHEN_TRUE:
        return int(bool(value) is (name in STRICTER_WHEN_TRUE)) if value is None or isinstance(value, bool) else None
    if name == COUNT:
        return value if isinstance(value, int) else 0 if value is None else None
    return None


def _closed_before(*, rule: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Only the named people could push before the edit."""
    change = changes.get("authorized_actors_only")
    return bool(change.get("from")) if isinstance(change, Mapping) else bool(rule.get("authorized_actors_only"))


def _of_list(*, name: str, before: Any, after: Any, closed_before: bool) -> Iterator[str]:
    old, new = _names(before), _names(after)
    if old is None or new is None:
        yield f"{name} changed in a way that is not said"
    elif name == "required_status_checks" and old - new:
        yield f"no longer required: {', '.join(sorted(old - new))}"
    elif name == "authorized_actor_names" and new - old and closed_before:
        yield f"may now push as well: {', '.join(sorted(new - old))}"


def _names(value: Any) -> frozenset[str] | None:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return frozenset(value)


def widened_by(*, action: str, changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Why this ``member`` event gives somebody (more) access; empty when it does not."""
    if action == "removed":
        return ()
    to = _said(changes, "role_name", "to") or _said(changes, "permission", "to")
    if action == "added":
        return (f"access was given{f' ({to})' if to else ''}",)
    if action != "edited":
        return (f"the action {action!r} is not known",)
    was = _said(changes, "old_permission", "from") or _said(changes, "role_name", "from") or _said(changes, "permission", "from")
    before, after = ACCESS.get(was or ""), ACCESS.get(to or "")
    if before == ACCESS["admin"] or (before is not None and after is not None and after <= before):
        return ()
    return (f"access went from {was or 'unknown'} to {to or 'unknown'}",)


def _said(changes: Mapping[str, Any], name: str, side: str) -> str | None:
    change = changes.get(name)
    value = change.get(side) if isinstance(change, Mapping) else None
    return value if isinstance(value, str) and value else None

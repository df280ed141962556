"""Does an edit of a ruleset loosen it? The same rule as for branch protection: harmless only when the payload shows it.

Fields: webhook ``repository_ruleset`` of GitHub's schema 2022-11-28. Its ``changes`` block does not name people who may
bypass; an edit of those alone comes without changes, so the list as it stands now is judged.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from changes.connectors.github.protection import COUNT

ENFORCEMENT = {"disabled": 0, "evaluate": 1, "active": 2}
STRICTER_WHEN_TRUE = frozenset({
    "dismiss_stale_reviews_on_push",
    "require_code_owner_review",
    "require_last_push_approval",
    "required_review_thread_resolution",
    "strict_required_status_checks_policy",
})  # fmt: skip
LOOSER_WHEN_TRUE = frozenset({"do_not_enforce_on_create", "update_allows_fetch_and_merge"})
STRICTER_WITH_MORE = frozenset({"required_status_checks", "required_deployment_environments", "required_reviewers"})


def loosened_by(*, action: str, ruleset: Mapping[str, Any], changes: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Why this ruleset event weakens the branches it covers; empty when it does not."""
    if action == "created":
        return ()
    if action == "deleted":
        return ("the ruleset was deleted",)
    if action != "edited":
        return (f"the action {action!r} is not known",)
    if not changes:
        return tuple(f"not said what changed, and now {gap}" for gap in _gaps(ruleset=ruleset))
    return tuple(reason for name, change in changes.items() for reason in _of_change(name=name, change=change, ruleset=ruleset))


def _gaps(*, ruleset: Mapping[str, Any]) -> Iterator[str]:
    if ruleset.get("enforcement") != "active":
        yield f"it is {ruleset.get('enforcement')!r}"
    if ruleset.get("bypass_actors"):
        yield "somebody may bypass it"


def _of_change(*, name: str, change: Any, ruleset: Mapping[str, Any]) -> Iterator[str]:
    if name == "name":
        return
    if not isinstance(change, Mapping) or name not in ("enforcement", "conditions", "rules"):
        yield f"{name} changed in a way that is not known"
    elif name == "enforcement":
        yield from _of_enforcement(before=change.get("from"), after=ruleset.get("enforcement"))
    elif name == "conditions":
        yield from _of_conditions(change=change)
    else:
        yield from _of_rules(change=change)


def _of_enforcement(*, before: Any, after: Any) -> Iterator[str]:
    was = ENFORCEMENT.get(before) if isinstance(before, str) else None
    now = ENFORCEMENT.get(after) if isinstance(after, str) else None
    if was is None or now is None or now < was:
        yield f"enforcement went from {before!r} to {after!r}"


def _of_conditions(*, change: Mapping[str, Any]) -> Iterator[str]:
    """Fewer branches covered, or more left out. A condition that only includes branches covers more."""
    for condition in _objects(change.get("deleted")):
        yield f"no longer covers {_names(condition, 'include')}"
    for condition in _objects(change.get("added")):
        if left_out := _names(condition, "exclude"):
            yield f"leaves out {left_out}"
    for updated in _objects(change.get("updated")):
        yield from _of_condition(condition=_object(updated.get("condition")), changes=_object(updated.get("changes")))


def _of_condition(*, condition: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[str]:
    for name, change in changes.items():
        before = change.get("from") if isinstance(change, Mapping) else None
        if name not in ("include", "exclude") or not isinstance(before, list):
            yield f"which branches it covers changed ({name})"
            continue
        old, now = {str(one) for one in before}, set(_names(condition, name))
        if name == "include" and old - now:
            yield f"no longer covers {sorted(old - now)}"
        if name == "exclude" and now - old:
            yield f"leaves out {sorted(now - old)}"


def _of_rules(*, change: Mapping[str, Any]) -> Iterator[str]:
    for rule in _objects(change.get("deleted")):
        yield f"the rule {rule.get('type')!r} was removed"
    for updated in _objects(change.get("updated")):
        rule = _object(updated.get("rule"))
        for name, part in _object(updated.get("changes")).items():
            yield from _of_rule(name=name, part=_object(part), rule=rule)


def _of_rule(*, name: str, part: Mapping[str, Any], rule: Mapping[str, Any]) -> Iterator[str]:
    before = _configuration(part.get("from")) if name == "configuration" else None
    after = rule.get("parameters")
    if before is None or not isinstance(after, Mapping):
        yield f"the rule {rule.get('type')!r} changed ({name}), and which is stricter is not known"
        return
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key) and not _no_looser(key=key, before=before.get(key), after=after.get(key)):
            yield f"the rule {rule.get('type')!r}: {key} went from {before.get(key)!r} to {after.get(key)!r}"


def _configuration(value: Any) -> Mapping[str, Any] | None:
    """The old parameters. GitHub's schema only says text; JSON text is understood, anything else is not."""
    try:
        decoded = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, Mapping) else None


def _no_looser(*, key: str, before: Any, after: Any) -> bool:
    if key in STRICTER_WHEN_TRUE:
        return after is True
    if key in LOOSER_WHEN_TRUE:
        return not after
    if key == COUNT:
        return isinstance(after, int) and after >= (before if isinstance(before, int) else 0)
    if key in STRICTER_WITH_MORE and isinstance(after, list):
        return all(one in after for one in (before if isinstance(before, list) else []))
    return False


def _names(condition: Mapping[str, Any], side: str) -> list[str]:
    """Branch patterns of a condition, which stands under ``ref_name`` or is the condition itself."""
    names = _object(condition.get("ref_name") or condition).get(side)
    return sorted(str(name) for name in names) if isinstance(names, list) else []


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(_object(one) for one in value) if isinstance(value, list) else ()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

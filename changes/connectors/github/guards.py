"""What guards a branch or an environment, as one plain value that two readings can be compared by. Pure.

Only what a person decided is in it; addresses and times are not. Differences come as words, and apart from them those that loosen
something. Fields: GitHub REST 2022-11-28, ``branches/{b}/protection``, ``rules/branches/{b}``, ``rulesets/{id}``, ``environments``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
STRICTER = {
    "pull_request": "a pull request is required",
    "strict": "the branch must be up to date",
    "admins_bound": "administrators are bound",
    "dismiss_stale": "a push dismisses approvals",
    "code_owners": "code owners must review",
    "last_push": "the last push must be approved by somebody else",
    "threads": "conversations must be resolved",
    "signatures": "commits must be signed",
    "linear": "history must be linear",
    "merge_queue": "merges go through the queue",
    "no_self_review": "who deploys cannot approve it",
    "branch_policy": "only chosen branches may deploy",
}
LOOSER = {
    "force_pushes": "force pushes are allowed",
    "deletions": "the branch may be deleted",
    "admins_bypass": "administrators may get past it",
    "archived": "it is archived",
}
COUNTS = {"reviews": "approving reviews required", "wait": "minutes to wait"}
MORE_IS_STRICTER = {"reviewers": "reviewers", "gates": "custom gates"}
EXEMPT = "exempt"


def branch_guard(*, rules: Sequence[Json], protection: Json | None, rulesets: Sequence[Json]) -> dict[str, Any]:
    """Rules of every level and classic protection together; whichever is stricter holds."""
    guard: dict[str, Any] = {**dict.fromkeys(STRICTER, False), "reviews": 0, "checks": {}, "force_pushes": True, "deletions": True}
    for name in ("no_self_review", "branch_policy"):
        del guard[name]
    for rule in rules:
        _take_rule(guard, str(rule.get("type", "")), _object(rule.get("parameters")))
    _take_protection(guard, protection)
    hidden = any("bypass_actors" not in ruleset for ruleset in rulesets)
    named = {who for ruleset in rulesets for who in _bypass(ruleset)} | set(_allowances(protection))
    guard["bypass"] = None if hidden else sorted(named)
    guard["may_push"] = _may_push(protection)
    guard["types"] = sorted({str(rule.get("type", "")) for rule in rules})
    return guard


def _take_rule(guard: dict[str, Any], kind: str, given: Json) -> None:
    flags = {"required_signatures": "signatures", "required_linear_history": "linear", "merge_queue": "merge_queue"}
    if kind in flags:
        guard[flags[kind]] = True
    elif kind in ("non_fast_forward", "deletion"):
        guard["force_pushes" if kind == "non_fast_forward" else "deletions"] = False
    elif kind == "pull_request":
        _take_reviews(guard, given, owners="require_code_owner_review", stale="dismiss_stale_reviews_on_push")
        guard["threads"] |= given.get("required_review_thread_resolution") is True
    elif kind == "required_status_checks":
        guard["strict"] |= given.get("strict_required_status_checks_policy") is True
        _take_checks(guard, given.get("required_status_checks"), source="integration_id")


def _take_protection(guard: dict[str, Any], protection: Json | None) -> None:
    if protection is None:
        return
    reviews, checks = _object(protection.get("required_pull_request_reviews")), _object(protection.get("required_status_checks"))
    if reviews:
        _take_reviews(guard, reviews, owners="require_code_owner_reviews", stale="dismiss_stale_reviews")
    guard["strict"] |= checks.get("strict") is True
    for name in checks.get("contexts") or ():
        guard["checks"].setdefault(str(name), None)
    _take_checks(guard, checks.get("checks"), source="app_id")
    on = {"enforce_admins": "admins_bound", "required_signatures": "signatures", "required_linear_history": "linear"}
    on |= {"required_conversation_resolution": "threads"}
    for name, ours in on.items():
        guard[ours] |= _object(protection.get(name)).get("enabled") is True
    for name, ours in {"allow_force_pushes": "force_pushes", "allow_deletions": "deletions"}.items():
        if name in protection:
            guard[ours] &= _object(protection.get(name)).get("enabled") is True


def _take_reviews(guard: dict[str, Any], given: Json, *, owners: str, stale: str) -> None:
    count = given.get("required_approving_review_count")
    guard["pull_request"] = True
    guard["reviews"] = max(guard["reviews"], count if isinstance(count, int) else 0)
    guard["code_owners"] |= given.get(owners) is True
    guard["dismiss_stale"] |= given.get(stale) is True
    guard["last_push"] |= given.get("require_last_push_approval") is True


def _take_checks(guard: dict[str, Any], checks: Any, *, source: str) -> None:
    """Name → number of the app that must have written it; None where anybody with write access may."""
    for check in checks if isinstance(checks, list) else ():
        given = _object(check)
        app, name = given.get(source), str(given.get("context", ""))
        named = app if isinstance(app, int) and app > 0 else None
        guard["checks"][name] = named if named is not None else guard["checks"].get(name)


def _bypass(ruleset: Json) -> Iterator[str]:
    for actor in ruleset.get("bypass_actors") or ():
        given = _object(actor)
        yield f"{given.get('actor_type')} {given.get('actor_id') or ''}".strip() + f" ({given.get('bypass_mode') or 'always'})"


def _allowances(protection: Json | None) -> Iterator[str]:
    reviews = _object(_object(protection).get("required_pull_request_reviews"))
    yield from (f"{who} (pull_request)" for who in _names(_object(reviews.get("bypass_pull_request_allowances"))))


def _may_push(protection: Json | None) -> list[str] | None:
    """Who may push and merge, by name; None: everybody with write access."""
    restrictions = _object(protection).get("restrictions")
    return sorted(_names(restrictions)) if isinstance(restrictions, Mapping) else None


def _names(people: Json) -> Iterator[str]:
    for kind, name in (("users", "login"), ("teams", "slug"), ("apps", "slug")):
        yield from (str(_object(one).get(name)) for one in people.get(kind) or ())


def environment_guard(*, environment: Json, gates: Sequence[Json]) -> dict[str, Any]:
    """Who must approve a deployment, how long it waits, from which branches it may come, and which apps are asked."""
    found: dict[str, Any] = {"reviewers": [], "no_self_review": False, "wait": 0}
    for rule in environment.get("protection_rules") or ():
        given = _object(rule)
        if given.get("type") == "required_reviewers":
            found["reviewers"] = sorted(_reviewers(given))
            found["no_self_review"] = given.get("prevent_self_review") is True
        if given.get("type") == "wait_timer" and isinstance(given.get("wait_timer"), int):
            found["wait"] = given["wait_timer"]
    found["branch_policy"] = environment.get("deployment_branch_policy") is not None
    found["admins_bypass"] = environment.get("can_admins_bypass") is not False
    found["gates"] = sorted(str(_object(gate.get("app")).get("slug")) for gate in gates if gate.get("enabled") is not False)
    return found


def _reviewers(rule: Json) -> Iterator[str]:
    for one in rule.get("reviewers") or ():
        given = _object(_object(one).get("reviewer"))
        yield f"{_object(one).get('type')} {given.get('login') or given.get('slug') or given.get('id')}"


def compared(*, before: Json, after: Json) -> tuple[list[str], list[str]]:
    """(what differs, what of it loosens something), in words."""
    words = list(_told(before, after))
    return [text for text, _ in words], [text for text, looser in words if looser]


def _told(before: Json, after: Json) -> Iterator[tuple[str, bool]]:
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield from _difference(name, was, now)


def _difference(name: str, was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    if name in STRICTER or name in LOOSER:
        yield f"{'now' if now else 'no longer'}: {STRICTER.get(name) or LOOSER.get(name)}", bool(now) is (name in LOOSER)
    elif name in COUNTS:
        yield f"{COUNTS[name]}: {was or 0} became {now or 0}", (now or 0) < (was or 0)
    elif name in MORE_IS_STRICTER:
        yield from _of_list(MORE_IS_STRICTER[name], was or (), now or (), more_is_looser=False)
    else:
        yield from SPECIAL.get(name, _of_other(name))(was, now)


def _of_other(name: str) -> Callable[[Any, Any], Iterator[tuple[str, bool]]]:
    def told(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
        yield (f"the {name.replace('_', ' ')} changed", False)

    return told


def _of_default_branch(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    yield f"the default branch: {was} became {now}", False


def _of_visibility(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    yield f"visibility: {was} became {now}", now == "public"


def _of_bypass(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    if was is None or now is None:
        yield f"who may get past the rules {'is hidden from the portal now' if now is None else 'can be read again'}", False
    else:
        yield from _of_list("may get past the rules", was, now, more_is_looser=True)


def _of_checks(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    for name in sorted(set(was) - set(now)):
        yield f"no longer required: {name}", True
    for name in sorted(set(now) - set(was)):
        yield f"now required: {name}", False
    for name in sorted(set(was) & set(now)):
        if was[name] != now[name]:
            yield f"{name}: expected from {_app(was[name])}, now from {_app(now[name])}", now[name] is None


def _app(number: Any) -> str:
    return "anybody" if number is None else f"app {number}"


def _of_list(what: str, was: Iterable[str], now: Iterable[str], *, more_is_looser: bool) -> Iterator[tuple[str, bool]]:
    if added := sorted(set(now) - set(was)):
        yield f"{what}, new: {', '.join(added)}", more_is_looser
    if gone := sorted(set(was) - set(now)):
        yield f"{what}, gone: {', '.join(gone)}", not more_is_looser


def _of_pushers(was: Any, now: Any) -> Iterator[tuple[str, bool]]:
    if now is None:
        yield "everybody with write access may push now", True
    elif was is None:
        yield f"only these may push now: {', '.join(now)}", False
    else:
        yield from _of_list("may push", was, now, more_is_looser=True)


def _object(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


SPECIAL: Mapping[str, Callable[[Any, Any], Iterator[tuple[str, bool]]]] = {
    "bypass": _of_bypass,
    "checks": _of_checks,
    "default_branch": _of_default_branch,
    "may_push": _of_pushers,
    "visibility": _of_visibility,
}

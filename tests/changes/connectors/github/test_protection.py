"""Which edits of branch protection and of access loosen what guards a branch."""

import json
from typing import Any

import pytest

from changes.connectors.github.payloads import parse
from changes.connectors.github.protection import (
    LOOSER_WHEN_HIGHER,
    LOOSER_WHEN_TRUE,
    STRICTER_WHEN_HIGHER,
    STRICTER_WHEN_TRUE,
    loosened_by,
    strictness,
    widened_by,
)
from changes.delivery.facts import RuleEventReported
from tests.changes.connectors.github import made, vendor_data

LEVELS = ["off", "non_admins", "everyone"]


def edited(changes: dict[str, Any] | None, **now: Any) -> tuple[str, ...]:
    return loosened_by(action="edited", rule=made.RULE | now, changes=changes)


@pytest.mark.parametrize("name", sorted(STRICTER_WHEN_HIGHER | LOOSER_WHEN_HIGHER))
@pytest.mark.parametrize("before", LEVELS)
@pytest.mark.parametrize("after", LEVELS)
def test_a_level_loosens_in_one_direction_only(name: str, before: str, after: str) -> None:
    rank = LEVELS.index(after) - LEVELS.index(before)
    loosens = rank < 0 if name in STRICTER_WHEN_HIGHER else rank > 0

    assert bool(edited({name: {"from": before}}, **{name: after})) is loosens


@pytest.mark.parametrize("name", sorted(STRICTER_WHEN_TRUE | LOOSER_WHEN_TRUE))
@pytest.mark.parametrize("before", [None, False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_switch_loosens_in_one_direction_only(name: str, before: bool | None, after: bool) -> None:
    off_to_on, on_to_off = (not before and after), (before is True and not after)

    assert bool(edited({name: {"from": before}}, **{name: after})) is (on_to_off if name in STRICTER_WHEN_TRUE else off_to_on)


@pytest.mark.parametrize(
    ("before", "after", "loosens"), [(2, 1, True), (1, 0, True), (1, 1, False), (0, 2, False), (None, 1, False)]
)
def test_fewer_reviews_loosen(before: int | None, after: int, loosens: bool) -> None:
    assert bool(edited({"required_approving_review_count": {"from": before}}, required_approving_review_count=after)) is loosens


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (["a", "b"], ["b"], ("no longer required: a",)),
        (["a"], [], ("no longer required: a",)),
        (["a"], ["b"], ("no longer required: a",)),
        (["a"], ["a", "b"], ()),
        ([], ["a"], ()),
        (None, ["a"], ()),
        ("a", ["a"], ("required_status_checks changed in a way that is not said",)),
        ([1], ["a"], ("required_status_checks changed in a way that is not said",)),
    ],
)
def test_a_check_that_is_no_longer_required_loosens(before: Any, after: list, reason: tuple) -> None:
    assert edited({"required_status_checks": {"from": before}}, required_status_checks=after) == reason


@pytest.mark.parametrize(
    ("changes", "only", "names", "loosens"),
    [
        ({"authorized_actor_names": {"from": ["ann"]}}, True, ["ann", "mallory"], True),
        ({"authorized_actor_names": {"from": ["ann", "bob"]}}, True, ["ann"], False),
        ({"authorized_actor_names": {"from": []}, "authorized_actors_only": {"from": False}}, True, ["ann"], False),
        ({"authorized_actor_names": {"from": ["ann"]}, "authorized_actors_only": {"from": True}}, False, [], True),
        ({"authorized_actor_names": {"from": ["ann"]}}, False, ["ann", "bob"], False),
    ],
)
def test_who_may_push_loosens_when_it_grows(changes: dict, only: bool, names: list, loosens: bool) -> None:
    assert bool(edited(changes, authorized_actors_only=only, authorized_actor_names=names)) is loosens


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"new_switch": {"from": True}}, "new_switch changed from True to None, and which is stricter is not known"),
        ({"admin_enforced": {"from": "yes"}}, "admin_enforced changed from 'yes' to True, and which is stricter is not known"),
        ({"admin_enforced": None}, "admin_enforced changed in a way that is not said"),
        ({"admin_enforced": {}}, "admin_enforced changed in a way that is not said"),
        ({"name": {"from": "main"}}, "the rule no longer covers 'main'"),
    ],
)
def test_what_cannot_be_told_counts_as_loosening_and_says_so(changes: dict, reason: str) -> None:
    assert edited(changes) == (reason,)


def test_an_edit_without_changes_is_judged_by_the_rule_as_it_stands() -> None:
    gone = {
        "pull_request_reviews_enforcement_level": "off",
        "required_status_checks_enforcement_level": "off",
        "admin_enforced": False,
        "allow_force_pushes_enforcement_level": "everyone",
        "allow_deletions_enforcement_level": "non_admins",
    }

    assert edited(None) == edited({}) == ()
    assert edited(None, **gone) == (
        "not said what changed, and now no review is required",
        "not said what changed, and now no check is required",
        "not said what changed, and now administrators are not bound",
        "not said what changed, and now force pushes are allowed",
        "not said what changed, and now the branch may be deleted",
    )
    assert edited(None, required_approving_review_count=0) == ("not said what changed, and now no review is required",)
    assert edited(None, required_status_checks=[]) == ("not said what changed, and now no check is required",)


@pytest.mark.parametrize(
    ("action", "loosens"), [("created", False), ("deleted", True), ("disarmed", True)], ids=["created", "deleted", "unknown"]
)
def test_a_removed_rule_loosens_and_a_new_one_does_not(action: str, loosens: bool) -> None:
    assert bool(loosened_by(action=action, rule=made.RULE, changes=None)) is loosens


def rule_event(event: str, **keys: Any) -> RuleEventReported:
    (fact,) = parse(event, made.delivery(**keys)).facts
    assert isinstance(fact, RuleEventReported)
    return fact


def test_a_rule_event_names_branch_actor_and_reasons() -> None:
    changes = {"admin_enforced": {"from": True}}

    fact = rule_event("branch_protection_rule", action="edited", rule=made.RULE | {"admin_enforced": False}, changes=changes)

    assert (fact.kind, fact.action, fact.subject, fact.weakens) == ("protection", "edited", "prod", True)
    assert (fact.actor_uid, fact.actor_login) == (12, "bob-northwind")
    assert fact.detail["reasons"] == ["admin_enforced went from True to False"]
    assert fact.detail["changes"] == changes
    assert fact.happened_at is not None


def test_a_renamed_rule_is_about_the_branch_that_it_left() -> None:
    fact = rule_event("branch_protection_rule", action="edited", rule=made.RULE | {"name": "x"}, changes={"name": {"from": "prod"}})

    assert (fact.subject, fact.weakens) == ("prod", True)


def test_a_deleted_rule_does_not_say_when() -> None:
    fact = rule_event("branch_protection_rule", action="deleted", rule=made.RULE)

    assert (fact.weakens, fact.happened_at, fact.vendor_updated_at) == (True, None, None)


@pytest.mark.parametrize(("action", "weakens"), [("disabled", True), ("enabled", False)])
def test_switching_all_protection_off_weakens_every_branch(action: str, weakens: bool) -> None:
    fact = rule_event("branch_protection_configuration", action=action)

    assert (fact.kind, fact.subject, fact.weakens) == ("protection", "*", weakens)


ACCESS = [
    ("removed", {}, False),
    ("added", {}, True),
    ("added", {"permission": {"to": "read"}}, True),
    ("edited", {"old_permission": {"from": "read"}, "permission": {"from": "read", "to": "admin"}}, True),
    ("edited", {"permission": {"from": "read", "to": "write"}}, True),
    ("edited", {"permission": {"from": "write", "to": "read"}}, False),
    ("edited", {"permission": {"from": "write", "to": "write"}}, False),
    ("edited", {"old_permission": {"from": "write"}}, True),
    ("edited", {"old_permission": {"from": "admin"}}, False),
    ("edited", {"permission": {"from": None, "to": "write"}}, True),
    ("edited", {"permission": {"from": "write", "to": None}}, True),
    ("edited", {"role_name": {"from": "write", "to": "release-keeper"}}, True),
    ("edited", {"permission": "odd"}, True),
    ("edited", {}, True),
    ("blessed", {}, True),
]


@pytest.mark.parametrize(("action", "changes", "widens"), ACCESS)
def test_access_widens_unless_it_is_shown_not_to(action: str, changes: dict, widens: bool) -> None:
    assert bool(widened_by(action=action, changes=changes)) is widens


def test_a_new_member_is_named_with_the_role() -> None:
    changes = {"permission": {"to": "write"}, "role_name": {"to": "maintain"}}

    fact = rule_event("member", action="added", member={"login": "mallory", "id": 66}, changes=changes)

    assert (fact.kind, fact.subject, fact.weakens) == ("member", "mallory", True)
    assert fact.detail == {"reasons": ["access was given (maintain)"], "uid": 66, "is_bot": None, "changes": changes}


@vendor_data.needed
def test_every_field_of_githubs_schema_has_a_direction() -> None:
    schemas = json.loads((vendor_data.GITHUB / "openapi.github-webhooks.cut.json").read_bytes())["components"]["schemas"]
    event = schemas["webhook-branch-protection-rule-edited"]["properties"]
    rule = event["rule"].get("properties") or schemas[event["rule"]["$ref"].rsplit("/", 1)[1]]["properties"]
    about = {"id", "repository_id", "name", "created_at", "updated_at"}
    lists = {"required_status_checks", "authorized_actor_names"}

    judged = {
        name for name in {*rule, *event["changes"]["properties"]} - about - lists if strictness(name=name, value=None) is not None
    }

    assert judged == {*rule, *event["changes"]["properties"]} - about - lists

"""Which edits of a ruleset loosen it."""

import json
from typing import Any

import pytest

from changes.connectors.github.payloads import parse
from changes.connectors.github.rulesets import loosened_by
from changes.delivery.facts import RepositoryFact, RuleEventReported
from tests.changes.connectors.github import made

RULESET = {"id": 4, "name": "guard prod", "source": "northwind/web", "enforcement": "active", "bypass_actors": []}


def edited(changes: dict[str, Any] | None, **now: Any) -> tuple[str, ...]:
    return loosened_by(action="edited", ruleset=RULESET | now, changes=changes)


def updated_rule(kind: str, before: Any, after: Any) -> dict[str, Any]:
    rule = {"type": kind, "parameters": after}
    return {"rules": {"updated": [{"rule": rule, "changes": {"configuration": {"from": before}}}]}}


@pytest.mark.parametrize(("action", "loosens"), [("created", False), ("deleted", True), ("hidden", True)])
def test_a_deleted_ruleset_loosens_and_a_new_one_does_not(action: str, loosens: bool) -> None:
    assert bool(loosened_by(action=action, ruleset=RULESET | {"enforcement": "disabled"}, changes=None)) is loosens


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        ("active", "disabled", True),
        ("active", "evaluate", True),
        ("evaluate", "disabled", True),
        ("disabled", "active", False),
        ("evaluate", "active", False),
        ("active", "active", False),
        ("strict", "active", True),
        (None, "active", True),
    ],
)
def test_enforcement_loosens_downwards(before: str | None, after: str, loosens: bool) -> None:
    assert bool(edited({"enforcement": {"from": before}}, enforcement=after)) is loosens


@pytest.mark.parametrize(
    ("now", "reasons"),
    [
        ({}, ()),
        ({"enforcement": "evaluate"}, ("not said what changed, and now it is 'evaluate'",)),
        ({"bypass_actors": [{"actor_id": 5}]}, ("not said what changed, and now somebody may bypass it",)),
    ],
)
def test_an_edit_without_changes_is_judged_by_the_ruleset_as_it_stands(now: dict, reasons: tuple) -> None:
    assert edited(None, **now) == edited({}, **now) == reasons


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"name": {"from": "old"}}, ()),
        ({"bypass_actors": {"from": []}}, ("bypass_actors changed in a way that is not known",)),
        ({"rules": None}, ("rules changed in a way that is not known",)),
        ({"rules": {"deleted": [{"type": "pull_request"}]}}, ("the rule 'pull_request' was removed",)),
        ({"rules": {"added": [{"type": "pull_request"}]}}, ()),
        ({"conditions": {"deleted": [{"ref_name": {"include": ["prod"]}}]}}, ("no longer covers ['prod']",)),
        ({"conditions": {"added": [{"ref_name": {"include": ["prod"], "exclude": []}}]}}, ()),
        ({"conditions": {"added": [{"ref_name": {"exclude": ["prod"]}}]}}, ("leaves out ['prod']",)),
    ],
)
def test_removed_rules_and_branches_loosen(changes: dict, reasons: tuple) -> None:
    assert edited(changes) == reasons


@pytest.mark.parametrize(
    ("side", "before", "after", "reasons"),
    [
        ("include", ["main", "prod"], ["main"], ("no longer covers ['prod']",)),
        ("include", ["main"], ["main", "prod"], ()),
        ("exclude", [], ["prod"], ("leaves out ['prod']",)),
        ("exclude", ["prod"], [], ()),
        ("include", None, ["main"], ("which branches it covers changed (include)",)),
        ("target", ["x"], ["y"], ("which branches it covers changed (target)",)),
    ],
)
def test_a_condition_loosens_when_it_covers_less(side: str, before: Any, after: list, reasons: tuple) -> None:
    for condition in ({"ref_name": {side: after}}, {side: after}):
        updated = {"condition": condition, "changes": {side: {"from": before}}}
        assert edited({"conditions": {"updated": [updated]}}) == reasons


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        ({"required_approving_review_count": 2}, {"required_approving_review_count": 1}, True),
        ({"required_approving_review_count": 1}, {"required_approving_review_count": 2}, False),
        ({}, {"required_approving_review_count": 1}, False),
        ({"require_code_owner_review": True}, {"require_code_owner_review": False}, True),
        ({"require_code_owner_review": False}, {"require_code_owner_review": True}, False),
        ({"do_not_enforce_on_create": False}, {"do_not_enforce_on_create": True}, True),
        ({"do_not_enforce_on_create": True}, {"do_not_enforce_on_create": False}, False),
        ({"required_status_checks": [{"context": "a"}]}, {"required_status_checks": []}, True),
        ({"required_status_checks": [{"context": "a"}]}, {"required_status_checks": [{"context": "a"}, {"context": "b"}]}, False),
        ({"required_status_checks": [{"context": "a", "integration_id": 1}]}, {"required_status_checks": [{"context": "a"}]}, True),
        ({"required_status_checks": [{"context": "a"}]}, {"required_status_checks": None}, True),
        ({"allowed_merge_methods": ["squash"]}, {"allowed_merge_methods": ["merge"]}, True),
        ({"same": 1}, {"same": 1}, False),
    ],
)
def test_a_changed_rule_is_compared_by_its_parameters(before: dict, after: dict, loosens: bool) -> None:
    assert bool(edited(updated_rule("x", json.dumps(before), after))) is loosens
    assert bool(edited(updated_rule("x", before, after))) is loosens


@pytest.mark.parametrize("before", ["no JSON", "[]", None, 7])
def test_a_change_that_cannot_be_read_counts_as_loosening(before: Any) -> None:
    assert edited(updated_rule("x", before, {})) == ("the rule 'x' changed (configuration), and which is stricter is not known",)


@pytest.mark.parametrize("name", ["rule_type", "pattern", "new"])
def test_another_part_of_a_rule_counts_as_loosening(name: str) -> None:
    updated = {"rule": {"type": "x", "parameters": {}}, "changes": {name: {"from": "a"}}}

    assert edited({"rules": {"updated": [updated]}}) == (f"the rule 'x' changed ({name}), and which is stricter is not known",)


def test_a_ruleset_of_the_repository_names_it_even_without_the_repository() -> None:
    body = json.dumps({"action": "deleted", "repository_ruleset": RULESET, "sender": made.SENDER}).encode()

    parsed = parse("repository_ruleset", body)
    (fact,) = parsed.facts

    assert parsed.repository == RepositoryFact(name="northwind/web")
    assert isinstance(fact, RuleEventReported)
    assert (fact.kind, fact.subject, fact.weakens, fact.detail["reasons"]) == (
        "ruleset",
        "guard prod",
        True,
        ["the ruleset was deleted"],
    )


@pytest.mark.parametrize("ruleset", [{"source_type": "Organization", "source": "a/b"}, {"source": "northwind"}, {"source": None}])
def test_a_ruleset_of_an_organisation_names_no_repository(ruleset: dict) -> None:
    body = json.dumps({"action": "deleted", "repository_ruleset": RULESET | ruleset, "sender": made.SENDER}).encode()

    assert parse("repository_ruleset", body).repository is None

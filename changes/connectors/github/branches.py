"""Which checks a branch requires, out of rulesets and classic protection. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from changes.connectors.fields import Fields, clean_json
from changes.delivery.facts import BranchRulesReported


def rules_of(
    *, branch: str, rules: Sequence[Mapping[str, Any]], protection: Mapping[str, Any] | None, seen: bool
) -> BranchRulesReported:
    """Put the answers of ``rules/branches/{branch}`` and ``branches/{branch}/protection`` together.

    ``protection`` None means not protected; ``seen`` False means that we were not allowed to look.
    """
    names = {*_of_rules(rules), *_of_protection(protection)}
    return BranchRulesReported(
        branch=branch,
        required_checks=tuple(sorted(names)) if seen else None,
        raw=clean_json(value={"rules": list(rules), "protection": protection, "seen": seen}),
    )


def _of_rules(rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for rule in rules:
        fields = Fields.of(value=rule, path="rule")
        parameters = fields.within("parameters")
        if fields.text("type") == "required_status_checks" and parameters is not None:
            yield from (check.needed_text("context") for check in parameters.items("required_status_checks"))


def _of_protection(protection: Mapping[str, Any] | None) -> Iterator[str]:
    checks = Fields.of(value=protection or {}, path="protection").within("required_status_checks")
    if checks is None:
        return
    yield from checks.texts("contexts")
    yield from (check.needed_text("context") for check in checks.items("checks"))

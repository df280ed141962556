"""What today's rules say about the facts of a frozen verdict. It stands beside the verdict and never replaces it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from changes.gates.loading import OldFacts, facts_from_json
from changes.gates.verdict import AT_MERGE, AT_RELEASE, RULES_VERSION, evaluate, outcome
from portal.policy.parameters import DEFAULT, Parameters

MERGE = "merge"


@dataclass(frozen=True)
class Difference:
    """A gate on which today's rules judge the same facts differently."""

    number: int
    code: str
    name: str
    frozen: str
    today: str
    reason: str
    """Why, by today's rules."""


@dataclass(frozen=True)
class Today:
    """Today's evaluation: its rules, its outcome, and the gates that differ. ``problem`` says why there is none."""

    rules_version: str
    policy_version: str
    outcome: str
    differences: tuple[Difference, ...] = ()
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return asdict(self)


def is_present(rules_version: str, policy_version: str, parameters: Parameters = DEFAULT) -> bool:
    """Whether these are the rules and the policy of today. The same rules say the same about the same facts, for ever."""
    return (rules_version, policy_version) == (RULES_VERSION, parameters.version)


def today(
    *,
    moment: str,
    frozen_outcome: str,
    gates: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any] | None,
    parameters: Parameters = DEFAULT,
) -> Today:
    """Evaluate kept ``facts`` again and compare with the frozen ``gates``. ``facts`` None: the rules are those of the verdict."""
    if facts is None:
        return Today(RULES_VERSION, parameters.version, frozen_outcome)
    try:
        found = evaluate(facts_from_json(facts), parameters)
    except (OldFacts, TypeError, ValueError, AttributeError) as problem:
        return Today(RULES_VERSION, parameters.version, "", problem=f"Today's rules cannot be asked about facts so old: {problem}.")
    before = {str(gate["code"]): str(gate["state"]) for gate in gates}
    differences = [
        Difference(gate.number, gate.code, gate.name, before.get(gate.code, "not judged"), str(gate.state), gate.reason)
        for gate in found
        if before.get(gate.code) != gate.state
    ]
    through = AT_MERGE if moment == MERGE else AT_RELEASE
    return Today(RULES_VERSION, parameters.version, outcome(found, through=through), tuple(differences))

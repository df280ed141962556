"""Which rights together let one person do alone what the policy wants two for. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from changes.entitlements.facts import Right

ALONE, PAST = "alone", "past_the_rules"
CHANGES = frozenset({Right.WRITE, Right.ADMIN})
DEPLOYS = frozenset({Right.DEPLOY, Right.ADMIN})


@dataclass(frozen=True)
class Rule:
    """One conflict: its code, what it is called, and why it matters."""

    code: str
    label: str
    why: str


RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule(ALONE, "Can write, approve and deploy", "One person could bring code to production that nobody else has seen."),
        Rule(PAST, "Can write, and go past the rules", "One person could merge past review and checks to what they may change."),
    )
}


@dataclass(frozen=True)
class Grip:
    """One right of a person, after teams and roles were resolved. ``where`` is its system: code, portal or production."""

    right: Right
    where: str
    place: str
    """What the rules compare: the repository's number for code; otherwise the thing."""
    words: str


@dataclass(frozen=True)
class Conflict:
    """A person breaks a rule, by these rights."""

    rule: Rule
    person: int
    grips: tuple[Grip, ...]


def conflicts(grips: Mapping[int, Sequence[Grip]]) -> list[Conflict]:
    """Every conflict of every person (id), in order of persons."""
    found = []
    for person, held in sorted(grips.items()):
        for code, judged in ((ALONE, _alone(held)), (PAST, _past(held))):
            found += [Conflict(RULES[code], person, judged)] if judged else []
    return found


def _alone(held: Sequence[Grip]) -> tuple[Grip, ...]:
    parts = (
        [grip for grip in held if grip.where == "code" and grip.right in CHANGES],
        [grip for grip in held if grip.where == "portal" and grip.right == Right.APPROVE],
        [grip for grip in held if grip.where == "production" and grip.right in DEPLOYS],
    )
    return _flat(parts) if all(parts) else ()


def _past(held: Sequence[Grip]) -> tuple[Grip, ...]:
    writes = {grip.place: grip for grip in held if grip.where == "code" and grip.right in CHANGES}
    past = [grip for grip in held if grip.where == "code" and grip.right == Right.BYPASS and grip.place in writes]
    return _flat(([writes[grip.place] for grip in past], past))


def _flat(parts: Iterable[Sequence[Grip]]) -> tuple[Grip, ...]:
    return tuple(dict.fromkeys(grip for part in parts for grip in part))

"""What a proposal will need and why, while it is written: the rules that judge it later, over what stands in the form."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from changes.desk.proposing.route_words import need
from changes.gates.facts import ChangeFacts
from changes.gates.gate import Code, Gate
from changes.gates.queries import facts_of
from changes.gates.verdict import evaluate
from changes.proposals import material, queries, risk
from changes.proposals.classification import NAMES, Classification
from changes.proposals.deriving import classification_of, measured
from changes.proposals.forms import asked_in
from changes.proposals.known import Known
from changes.proposals.models import Category, Change, LinkedPullRequest, Size
from changes.proposals.people import user_actor
from changes.proposals.sections import SECTIONS, texts_in, texts_of
from changes.proposals.submitting import classes_by_answers
from changes.proposals.templates_of_kinds import is_untouched
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.permissions import P
from portal.policy.approvals import Need, need_of
from portal.policy.connected import connected_sources
from portal.policy.parameters import Parameters
from portal.ui.text import is_hidden

NAMED = 6
"""People who are named; more are counted."""


@dataclass(frozen=True)
class Step:
    """One gate of the way: whether it holds already, and what it asks for."""

    number: int
    name: str
    state: str
    words: str
    clause: str


@dataclass(frozen=True)
class Edit:
    """What saving an edit would do to the approvals that stand. ``tone`` is ok or warn."""

    words: str
    why: str
    tone: str


@dataclass(frozen=True)
class Route:
    """The panel. ``classes`` are (name, value, reasons)."""

    tone: str
    headline: str
    sentence: str
    classes: list[tuple[str, str, list[str]]]
    risk: risk.Risk
    steps: list[Step]
    approvers: str
    edit: Edit | None = None
    hidden: list[str] = field(default_factory=list)
    """Sections that hold characters which nobody sees, and which."""


@dataclass(frozen=True)
class Typed:
    """What stands in the form, and whom it is about. ``change`` is None for a new one."""

    given: Mapping[str, Any]
    by: User
    at: datetime
    parameters: Parameters
    change: Change | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The texts, without headings of a template that nobody filled."""
        return {name: "" if is_untouched(name, text) else text.strip() for name, text in texts_in(self.given).items()}


def route_of(typed: Typed) -> Route:
    """The way of what stands in the form. Reads, and writes nothing."""
    asked = {"category": Category.STANDARD, **asked_in(typed.given)}
    found, risks = _classes(typed, asked), _risk(typed, asked)
    emergency = found.category == Category.EMERGENCY
    wanted = need_of(typed.parameters.approval_rules, kind=found.kind, size=found.size, risk=risks.level, emergency=emergency)
    gates = evaluate(_facts(typed, found, risks), typed.parameters)
    tone, headline, sentence = _summary(found, wanted)
    return Route(
        tone=tone,
        headline=headline,
        sentence=sentence,
        classes=[(name.capitalize(), str(getattr(found, name)), list(getattr(found, f"{name}_reasons"))) for name in NAMES],
        risk=risks,
        steps=[_step(gate, found, wanted, typed.parameters) for gate in gates],
        approvers=_approvers(typed, emergency=emergency),
        edit=_edit(typed),
        hidden=_hidden(typed.given),
    )


def _work(change: Change) -> tuple[list[Any], list[Any]]:
    rows = list(queries.linked_pull_requests(change))
    return rows, [row for row in rows if queries.part_of(row) == LinkedPullRequest.Role.WORK]


def _classes(typed: Typed, asked: Mapping[str, Any]) -> Classification:
    if typed.change is None:
        return classes_by_answers(title=str(typed.given.get("title") or ""), asked=asked, parameters=typed.parameters)
    rows, work = _work(typed.change)
    supposed = copy(typed.change)
    supposed.reasons = {**typed.change.reasons, "asked": dict(asked)}
    return classification_of(supposed, rows=rows, work=work, parameters=typed.parameters)


def _risk(typed: Typed, asked: Mapping[str, Any]) -> risk.Risk:
    answers = asked.get("answers") or {}
    if typed.change is None:
        return risk.assess(answers, risk.Measured(), typed.parameters)
    rows, work = _work(typed.change)
    known = measured(work=work or rows, known=Known(at=typed.at, parameters=typed.parameters))
    return risk.assess(answers, known, typed.parameters)


def _facts(typed: Typed, found: Classification, risks: risk.Risk) -> ChangeFacts:
    """The facts as they would be with this text and these classes."""
    classes: dict[str, Any] = {"category": found.category, "size": found.size, "kind": found.kind, "risk": risks.level}
    texts: dict[str, Any] = dict(typed.texts)
    if typed.change is not None:
        return replace(facts_of(typed.change, at=typed.at), **texts, **classes)
    return ChangeFacts(
        number=0,
        as_of=typed.at,
        **classes,
        **texts,
        revision=1,
        revision_digest="",
        has_migration=None,
        requester=user_actor(typed.by),
        opened_by="form",
        approved_by="portal",
        connected=connected_sources(),
    )


def _step(gate: Gate, found: Classification, wanted: Need, parameters: Parameters) -> Step:
    words = need(Code(gate.code), gate, found=found, wanted=wanted, parameters=parameters)
    return Step(gate.number, gate.name, str(gate.state), words, str(gate.clause))


def _summary(found: Classification, wanted: Need) -> tuple[str, str, str]:
    if found.category == Category.EMERGENCY:
        return "bad", "Emergency: one +1 opens the way", "What is left out now is made up for afterwards, by a clock."
    people = "Somebody who takes no part approves" if wanted.count == 1 else f"{wanted.count} people who take no part approve"
    if found.size == Size.LARGE:
        return "warn", "Large: the architecture meeting decides first", f"{people} it after that."
    return "ok", "Normal so far: no meeting needed", f"{people} it for production."


def _approvers(typed: Typed, *, emergency: bool) -> str:
    permission = P.EMERGENCY_PLUS_ONE if emergency else P.CHANGE_APPROVE
    requester = typed.change.requester_id if typed.change else typed.by.pk
    names = [person.name for person in holders_of(permission, at=typed.at) if person.pk != requester]
    if not names:
        return "Nobody may at present. The chair and the compliance manager then decide on a waiver."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more} may, unless they contribute."


def _edit(typed: Typed) -> Edit | None:
    """What saving would do to approvals; None for a new proposal, or while nothing differs."""
    if typed.change is None:
        return None
    present = queries.current_revision(typed.change)
    after = typed.texts
    if after == texts_of(present):
        return None
    judged = material.judge(before=texts_of(queries.bound_revision(present)), after=after, parameters=typed.parameters)
    standing = len(queries.standing_approvals(typed.change))
    approvals = "1 approval" if standing == 1 else f"{standing} approvals"
    if not judged.material:
        return Edit(f"This edit leaves {approvals} standing" if standing else "This edit is immaterial", judged.reason, "ok")
    if typed.change.category == Category.EMERGENCY:
        return Edit("This edit is material; the words of an emergency bind to its commit and stand", judged.reason, "ok")
    if not standing:
        return Edit("This edit is material; no approval stands that it could end", judged.reason, "ok")
    return Edit(f"This edit will end {approvals}", judged.reason, "warn")


def _hidden(given: Mapping[str, Any]) -> list[str]:
    """The sections that hold characters which nobody sees; pages show their codes."""
    found = []
    for name, text in texts_in(given).items():
        signs = sorted(f"U+{ord(sign):04X}" for sign in set(text) if is_hidden(sign))
        if signs:
            found.append(f"“{SECTIONS[name]}” holds {', '.join(signs[:5])}")
    return found

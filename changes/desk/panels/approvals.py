"""The panel on the approvals of a change: what was said, what is missing, conditions, waivers, and what the reader can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet
from django.db.models.functions import Now

from changes.approvals.forms import ApproveForm, step_form
from changes.approvals.models import Condition, ConditionStep, Delegation, Waiver
from changes.approvals.policy import OPEN, TO_CONFIRM, progress
from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.proposals import queries
from changes.proposals.models import Approval
from changes.proposals.people import user_actor
from portal.access.may import may
from portal.access.permissions import P
from portal.policy.approvals import Need, need_of

FORM = "approve"
IN_REVIEW = ("proposed", "approved")
"""States in which people still give their word: before the merge to production."""
NEEDED = "waiver:needed"
Row = dict[str, Any]


def _words(here: OuterRef) -> QuerySet[Approval]:
    return Approval.objects.filter(change_id=here).order_by("id")


def _conditions(here: OuterRef) -> QuerySet[Condition]:
    last = ConditionStep.objects.filter(condition=OuterRef("pk")).order_by("-id")
    rows = Condition.objects.filter(change_id=here).order_by("id")
    return rows.annotate(
        last_kind=last.values("kind")[:1],
        last_note=last.values("note")[:1],
        last_by=last.values("by__name")[:1],
        last_at=last.values("at")[:1],
    )


def _waivers(here: OuterRef) -> QuerySet[Waiver]:
    return Waiver.objects.filter(change_id=here).order_by("-id")


def _delegations(here: OuterRef) -> QuerySet[Delegation]:
    """Those in force now: few, and the same for every change."""
    rows = Delegation.objects.filter(starts_at__lte=Now(), ends_at__gt=Now(), ended_at=None)
    return rows.order_by("ends_at", "id")


def condition_key(pk: int) -> str:
    """The name under which the form of one condition comes back with its problems."""
    return f"condition-{pk}"


@dataclass(frozen=True)
class Standing:
    """What the reader can do: give their word, or why not; what they said already; for whom they may speak."""

    why_not: str
    own: Row | None
    standing_in: list[tuple[str, str]]

    @property
    def can(self) -> bool:
        """Whether the form is for this reader."""
        return not self.why_not and self.own is None


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Everything that the card shows. For auditors nothing but what was said and done."""
    change, lists = asked.change, asked.lists
    words = [_word(row) for row in lists["words"]]
    conditions = [_condition(row, asked) for row in lists["conditions"]]
    waivers = [_waiver(row, asked.at) for row in lists["waivers"]]
    waiver_asked = _waiver_asked(asked, waivers)
    if (asked.auditor or _is_emergency(asked)) and not (conditions or waivers or waiver_asked or (words and asked.auditor)):
        return None  # the +1 of an emergency has a panel of its own
    head = queries.head_for_production(change, rows=asked.pull_requests)
    standing = _standing(asked, words, head)
    need = _need(asked)
    return {
        "words": words,
        "count": _count(words, head, need),
        "need": need.sentence,
        "conditions": conditions,
        "waivers": waivers,
        "waiver_asked": waiver_asked,
        "waived": any(row["state"] == "waived" for row in waivers),
        "own": standing.own,
        "can": standing.can and not asked.auditor,
        "why_not": standing.why_not,
        "form": asked.forms.get(FORM) or ApproveForm(standing_in=standing.standing_in, initial=_seen(asked, head)),
        "head": head,
        "revision": asked.revision.number,
        "open": change.state in ("draft", *IN_REVIEW),
    }


def _seen(asked: Asked, head: str) -> dict[str, str]:
    return {"digest": asked.revision.binds, "head": head}


def _need(asked: Asked) -> Need:
    change = asked.change
    return need_of(
        asked.policy.approval_rules, kind=change.kind, size=change.size, risk=change.risk_level, emergency=_is_emergency(asked)
    )


def _is_emergency(asked: Asked) -> bool:
    return asked.change.category == "emergency" and not asked.change.undeclared


def _count(words: list[Row], head: str, need: Need) -> str:
    """``1 of 2 approvals``; empty where one is enough and nobody asks."""
    given = {row["by_id"] for row in words if row["stands"] and row["verdict"] == "yes" and row["head_sha"] in (head, "")}
    return f"{len(given)} of {need.count} approvals" if need.count > 1 else ""


def _word(row: Row) -> Row:
    lapsed = row["lapse__reason"]
    state = "lapsed" if lapsed else "approved" if row["verdict"] == "yes" else "changes_requested"
    return {**row, "at": _moment(row["at"]), "stands": not lapsed, "state": state}


def _condition(row: Row, asked: Asked) -> Row:
    reader = asked.reader
    steps = [row["last_kind"]] if row["last_kind"] else []
    state = progress(steps=steps, to_confirm=row["to_confirm"])
    standing = not row["approval__lapse__reason"]
    acts = standing and not asked.auditor
    mine = row["owner_id"] == reader.pk
    stands_in = any(
        item["delegate_id"] == reader.pk and item["absent_id"] == row["set_by_id"] for item in asked.lists["delegations"]
    )
    return {
        **row,
        "due_on": (_moment(row["due_at"]) - timedelta(microseconds=1)).astimezone(UTC).date(),
        "last_at": _moment(row["last_at"]) if row["last_at"] else None,
        "state": state if standing else "lapsed",
        "words": {"merge": "before the merge", "release": "before the release", "after": "after the release"}[row["before"]],
        "form": asked.forms.get(condition_key(row["id"])) or step_form(row["id"]),
        "fulfils": acts and state == OPEN and mine,
        "confirms": acts and state == TO_CONFIRM and not mine and (row["set_by_id"] == reader.pk or stands_in),
    }


def _waiver(row: Row, at: datetime) -> Row:
    moments = {name: _moment(row[name]) for name in ("review_at", "expires_at", "proposed_at")}
    decided = bool(row["chair__name"] and row["compliance__name"])
    state = "waived" if decided else "pending"
    if row["withdrawn_at"]:
        state = "withdrawn"
    elif row["lapsed_at"] or (not decided and moments["expires_at"] <= at):
        state = "lapsed"
    return {**row, **moments, "state": state, "decided": decided}


def _waiver_asked(asked: Asked, waivers: list[Row]) -> bool:
    """Whether this reader can do something about a waiver, or should be led to it."""
    if asked.auditor or asked.change.state not in ("draft", *IN_REVIEW, "merged"):
        return False
    gates = (asked.change.assessment or {}).get("gates", [])
    nobody = any(item["ref"] == NEEDED for gate in gates for item in gate["evidence"])
    waiting = any(row["state"] in ("pending", "waived") for row in waivers)
    return nobody or waiting


def _standing(asked: Asked, words: list[Row], head: str) -> Standing:
    """The reader's own standing word, and why they cannot give one. Asks for contributors only where it matters."""
    given = [row for row in words if row["stands"] and row["by_id"] == asked.reader.pk]
    own = given[-1] if given and asked.change.state in IN_REVIEW else None
    why_not = _why_not_at_all(asked, head)
    if why_not or own is not None:
        return Standing(why_not, own, [])
    people = (*queries.contributors(asked.change, rows=asked.pull_requests), queries.requester_of(asked.change))
    if any(user_actor(asked.reader).same_as(other) for other in people):
        return Standing("You took part in this change, so somebody else approves it (P-03).", None, [])
    persons = {actor.person for actor in people}
    mine = [row for row in asked.lists["delegations"] if row["delegate_id"] == asked.reader.pk and row["absent_id"] not in persons]
    return Standing("", None, [(str(row["absent_id"]), _for_whom(row)) for row in mine])


def _for_whom(row: Row) -> str:
    last = (_moment(row["ends_at"]) - timedelta(microseconds=1)).astimezone(UTC)
    return f"On behalf of {row['absent__name']}, away until {last:%-d %B}"


def _why_not_at_all(asked: Asked, head: str) -> str:
    if not may(asked.reader, P.CHANGE_APPROVE):
        return "Only approvers, architects and the chair approve for production."
    if asked.change.state not in IN_REVIEW:
        return "Approval is asked for while a change is in review."
    if _is_emergency(asked):
        return "An emergency gets a +1 now, and a full review afterwards (P-22)."
    return "" if head else "There is no pull request yet, so there is no commit to approve."


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


PANEL = Panel(
    name="approvals",
    place="aside",
    template="changes/approvals/panel.html",
    build=build,
    lists={
        "words": Listing(
            _words,
            (
                *("id", "by_id", "by__name", "on_behalf_of__name", "verdict", "revision__number", "head_sha", "note", "via", "at"),
                "lapse__reason",
            ),
        ),
        "conditions": Listing(
            _conditions,
            (
                *("id", "text", "owner_id", "owner__name", "before", "due_at", "to_confirm", "set_by_id", "set_by__name"),
                *("approval__lapse__reason", "last_kind", "last_note", "last_by", "last_at"),
            ),
        ),
        "waivers": Listing(
            _waivers,
            (
                *("id", "reason", "review_at", "proposed_by__name", "proposed_at", "expires_at", "chair__name", "chair_at"),
                *("compliance__name", "compliance_at", "withdrawn_at", "lapsed_at", "lapse_reason", "reviewed_at"),
                *("reviewed_by__name", "review_note"),
            ),
        ),
        "delegations": Listing(_delegations, ("id", "absent_id", "absent__name", "delegate_id", "ends_at")),
    },
)

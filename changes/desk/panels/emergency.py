"""The panel of an emergency: the clock until its +1, who may give it, its thread, what is asked, and the clocks afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Concat, Now

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.emergencies.forms import ReasonForm
from changes.emergencies.models import Ask, Emergency, EmergencyCause, EmergencyReminder
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, LinkedPush
from portal.access.may import may
from portal.access.models import Identity, RoleGrant, User
from portal.access.permissions import P
from portal.access.roles import roles_with
from portal.outbox.models import Effect

VIA = dict(Emergency.Via.choices)
APPROVAL_GATE = 8
FOR_PLUS_ONE = (State.DRAFT, State.PROPOSED, State.APPROVED, State.MERGED)
"""States in which a +1 can still be given."""


def _emergencies(here: OuterRef) -> Any:
    key = Concat(Value("emergency:"), Cast(OuterRef("pk"), CharField()), Value(":thread"))
    first = Effect.objects.filter(key=key)
    return Emergency.objects.filter(change_id=here).annotate(
        posted=Subquery(first.values("state")[:1]), result=Subquery(first.values("result")[:1])
    )


def _only_emergencies(here: OuterRef) -> Exists:
    return Exists(Emergency.objects.filter(change_id=OuterRef(here)))


def _people(here: OuterRef) -> Any:
    """Active people who may give a +1 now."""
    valid = RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=Now()), valid_from__lte=Now())
    holding = valid.filter(role__in=roles_with(P.EMERGENCY_PLUS_ONE)).values("user_id")
    return User.objects.filter(_only_emergencies(here), is_active=True, pk__in=holding).order_by("name", "pk")


def _accounts(here: OuterRef) -> Any:
    return Identity.objects.filter(_only_emergencies(here), provider="github", ended_at=None).order_by("pk")


def _words(here: OuterRef) -> Any:
    return Approval.objects.filter(_only_emergencies(here), change_id=here, verdict=Approval.Verdict.YES).order_by("id")


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing for a change that is no emergency, or whose declaration was taken back."""
    lists, change = asked.lists, asked.change
    if not lists["emergencies"] or change.category != "emergency":
        return None
    row = lists["emergencies"][0]
    words = [_word(word) for word in lists["plus_one_words"]]
    standing = [word for word in words if not word["lapsed"]]
    people = _able(asked, row)
    return {
        "row": {**row, "at": _moment(row["at"]), "via": VIA[row["via"]]},
        "undeclared": change.undeclared,
        "words": words,
        "standing": standing,
        "gate": _gate(change.assessment or {}),
        "waits": not change.undeclared and change.state in FOR_PLUS_ONE and change.gates[7:8] == "w",
        "people": people,
        **_own(asked, standing, people),
        "thread": _thread(row),
        "causes": lists["emergency_causes"],
        "asks": [_ask(ask, asked) for ask in lists["emergency_asks"]],
        "reminders": [_reminder(item) for item in lists["emergency_reminders"]],
    }


def _able(asked: Asked, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who may give the +1: without requester, declarer, and those behind the accounts that took part."""
    accounts = {str(uid) for pull in asked.pull_requests for uid in _uids(pull.author_uid, pull.commit_people)}
    accounts |= {str(uid) for push in asked.lists["emergency_pushes"] for uid in _uids(push["pusher_uid"], push["people"])}
    taking_part = {item["user_id"] for item in asked.lists["plus_one_accounts"] if item["uid"] in accounts}
    out = taking_part | {asked.change.requester_id, row["declared_by_id"]}
    return [person for person in asked.lists["plus_one_people"] if person["id"] not in out]


def _uids(first: Any, people: Any) -> list[Any]:
    return [uid for uid in (first, *(person.get("uid") for person in people)) if uid is not None]


def _own(asked: Asked, standing: list[dict[str, Any]], people: list[dict[str, Any]]) -> dict[str, Any]:
    """What this reader can do about the +1, or why not."""
    reader, change = asked.reader, asked.change
    own = next((word for word in standing if word["by_id"] == reader.pk), None)
    can = any(person["id"] == reader.pk for person in people)
    open_still = not change.undeclared and change.state in FOR_PLUS_ONE
    return {
        "can": not asked.auditor and open_still and own is None and can,
        "own": None if asked.auditor or change.merged_at is not None else own,
        "confirm": bool(own and own["via"] == "slack" and not own["confirmed"]) and not asked.auditor,
        "why_not": _why_not(reader) if open_still and own is None and not can and not asked.auditor else "",
    }


def _why_not(reader: User) -> str:
    if not may(reader, P.EMERGENCY_PLUS_ONE):
        return "Only approvers, architects and the chair give the +1."
    return "You declared it, asked for it or wrote part of it, so somebody else gives the +1."


def _word(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": _moment(row["at"]), "lapsed": row["lapse__reason"] or "", "confirmed": bool(row["confirmation__id"])}


def _gate(assessment: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((gate for gate in assessment.get("gates", []) if gate["number"] == APPROVAL_GATE), {})


def _thread(row: Mapping[str, Any]) -> dict[str, str]:
    """Where the thread is, or why there is none."""
    result = row["result"] or {}
    address = row["thread__permalink"] or (result.get("permalink") if result.get("posted") else "")
    if address:
        return {"address": address, "words": ""}
    if row["posted"] == Effect.State.QUARANTINED:
        return {"address": "", "words": "There is no thread: Slack did not take it. Administrators see why under Integrations."}
    if row["posted"] == Effect.State.DONE:
        return {"address": "", "words": "There is no thread, because Slack is not connected. Everything works here."}
    return {"address": "", "words": "The thread in Slack opens in a moment."}


def _ask(row: dict[str, Any], asked: Asked) -> dict[str, Any]:
    reader = asked.reader
    mine = row["person_id"] == reader.pk or may(reader, P.CHANGE_CLASSIFY)
    may_answer = mine or (row["person_id"] is None and may(reader, P.EXCEPTION_EXPLAIN))
    shown = may_answer and not row["answer__text"] and not asked.auditor
    name = f"reason-{row['id']}"
    return {
        **row,
        "at": _moment(row["at"]),
        "answered_at": _moment(row["answer__at"]) if row["answer__at"] else None,
        "form": asked.forms.get(name, ReasonForm(auto_id=f"{name}-%s")) if shown else None,
    }


def _reminder(row: dict[str, Any]) -> dict[str, Any]:
    words = f"{EmergencyReminder.Duty(row['duty']).label}: {EmergencyReminder.Stage(row['stage']).label.lower()}"
    return {"words": words, "at": _moment(row["at"]), "to": ", ".join(row["to"])}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


PANEL = Panel(
    name="emergency",
    place="top",
    template="changes/emergencies/panel.html",
    build=build,
    lists={
        "emergencies": Listing(
            _emergencies,
            (
                *("id", "via", "declared_by_id", "declared_by__name", "asked_id", "asked__name", "at"),
                *("thread__permalink", "posted", "result"),
            ),
        ),
        "plus_one_people": Listing(_people, ("id", "name")),
        "plus_one_accounts": Listing(_accounts, ("user_id", "uid")),
        "plus_one_words": Listing(_words, ("id", "by_id", "by__name", "via", "note", "at", "lapse__reason", "confirmation__id")),
        "emergency_pushes": Listing(
            lambda here: LinkedPush.objects.filter(change_id=here, taken_back_at=None).order_by("pushed_at", "id"),
            ("commit_sha", "pusher_uid", "pusher_login", "people"),
        ),
        "emergency_causes": Listing(
            lambda here: EmergencyCause.objects.filter(emergency__change_id=here).order_by("id"),
            ("record_id", "record__sentence", "record__state"),
        ),
        "emergency_asks": Listing(
            lambda here: Ask.objects.filter(emergency__change_id=here).order_by("id"),
            (
                *("id", "question", "person_id", "person__name", "account", "why", "at"),
                *("answer__text", "answer__by__name", "answer__at"),
            ),
        ),
        "emergency_reminders": Listing(
            lambda here: EmergencyReminder.objects.filter(emergency__change_id=here).order_by("-id"),
            ("duty", "stage", "due_at", "at", "to"),
        ),
    },
)

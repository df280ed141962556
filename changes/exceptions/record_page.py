"""What the page of one exception shows, and what its reader can do about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms

from changes.exceptions.acceptance import ACCEPTABLE
from changes.exceptions.actions import ANSWERS, JUDGED
from changes.exceptions.forms import AcceptanceForm, AnswerForm, HandOverForm, JudgeForm
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionState
from changes.exceptions.queries import within
from changes.exceptions.showing import lines_of
from portal.access.may import holders_of, may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import Scope
from portal.policy.clauses import Clause
from portal.ui.text import revealed

WORDS = {"explained": "Record the explanation", "repaired": "Record the repair", "open": "Open it again"}


def record_context(
    *, record: ExceptionRecord, reader: User, scope: Scope, at: datetime, bound: Mapping[str, forms.Form]
) -> dict[str, Any]:
    """The page of ``record`` for ``reader``, who sees repetitions within ``scope``; ``bound`` are forms of a post that was not
    accepted, by name."""
    seen = within(scope)
    waiting = _waiting(record, at)
    people = list(holders_of(P.EXCEPTION_EXPLAIN, at=at)) if record.state == ExceptionState.OPEN else []
    oversees = may(reader, P.CHANGE_CLASSIFY)
    answering = may(reader, P.EXCEPTION_EXPLAIN)
    return {
        "record": record,
        "name": f"Exception {record.pk}: {revealed(record.sentence)}",
        "kind": KINDS[record.kind],
        "clause": Clause(record.clause),
        "steps": record.steps.select_related("by").order_by("at", "id"),
        "folds_into": seen.filter(folded=record).first(),
        "folded": seen.filter(folds_into=record).order_by("-found_at", "-id")[:50],
        "folded_alike": seen.filter(folds_into=record, state=record.state).count(),
        "evidence": lines_of(record.evidence),
        "form": bound.get("answer") or AnswerForm(),
        "problem": bool(bound),
        "buttons": _buttons(record) if answering else [],
        "waiting": waiting,
        "to_judge": record.state in JUDGED and record.judged_by_id is None,
        "may_judge": oversees and record.state in JUDGED and record.judged_by_id is None,
        "judge_form": bound.get("judge") or JudgeForm(),
        "may_hand_over": record.state == ExceptionState.OPEN and (oversees or record.owner_id == reader.pk),
        "hand_over_form": bound.get("hand_over") or HandOverForm(people=people),
        "may_propose": waiting is None and record.state in ACCEPTABLE and may(reader, P.WAIVER_PROPOSE),
        "may_confirm": waiting is not None and waiting.proposed_by_id != reader.pk and may(reader, P.EXCEPTION_ACCEPT),
        "may_withdraw": waiting is not None and (waiting.proposed_by_id == reader.pk or may(reader, P.EXCEPTION_ACCEPT)),
        "acceptance_form": bound.get("acceptance") or AcceptanceForm(),
    }


def _waiting(record: ExceptionRecord, at: datetime) -> Acceptance | None:
    rows = record.acceptances.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at)
    return rows.select_related("proposed_by").first()


def _buttons(record: ExceptionRecord) -> list[tuple[str, str]]:
    return [(outcome.value, WORDS[outcome.value]) for outcome in ANSWERS.get(ExceptionState(record.state), ())]

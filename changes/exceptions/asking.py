"""A question to the deploy gate: answered, kept, and never silent when the gate let a doubt pass."""

from datetime import datetime

from django.db import transaction

from changes.exceptions.actions import Found, open_exception
from changes.gates.deploy import Answer, answer_for
from changes.gates.models import GateAnswer
from portal.access.models import ApiToken, User
from portal.ui.text import revealed


def ask_gate(
    *, repository: str, commit: str, environment: str, by: User, token: ApiToken | None, at: datetime
) -> tuple[Answer, GateAnswer]:
    """Ask whether a commit may go to an environment. One row keeps question and answer, with who asked by which token."""
    answer = answer_for(repository=repository, commit=commit, environment=environment, at=at)
    kept = GateAnswer(
        repository=revealed(answer.repository)[:200],
        commit=revealed(answer.commit)[:64],
        environment=revealed(answer.environment)[:60],
        allow=answer.allow,
        failed_open=answer.failed_open,
        rollback=answer.rollback,
        reasons=list(answer.reasons),
        notes=list(answer.notes),
        changes=[change.number for change in answer.changes],
        by=by,
        token=token,
        at=at,
    )
    with transaction.atomic():
        kept.save(force_insert=True)
        if answer.failed_open:
            open_exception(repository=answer.found_in, found=_passed(answer, kept, by), at=at)
    return answer, kept


def _passed(answer: Answer, kept: GateAnswer, by: User) -> Found:
    return Found(
        kind="gate_failed_open",
        subject=f"{answer.environment}:{answer.commit[:12]}",
        key=f"gate:{answer.repository}:{answer.environment}:{answer.commit}:gate_failed_open",
        sentence=(
            f"The deploy gate let {answer.commit[:7]} of {answer.repository} pass to {answer.environment} without having been able "
            f"to judge it: {' '.join(answer.reasons)}"
        ),
        happened_at=kept.at,
        confirmed=True,
        change=answer.changes[0] if answer.changes else None,
        evidence={
            "answer": kept.pk,
            "environment": answer.environment,
            "commit": answer.commit,
            "asked_by": by.name,
            "reasons": list(answer.reasons),
        },
    )

"""Answers a deployment at GitHub that waits for the portal: a custom protection rule. Kind ``github.deployment_gate``.

https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules. The answer is
that of the deploy gate at this moment, with its reasons; what was answered and why goes into the ledger.
"""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from changes.connectors import errors
from changes.connectors.github.check_run import not_connected, wait_of
from changes.connectors.github.rulebook import Rulebook
from changes.connectors.models import Source
from changes.gates.deploy import Answer, answer_for
from portal.ledger.actions import append
from portal.outbox.errors import Passing, Permanent
from portal.outbox.registry import deliverer

KIND = "github.deployment_gate"
LONGEST = 1000
"""Characters of the comment."""


@deliverer(KIND)
def deliver_gate(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the run of ``payload`` (repository, run, environment, commit). Returns what was answered, or why not.

    Answering twice is refused by GitHub for a run that waits no longer, and then changes nothing.
    """
    source = Source.objects.filter(kind="github").order_by("id").first()
    missing = not_connected(source)
    if source is None or missing:
        return {"answered": "", "reason": f"not connected: {missing}"}
    at = timezone.now()
    found = answer_for(repository=payload["repository"], commit=payload["commit"], environment=payload["environment"], at=at)
    book = Rulebook(source=source, repository_name=payload["repository"], at=at)
    try:
        book.answer_gate(
            run=int(payload["run"]), environment=payload["environment"], approve=found.allow, comment=comment_of(found)
        )
    except errors.Passing as problem:
        raise Passing(wait_of(problem), problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem
    word = "approved" if found.allow else "rejected"
    append(
        stream="deploy-gate",
        kind="gate.answered",
        actor="portal",
        fact={**{name: payload[name] for name in ("repository", "run", "environment", "commit")}, "answer": word}
        | {"reasons": list(found.reasons), "at": at.isoformat()},
        rows=[],
    )
    return {"answered": word, "reasons": list(found.reasons)}


def comment_of(answer: Answer) -> str:
    """What people read at GitHub."""
    if answer.allow:
        changes = ", ".join(map(str, answer.changes))
        return f"Countersign: {changes or 'nothing'} may go to {answer.environment}."[:LONGEST]
    return f"Countersign holds it: {' '.join(answer.reasons)}"[:LONGEST]

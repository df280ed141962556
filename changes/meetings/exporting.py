"""Each decision goes to Git as a file of its own; when it ends, the file says so. The repository is known to the connector."""

from datetime import datetime

from django.conf import settings

from changes.meetings import adr
from changes.meetings.models import Decision, DecisionLapse
from changes.proposals.models import Revision
from portal.outbox.actions import enqueue
from portal.outbox.models import Effect

KIND = "decision.file"
FOLDER = "docs/decisions"
BEFORE = {"merge": "before the merge", "release": "before the release", "after": "after the release"}
WORDS = ("yes", "no", "abstained", "recused")


def facts_of(decision: Decision) -> adr.DecisionFacts:
    """What the record of a decision is made of."""
    told = decision.tally
    lapse = DecisionLapse.objects.filter(decision=decision).first()
    later = Decision.objects.filter(supersedes=decision).order_by("number").first() if lapse is not None else None
    return adr.DecisionFacts(
        number=decision.number,
        title=decision.item.title,
        outcome=decision.outcome,
        reason=decision.reason,
        where=str(decision.meeting) if decision.meeting is not None else "written vote",
        by=decision.by.name,
        at=decision.at,
        link=f"{settings.BASE_URL}/decisions/{decision.number}/",
        context=_context(decision.revision) or decision.item.note,
        digest=decision.digest,
        expires_at=decision.expires_at,
        supersedes=decision.supersedes.number if decision.supersedes is not None else None,
        ended=lapse.reason if lapse is not None else "",
        replaced_by=later.number if later is not None else None,
        conditions=tuple(
            adr.Condition(each["text"], each["owner"], BEFORE.get(each["before"], each["before"]), each["due_at"])
            for each in decision.conditions
        ),
        votes={word: list(told[word]) for word in WORDS} if told else {},
        quorum=f"{told['present']} of {told['voters']} voters, {told['needed']} needed." if told else "",
    )


def _context(revision: Revision | None) -> str:
    return revision.why if revision is not None else ""


def export(*, decision: Decision, at: datetime) -> None:
    """Ask, in the caller's transaction, for the file of a decision as it stands. A newer one replaces one that waits."""
    ended = DecisionLapse.objects.filter(decision=decision).exists()
    enqueue(
        kind=KIND,
        key=f"decision:{decision.number}{':ended' if ended else ''}",
        subject=f"decision:{decision.number}",
        payload={
            "number": decision.number,
            "path": path_of(decision),
            "text": adr.markdown(facts_of(decision)),
            "message": f"Decision {decision.number}{' ended' if ended else ''}: {' '.join(decision.item.title.split())[:120]}",
        },
        at=at,
    )


def path_of(decision: Decision) -> str:
    """Where the file stands in its repository."""
    return f"{FOLDER}/{adr.name_of(decision.number, decision.item.title)}"


def exported(decision: Decision) -> Effect | None:
    """The last that was asked for this decision; its ``result`` says where the file stands, once it is delivered."""
    return Effect.objects.filter(kind=KIND, subject=f"decision:{decision.number}").order_by("-id").first()

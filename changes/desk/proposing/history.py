"""All texts of a proposal: who wrote them and when, which are material, and what each ended. Prepared for the template."""

from dataclasses import dataclass

from changes.desk.proposing.diffs import SectionDiff, differing
from changes.proposals.models import Approval, ApprovalLapse, Change, Revision
from changes.proposals.sections import texts_of

EDITED = "the proposal was edited: revision"
"""How the reason of a lapse begins that an edit caused (``changes.proposals.actions``)."""


@dataclass(frozen=True)
class Line:
    """One revision: the words given on it, and those that it ended."""

    revision: Revision
    who: str
    given: list[Approval]
    ended: list[Approval]


@dataclass(frozen=True)
class Compared:
    """Two revisions beside one another."""

    before: Revision
    after: Revision
    sections: list[SectionDiff]


def ended_by(revision: Revision) -> int:
    """How many approvals this edit ended."""
    return ApprovalLapse.objects.filter(
        approval__change=revision.change_id, reason__startswith=f"{EDITED} {revision.number}."
    ).count()


def lines_of(change: Change) -> list[Line]:
    """The revisions, newest first. Two queries, however many there are."""
    revisions = list(change.revisions.select_related("by").order_by("-number"))
    words = list(change.approvals.select_related("by", "lapse").order_by("id"))
    return [
        Line(
            revision=revision,
            who=revision.by.name if revision.by else revision.by_login or "Countersign",
            given=[word for word in words if word.revision_id == revision.pk],
            ended=[word for word in words if _ended_by(word, revision)],
        )
        for revision in revisions
    ]


def _ended_by(word: Approval, revision: Revision) -> bool:
    return hasattr(word, "lapse") and word.lapse.reason.startswith(f"{EDITED} {revision.number}.")


def compared(lines: list[Line], *, before: str, after: str, whole: bool) -> Compared | None:
    """The two revisions with these numbers, the earlier one first; without them the last edit. None when there is only one."""
    by_number = {str(line.revision.number): line.revision for line in lines}
    newest = lines[0].revision
    later = by_number.get(after, newest)
    earlier = by_number.get(before) or by_number.get(str(later.number - 1))
    if earlier is None or earlier.pk == later.pk:
        return None
    first, second = sorted((earlier, later), key=lambda revision: revision.number)
    return Compared(first, second, differing(texts_of(first), texts_of(second), whole=whole))

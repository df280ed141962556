"""What stands about a change that is held under its lock, found with one question: what is empty is then not asked for."""

from dataclasses import dataclass

from django.db.models import Exists

from changes.proposals.models import Change, Revision


@dataclass(frozen=True)
class Present:
    """The newest text (None while there is none), and what there is besides. While the change is locked nobody adds to the first
    four; whoever notes an undoing lets the change follow afterwards."""

    text: Revision | None
    written_here: bool
    """One of its texts was written in a form, and not in a pull request."""
    choices: bool
    """Somebody has chosen a class."""
    words: bool
    """An approval counts that has not lapsed."""
    undoings: bool


def present_of(change: Change) -> Present:
    """What stands now. Ask under the lock of the change, and not in the statement that takes it: a statement that waited for
    the lock may still see what was there before."""
    text = (
        change.revisions.annotate(
            written_here=Exists(change.revisions.exclude(source="pull_request")),
            choices=Exists(change.class_choices.all()),
            words=Exists(change.approvals.filter(lapse=None)),
            undoings=Exists(change.undoings.all()),
        )
        .order_by("-number")
        .first()
    )
    if text is None:  # nothing is known then, so everything is asked for
        return Present(None, written_here=False, choices=True, words=True, undoings=True)
    return Present(text, written_here=text.written_here, choices=text.choices, words=text.words, undoings=text.undoings)

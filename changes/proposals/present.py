"""What stands about changes that are held under their locks, found with few questions: what is empty is then not asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from changes.delivery.models import PullRequest
from changes.proposals import queries
from changes.proposals.models import Approval, Change, ClassChoice, LinkedPush, Revision, Undoing
from portal.rows import reload_rows


@dataclass(frozen=True)
class Present:
    """The newest text (None while there is none), and what there is besides. While the change is locked nobody adds to the first
    four; whoever notes an undoing, or what changes its pull requests or pushes, lets the change follow afterwards."""

    text: Revision | None
    written_here: bool
    """One of its texts was written in a form, and not in a pull request."""
    choices: bool
    """Somebody has chosen a class."""
    words: bool
    """An approval counts that has not lapsed."""
    undoings: bool
    pull_requests: list[PullRequest]
    """With repository and part (``queries.part_of``), oldest first."""
    pushes: list[LinkedPush]
    """Those past every pull request that it answers for while it is an emergency, oldest first."""


def hold(changes: Sequence[Change]) -> dict[int, Present]:
    """Lock these changes until the transaction ends, in the order of their keys, bring them up to date, and say what stands about
    each, by its key. What stands is asked under the locks, and not in the statement that takes them: a statement that waited for
    a lock may still see what was there before."""
    reload_rows(changes, of=queries.locking())
    keys = [change.pk for change in changes]
    texts = {row.change_id: row for row in _texts(keys)}
    pull_requests = queries.linked_by_change(keys)
    pushes = queries.by_change(queries.pushes_past(keys))
    return {pk: _present(texts.get(pk), pull_requests.get(pk, []), pushes.get(pk, [])) for pk in keys}


def _texts(keys: Sequence[int]) -> list[Revision]:
    """The newest of each, annotated with what there is besides."""
    newest = Revision.objects.filter(change__in=keys).order_by("change_id", "-number").distinct("change_id")
    change = OuterRef("change")
    found = Revision.objects.filter(pk__in=newest.values("pk")).annotate(
        written_here=Exists(Revision.objects.filter(change=change).exclude(source="pull_request")),
        choices=Exists(ClassChoice.objects.filter(change=change)),
        words=Exists(Approval.objects.filter(change=change, lapse=None)),
        undoings=Exists(Undoing.objects.filter(change=change)),
    )
    return list(found)


def _present(text: Revision | None, pull_requests: list[PullRequest], pushes: list[LinkedPush]) -> Present:
    if text is None:  # nothing is known then, so everything is asked for
        return Present(None, False, True, True, True, pull_requests, pushes)
    said = vars(text)
    return Present(text, said["written_here"], said["choices"], said["words"], said["undoings"], pull_requests, pushes)

"""Say something about a change, follow it, and choose how to be told. Comments are evidence, with their entry."""

from collections.abc import Mapping
from datetime import datetime, time

from django.db import transaction

from changes.proposals.models import Change
from changes.proposals.moving import ring_for, stream_of
from changes.talk import policy
from changes.talk.kinds import KINDS
from changes.talk.models import Comment, Following, NoticeChoice, NoticeHours
from changes.talk.queries import Way, notices_of
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused


@transaction.atomic
def comment(*, change: Change, text: str, by: User, at: datetime) -> Comment:
    """Write a comment. Whoever it mentions as @name, and may see changes, is told."""
    policy.check_text(text=text)
    row = Comment.objects.create(change=change, by=by, text=text.strip(), mentions=_mentions(text, at), at=at)
    _tell("comment.written", row, by)
    return row


@transaction.atomic
def correct(*, comment: Comment, text: str, by: User, at: datetime) -> Comment:
    """Replace a comment by a corrected one; both stay on record. Refused after ten minutes, and for anybody but its author."""
    policy.check_text(text=text)
    first = comment.corrects or comment
    policy.check_correction(is_author=first.by_id == by.pk, said_at=first.at, at=at)
    row = Comment.objects.create(change=first.change, by=by, text=text.strip(), mentions=_mentions(text, at), corrects=first, at=at)
    _tell("comment.corrected", row, by)
    return row


def _mentions(text: str, at: datetime) -> list[int]:
    if not policy.handles_in(text):
        return []
    return policy.mentioned(text=text, people={user.pk: user.email for user in holders_of(P.CHANGE_SEE, at=at)})


def _tell(kind: str, row: Comment, by: User) -> None:
    append(
        stream=stream_of(row.change),
        kind=kind,
        actor=actor_of(by),
        fact={
            "comment": row.pk,
            "by": by.name,
            "text": row.text,
            "mentions": row.mentions,
            "corrects": row.corrects_id,
            "at": row.at.isoformat(),
        },
        rows=[row],
    )
    ring_for(row.change)


@transaction.atomic
def follow(*, change: Change, person: User, wanted: bool) -> None:
    """Hear of a change from now on, or no longer, whatever part one takes in it."""
    Following.objects.update_or_create(change=change, person=person, defaults={"wanted": wanted})


def read_all(*, person: User, at: datetime) -> None:
    """Mark everything that somebody was told until now as read; what was read before keeps its moment."""
    notices_of(person).filter(read_at=None).update(read_at=at)


@transaction.atomic
def choose(*, person: User, ways: Mapping[str, Way], quiet: tuple[time | None, time | None], digest: bool, digest_at: time) -> None:
    """Keep how somebody wants to be told of each kind, when they are left alone, and when their digest comes."""
    if (quiet[0] is None) != (quiet[1] is None):
        raise Refused(Clause.FOLLOWED, "Quiet hours have a beginning and an end.", "Give both, or neither.")
    for kind, way in ways.items():
        if kind in KINDS:
            values = {"mail": way.mail, "slack": way.slack}
            NoticeChoice.objects.update_or_create(person=person, kind=kind, defaults=values)
    hours = {"quiet_from": quiet[0], "quiet_to": quiet[1], "digest": digest, "digest_at": digest_at}
    NoticeHours.objects.update_or_create(person=person, defaults=hours)

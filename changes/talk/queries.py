"""Who follows a change, and what waits to be told."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from changes.delivery.models import PullRequest
from changes.proposals.models import Approval, Change, LinkedPullRequest, ReviewAfter, SignOff
from changes.proposals.people import links_for
from changes.talk.kinds import KINDS
from changes.talk.models import Comment, Following, Notice, NoticeChoice
from changes.talk.policy import followers
from portal.access.models import User


def taking_part(change: Change) -> set[int]:
    """Ids of the people who made, asked for, decided on, tested, reviewed or spoke about a change."""
    rows = PullRequest.objects.filter(links__change=change).exclude(links__role=LinkedPullRequest.Role.BACK_MERGE)
    uids = {uid for row in rows for uid in (row.author_uid, *(person.get("uid") for person in row.commit_people))}
    found = {person for person, _ in links_for(uids).values()}
    for model in (Approval, SignOff, ReviewAfter, Comment):
        found |= set(model.objects.filter(change=change).values_list("by", flat=True))
    for mentions in Comment.objects.filter(change=change).values_list("mentions", flat=True):
        found |= set(mentions)
    return found | ({change.requester_id} if change.requester_id is not None else set())


def followers_of(change: Change) -> set[int]:
    """Ids of the people who hear of a change."""
    wanted = dict(Following.objects.filter(change=change).values_list("person", "wanted"))
    return followers(taking_part=taking_part(change), wanted=wanted)


def follows(*, change: Change, person: User) -> bool:
    """Whether this person hears of the change."""
    return person.pk in followers_of(change)


def notices_of(person: User) -> QuerySet[Notice]:
    """What somebody was told, for their page."""
    return Notice.objects.filter(person=person)


def unread_count(person: User) -> int:
    """How many notices somebody has not seen yet, counted up to a hundred."""
    return notices_of(person).filter(read_at=None)[:100].count()


@dataclass(frozen=True)
class Way:
    """How one person hears of one kind."""

    mail: str
    slack: bool


def ways_of(people: Iterable[int]) -> dict[tuple[int, str], Way]:
    """What people chose, by person and kind; what they did not choose is missing (see ``way``)."""
    rows = NoticeChoice.objects.filter(person__in=set(people)).values_list("person", "kind", "mail", "slack")
    return {(person, kind): Way(mail, slack) for person, kind, mail, slack in rows}


def way(chosen: dict[tuple[int, str], Way], person: int, kind: str) -> Way:
    """The way of one person for one kind: chosen, else the kind's own."""
    return chosen.get((person, kind)) or Way(KINDS[kind].mail, KINDS[kind].slack)

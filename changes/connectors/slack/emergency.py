"""What people do about emergencies in Slack: ``/change emergency``, the button "+1", and :+1: on the thread's first message.

Who declares may be known by the confirmed e-mail address; a +1 takes a linked account, because it opens a gate (threat T4).
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Q

from changes.connectors.slack import routing
from changes.connectors.slack.payloads import Asked
from changes.connectors.slack.workspace import IDENTITY
from changes.emergencies import actions, threads
from changes.emergencies.models import Emergency, ThreadReaction
from changes.proposals.models import Change
from changes.proposals.policy import SLACK
from portal.access.models import User
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

FIELDS = 4
ORDER = "what is broken | the fix | how to undo it | who is asked for the +1 (may be left out)"


def form_address() -> str:
    """What a bare ``/change emergency`` is answered with."""
    return f"Declare it here: {settings.BASE_URL}/changes/new/emergency/\nOr in one line: /change emergency {ORDER}"


@routing.command("emergency", usage=ORDER, empty=form_address)
def declare(*, person: User, asked: Asked, at: datetime) -> str:
    """Declare an emergency in one line. The same request declares once: deliveries are applied once."""
    if len(asked.fields) > FIELDS:
        why = f"A bar parts the fields, and there are {len(asked.fields)} of them."
        raise Refused(Clause.EMERGENCY_COORDINATED, why, form_address())
    broken, fix, undo, wanted = [*asked.fields, *[""] * FIELDS][:FIELDS]
    given = actions.Declared(broken=broken, fix=fix, undo=undo, asked=_person_called(wanted))
    key = f"slack:{asked.team}:{asked.user}:{at.isoformat()}"
    emergency = actions.declare(given=given, by=person, via=Emergency.Via.SLACK, key=key, at=at)
    change = emergency.change
    return f"{change} is declared an emergency. Its thread opens in a moment: {threads.address_of(change)}"


def _person_called(words: str) -> User | None:
    """The one person with this name or mail address; None for nobody in particular. Refused when it is not clear who."""
    name = words.strip().lstrip("@")
    if not name or name.lower() in ("anyone", "anybody"):
        return None
    people = User.objects.filter(is_active=True)
    found = list(people.filter(Q(name__iexact=name) | Q(email__iexact=name))[:2]) or list(people.filter(name__istartswith=name)[:2])
    if len(found) != 1:
        why = f"It is not clear who is meant by “{name[:80]}”." if found else f"Nobody here is called “{name[:80]}”."
        raise Refused(Clause.EMERGENCY_COORDINATED, why, "Write the whole name or the e-mail address, or leave it out.")
    return found[0]


@routing.action(threads.PLUS_ONE)
def press(*, person: User, asked: Asked, at: datetime) -> str:
    """The button in the thread's first message, or in what one was told directly."""
    change = Change.objects.filter(number=int(asked.value)).first() if asked.value.isdecimal() else None
    if change is None:
        return "This emergency is not there any more."
    return _given(change, person, asked, at)


@routing.reaction("+1")
def react(*, person: User, asked: Asked, at: datetime) -> str:
    """:+1: on the first message gives the +1; taking it back takes the +1 back, until the merge."""
    number = threads.emergency_in(asked.message)
    emergency = Emergency.objects.select_related("change").filter(pk=number).first() if number else None
    if emergency is None or not _is_newest(emergency, person, asked, at):
        return ""
    if asked.added:
        return _given(emergency.change, person, asked, at)
    taken = actions.take_back_plus_one(change=emergency.change, by=person, at=at, via=SLACK)
    return f"Your +1 on {emergency.change} is taken back." if taken else ""


def _given(change: Change, person: User, asked: Asked, at: datetime) -> str:
    if asked.known_by != IDENTITY:
        why = "A +1 from Slack counts only from a linked account."
        instead = f"Link yours at {settings.BASE_URL}/me/, or give it on {threads.address_of(change)}"
        raise Refused(Clause.EMERGENCY_REVIEW, why, instead)
    actions.plus_one(change=change, by=person, via=SLACK, authenticated_at=None, at=at)
    return f"Your +1 on {change} counts. Confirm it in Countersign within a day: {threads.address_of(change)}"


def _is_newest(emergency: Emergency, person: User, asked: Asked, at: datetime) -> bool:
    """Note what the reaction says now. False when something newer was noted: deliveries can come out of order."""
    said_at = asked.said_at or at
    row, made = ThreadReaction.objects.select_for_update().get_or_create(
        emergency=emergency, person=person, defaults={"added": asked.added, "said_at": said_at}
    )
    if made:
        return True
    if row.said_at >= said_at:
        return False
    row.added, row.said_at = asked.added, said_at
    row.save(update_fields=["added", "said_at"])
    return True

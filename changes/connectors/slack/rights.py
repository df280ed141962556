"""Who is in the workspace and what they may do there: owners, admins, members, guests, bots (P-19).

``users.list`` names everybody who ever was there; who is deactivated holds nothing. https://docs.slack.dev/reference/objects/user-object
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from changes.connectors.errors import Passing, Permanent
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack.client import Slack
from changes.entitlements.actions import take
from changes.entitlements.facts import Held, Right

EVERY = timedelta(hours=1)
ID = 60
SLACKBOT = "USLACKBOT"
"""In every workspace, and nobody's."""
WORDS: Sequence[tuple[str, str, Right]] = (
    ("is_primary_owner", "primary owner", Right.ADMIN),
    ("is_owner", "owner", Right.ADMIN),
    ("is_admin", "admin", Right.ADMIN),
    ("is_ultra_restricted", "guest of one channel", Right.READ),
    ("is_restricted", "guest", Right.READ),
)
"""Slack's marks from the strongest; an owner is an admin too, and a guest of one channel is a guest too."""


def read_members(*, source: Source, at: datetime) -> bool:
    """Take the rights of the workspace if an hour is over. True when they were read.

    What cannot be read is said in ``members_unread`` of the source's settings and tried again after an hour: the log of
    production changes does not suffer from it.
    """
    last = source.settings.get("members_asked")
    if last and at - datetime.fromisoformat(last) < EVERY:
        return False
    try:
        team, name = source.settings["team"], source.settings["team_name"]
        held = held_in(Slack(source=source).users(), team=team, name=name)
    except (Passing, Permanent, Incomplete, Unreadable) as problem:
        keep(source=source, members_asked=at.isoformat(), members_unread=str(problem)[:300])
        return False
    take(source=source.name, things=[_thing(team)], held=held, at=at)
    keep(source=source, members_asked=at.isoformat(), members_unread="")
    return True


def held_in(users: Iterable[Fields], *, team: str, name: str) -> list[Held]:
    """One right for each account that is there. People of other workspaces in shared channels count as guests. Pure."""
    return [
        _held(user, team, name) for user in users if user.flag("deleted") is not True and user.text("id") not in (None, SLACKBOT)
    ]


def _held(user: Fields, team: str, name: str) -> Held:
    where = user.text("team_id", limit=ID) or team
    at_home = where == team
    bot = bool(user.flag("is_bot") or user.flag("is_workflow_bot"))
    word, right = _word(user) if at_home else ("guest of another workspace", Right.READ)
    profile = user.within("profile")
    return Held(
        account_id=f"{where}:{user.needed_text('id', limit=ID)}",
        account_name=((profile.text("real_name") if profile else "") or user.text("real_name") or user.text("name")) or "",
        thing=_thing(team),
        thing_name=name or "Slack workspace",
        right=right,
        account_kind="app" if bot else "person",
        vendor_word="bot" if bot and word == "member" else word,
    )


def _word(user: Fields) -> tuple[str, Right]:
    return next(((word, right) for mark, word, right in WORDS if user.flag(mark) is True), ("member", Right.WRITE))


def _thing(team: str) -> str:
    return f"slack.workspace:{team}"

"""Suggests which account at Slack is whose: the one with a person's confirmed e-mail address, asked for once a week each.

What is found stands among the accounts that belong to nobody yet, with that address, so that it can be linked (docs/access.md).
"""

from datetime import datetime, timedelta

from changes.connectors.errors import NotFound
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack.client import Slack
from changes.connectors.slack.workspace import PROVIDER
from portal.access.accounts.seeing import note_met
from portal.access.models import Identity, User

AT_ONCE = 5
"""People of one look: ``users.lookupByEmail`` is limited to about fifty a minute."""
AGAIN = timedelta(days=7)


def suggest(*, source: Source, at: datetime) -> int:
    """Ask for some people who have no account at Slack linked. Returns how many accounts were found."""
    asked: dict[str, str] = source.settings.get("looked_up", {})
    lately = {int(key) for key, day in asked.items() if at - datetime.fromisoformat(day) < AGAIN}
    linked = Identity.objects.filter(provider=PROVIDER, ended_at=None).values("user")
    people = (
        User.objects.filter(is_active=True, left_at=None).exclude(pk__in=linked).exclude(pk__in=lately).order_by("pk")[:AT_ONCE]
    )
    client, found = Slack(source=source), 0
    for person in people:
        found += _ask(client, source, person, at)
        asked = {**asked, str(person.pk): at.isoformat()}
    if asked != source.settings.get("looked_up", {}):
        keep(source=source, looked_up=asked)
    return found


def _ask(client: Slack, source: Source, person: User, at: datetime) -> int:
    try:
        account = client.account_with(email=person.email)
    except NotFound:
        return 0
    uid = f"{account.team or source.settings['team']}:{account.id}"
    if not account.is_person or not account.email or Identity.objects.filter(provider=PROVIDER, uid=uid, ended_at=None).exists():
        return 0
    note_met(provider=PROVIDER, uid=uid, login=account.login, name=account.name, email=account.email, at=at)
    return 1

"""Which window of an engagement may be asked for, and which kinds its scope covers."""

from collections.abc import Iterable
from datetime import datetime

from audits.engagements.models import Engagement
from audits.engagements.queries import scope_of
from audits.engagements.taking_part import refuse
from audits.populations.facts import Asked, Kind
from audits.populations.kinds import KINDS
from portal.access.scope import Scope


def asked_of(*, engagement: Engagement, since: datetime, until: datetime, at: datetime) -> Asked:
    """A window of an engagement, within its scope."""
    return Asked(since=since, until=until, scope=scope_of(engagement), at=at)


def kinds_in(scope: Scope) -> Iterable[Kind]:
    """The kinds that the scope's systems reach, in their order."""
    return [kind for kind in KINDS.values() if covers(scope, kind)]


def covers(scope: Scope, kind: Kind) -> bool:
    """Whether one of the kind's systems is in the scope."""
    return any(scope.covers_system(system=system) for system in kind.systems)


def kind_of(*, engagement: Engagement, code: str) -> Kind:
    """The kind of this code. ``Refused`` for an unknown one, and for one of systems outside the engagement's scope."""
    kind = KINDS.get(code)
    if kind is None:
        refuse(f"There is no population called {code}.", "Choose one of the list.")
    if not covers(scope_of(engagement), kind):
        refuse(f"{kind.title} lie outside the scope of this audit.", "Choose another kind.")
    return kind


def check_window(*, engagement: Engagement, since: datetime, until: datetime, at: datetime) -> None:
    """``Refused`` for a window that ends before it begins, lies outside the engagement or reaches into the future."""
    if since >= until:
        refuse("The window ends before it begins.", "Choose a later end.")
    if since < engagement.window_from or until > engagement.window_to:
        period = f"{_said(engagement.window_from)} to {_said(engagement.window_to)}"
        refuse(f"The window reaches outside the audited period, {period}.", "Choose days inside it.")
    if until > at:
        refuse("The window reaches into the future: what has not happened cannot be listed.", "Choose an end by now.")


def _said(at: datetime) -> str:
    return f"{at:%-d %b %Y %H:%M} UTC"

"""The scope of an engagement, and which window of it may be asked for."""

from datetime import datetime

from audits.engagements.models import Engagement
from portal.access.may import may_at
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import Scope
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused


def scope_of(engagement: Engagement) -> Scope:
    """What an engagement is about: its repositories (all, where none is named) and its window."""
    names = frozenset(engagement.repositories) or None
    return Scope(names, engagement.window_from, engagement.window_to)


def check_window(*, engagement: Engagement, since: datetime, until: datetime, at: datetime) -> None:
    """``Refused`` for a window that ends before it begins, lies outside the engagement or reaches into the future."""
    if since >= until:
        raise _refused("The window ends before it begins.", "Choose a later end.")
    if since < engagement.window_from or until > engagement.window_to:
        period = f"{_said(engagement.window_from)} to {_said(engagement.window_to)}"
        raise _refused(f"The window reaches outside the engagement's period, {period}.", "Choose days inside it.")
    if until > at:
        raise _refused("The window reaches into the future: what has not happened cannot be listed.", "Choose an end by now.")


def check_tester(*, engagement: Engagement, by: User, at: datetime) -> None:
    """``Refused`` for whoever does not work on this engagement: its auditor while it is open, and who makes engagements."""
    if by.pk != engagement.auditor_id and not may_at(by, P.ENGAGEMENT_MAKE, at=at):
        raise _refused(f"{by.name} does not work on this engagement.", "Its auditor and the compliance manager do.")


def _said(at: datetime) -> str:
    return f"{at:%-d %b %Y %H:%M} UTC"


def _refused(why: str, instead: str) -> Refused:
    return Refused(Clause.AUDITED, why, instead)

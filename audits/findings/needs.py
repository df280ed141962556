"""What findings ask of people: a response, a correction, a retest, an end. For the inbox."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from audits.findings.lifecycle import State
from audits.findings.models import Finding
from audits.findings.queries import unfinished
from portal.access.may import may, roles_of
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.home import inbox

MOST = 50
OF_OWNERS = {State.OPEN: ("Respond to a finding", "Respond"), State.RESPONDED: ("Correct a finding", "Record it")}
OF_TESTERS = {State.CORRECTED: ("Retest a finding", "Retest"), State.RETESTED: ("Close a finding", "Close")}


@inbox.provider
def finding_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """One's own findings; for compliance also what is to be retested and closed. Auditors find theirs on their audit's pages."""
    for row in unfinished(at=at).filter(Q(state__in=list(OF_OWNERS)), owner=user)[:MOST]:
        yield _item(row, *OF_OWNERS[State(vars(row)["state"])], why="You answer for it (P-27).", at=at)
    if may(user, P.AUDIT_WORK) and Role.AUDITOR not in roles_of(user):
        for row in unfinished(at=at).filter(Q(state__in=list(OF_TESTERS))).exclude(owner=user)[:MOST]:
            yield _item(row, *OF_TESTERS[State(vars(row)["state"])], why=f"{row.owner.name} answered for it (P-27).", at=at)


def _item(row: Finding, title: str, act: str, *, why: str, at: datetime) -> inbox.Item:
    return inbox.Item(
        title=title,
        about=row.title,
        why=why,
        due_at=row.due_at,
        href=address_of(row),
        act=act,
        tone="bad" if row.due_at <= at else "warn",
        icon="clipboard-check",
    )


def address_of(row: Finding) -> str:
    """The finding's page."""
    return f"/audits/{row.engagement_id}/findings/{row.number}/"

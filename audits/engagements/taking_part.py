"""Who works in an audit, and who answers in it. Asked inside of actions, of the database."""

from datetime import datetime
from typing import NoReturn

from django.http import Http404, HttpRequest

from audits.engagements.models import Engagement
from audits.engagements.queries import admitted_at, engagement_in, engagement_of, open_at
from portal.access.may import holders_of, holders_of_role, may, may_at, roles_at
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused


def check_open(*, engagement_id: int, at: datetime) -> None:
    """Refuses what comes before an audit begins and after it is over."""
    if not open_at(at).filter(pk=engagement_id).exists():
        refuse("This audit is not open.", "Nothing is added to it before it begins or after it is over.")


def check_works(*, engagement_id: int, by: User, at: datetime) -> None:
    """Refuses whoever may not ask, draw, mark and find in this audit now: its auditors do, and compliance."""
    check_open(engagement_id=engagement_id, at=at)
    check_tests(engagement_id=engagement_id, by=by, at=at)


def check_tests(*, engagement_id: int, by: User, at: datetime) -> None:
    """The same without asking whether the audit is open: findings go on when it is over."""
    admitted = not is_auditor(by, at=at) or admitted_at(by, at).filter(engagement=engagement_id).exists()
    if not (admitted and may_at(by, P.AUDIT_WORK, at=at)):
        refuse(f"{by.name} does not work in this audit.", "Its auditors do, and the compliance manager.")


def check_reads(*, engagement_id: int, by: User, at: datetime) -> None:
    """Refuses whoever may not read in this audit now: auditors do in the one that is open for them, overseers in all."""
    own = engagement_of(by, at=at)
    let_in = own is not None and own.pk == engagement_id if is_auditor(by, at=at) else may_at(by, P.AUDIT_SEE, at=at)
    if not let_in:
        refuse(f"{by.name} does not read in this audit.", "Its auditors do, and whoever oversees audits.")


def is_auditor(person: User, *, at: datetime) -> bool:
    """Whether the person comes from outside."""
    return Role.AUDITOR in roles_at(person, at=at)


def check_answers(*, person: User, at: datetime) -> None:
    """Refuses a person who cannot be asked: auditors ask, all others who take part in the portal answer."""
    if is_auditor(person, at=at) or not may_at(person, P.AUDIT_ANSWER, at=at):
        refuse(f"{person.name} cannot be asked.", "Choose somebody who works here.")


def people_to_ask(*, at: datetime) -> list[User]:
    """Everybody who can be asked, by name."""
    outside = {person.pk for person in holders_of_role(Role.AUDITOR, at=at)}
    return [person for person in holders_of(P.AUDIT_ANSWER, at=at) if person.pk not in outside]


def people_for(kind: str, *, at: datetime) -> list[User]:
    """Who may be let into an audit of this kind: auditors into an external one, those who test into an internal one."""
    auditors = holders_of_role(Role.AUDITOR, at=at)
    if kind == Engagement.Kind.EXTERNAL:
        return list(auditors)
    outside = {person.pk for person in auditors}
    return [person for person in holders_of(P.AUDIT_WORK, at=at) if person.pk not in outside]


def check_sees(request: HttpRequest, *, engagement_id: int, owner_id: int) -> None:
    """Raises ``Http404`` unless it is the reader's to see: an auditor's own audit, an overseer's any, else what names them."""
    own = engagement_in(request)
    overseen = own is None and (may(request.user, P.AUDIT_SEE) or request.user.pk == owner_id)
    if not overseen and (own is None or own.pk != engagement_id):
        raise Http404("Nothing of yours.")


def refuse(why: str, instead: str = "") -> NoReturn:
    """Audits are held by P-27."""
    raise Refused(Clause.AUDITED, why, instead)

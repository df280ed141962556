"""The eight people of the demo company: how they join, get their roles and link their accounts at GitHub and Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.access.actions import confirm_role, is_free
from portal.access.identities import link_identity
from portal.access.invitations import accept, invite, invite_at_shell
from portal.access.models import RoleProposal, User
from portal.access.people import actor_of
from portal.access.roles import Role


@dataclass(frozen=True)
class Person:
    """One person: the login is that of GitHub, the uid GitHub's number; ``role`` is held in the portal."""

    login: str
    uid: int
    name: str
    role: Role
    permission: str
    """Access to the repositories at GitHub; "" for none."""

    @property
    def email(self) -> str:
        """The address, which signs commits and signs in."""
        return f"{self.login}@northwind.example"


PEOPLE = (
    Person("rex", 81007, "Rex Stone", Role.ADMINISTRATOR, "admin"),
    Person("mia", 81005, "Mia Lund", Role.COMPLIANCE, ""),
    Person("cleo", 81003, "Cleo Marsh", Role.CHAIR, "push"),
    Person("ann", 81001, "Ann Berg", Role.ENGINEER, "push"),
    Person("bob", 81002, "Bob Okafor", Role.APPROVER, "push"),
    Person("dev", 81004, "Dev Patel", Role.ARCHITECT, "push"),
    Person("eli", 81008, "Eli Novak", Role.ARCHITECT, ""),
    Person("uma", 81006, "Uma Reyes", Role.AUDITOR, ""),
)
FIRST = frozenset({Role.ADMINISTRATOR, Role.COMPLIANCE, Role.CHAIR})
"""Nobody is there yet who could give these: they come from the server's command line."""
SHELL = "demo"
MINUTE = timedelta(minutes=1)


def named(login: str) -> User:
    """The person of a login. Raises ``User.DoesNotExist`` before ``admit``."""
    return User.objects.get(email=f"{login}@northwind.example")


def those_here(logins: Sequence[str]) -> list[User]:
    """The people of these logins who have joined, in this order: without a year some of them never do."""
    emails = [f"{login}@northwind.example" for login in logins]
    known = {user.email: user for user in User.objects.filter(email__in=emails)}
    return [known[email] for email in emails if email in known]


def admit(*, password: str, at: datetime, persons: Sequence[Person] = PEOPLE) -> None:
    """Everybody joins, in this order, some minutes apart. Who is there already is left alone."""
    for place, person in enumerate(persons):
        if not User.objects.filter(email=person.email).exists():
            _join(person, password=password, at=at + place * 10 * MINUTE)


def _join(person: Person, *, password: str, at: datetime) -> None:
    host = _host(person)
    if host is None:
        roles = [person.role] if is_free(role=person.role, at=at) else []
        _, token = invite_at_shell(email=person.email, name=person.name, roles=roles, os_user=SHELL, at=at)
    else:
        _, token = invite(email=person.email, name=person.name, roles=[person.role], by=host, at=at)
    user = accept(token=token, name=person.name, password=password, at=at + MINUTE)
    for proposal in RoleProposal.objects.filter(user=user, grant=None, withdrawn_at=None):
        confirm_role(proposal=proposal, digest=proposal.digest, by=_second(person), at=at + 2 * MINUTE)
    if person.permission:
        link_identity(user=user, provider="github", uid=str(person.uid), login=person.login, by=actor_of(user), at=at + 3 * MINUTE)


def link_slack(*, team: str, accounts: Mapping[str, str], at: datetime, persons: Sequence[Person] = PEOPLE) -> None:
    """Link the Slack accounts (by login) of those who work in the repositories; the others are known by their address."""
    for person in persons:
        if person.permission:
            user, uid = named(person.login), f"{team}:{accounts[person.login]}"
            link_identity(user=user, provider="slack", uid=uid, login=person.login, by=actor_of(user), at=at)


def _host(person: Person) -> User | None:
    """Who invites: compliance the auditor, the administrator everybody else, nobody the first three."""
    if person.role in FIRST:
        return None
    return named("mia" if person.role == Role.AUDITOR else "rex")


def _second(person: Person) -> User:
    """Who confirms a privileged role: the chair the auditor's, compliance the others."""
    return named("cleo" if person.role == Role.AUDITOR else "mia")

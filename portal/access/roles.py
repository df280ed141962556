"""The seven roles: a short code that is stored, a label, one sentence, and what it may. Pure.

Who grants what and who excludes whom is here as well, so that code, database guard and pages read one table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from portal.access.permissions import P


class Role(StrEnum):
    """A role's code, as it is stored in grants and shown in the ledger."""

    ENGINEER = "engineer"
    APPROVER = "approver"
    ARCHITECT = "architect"
    CHAIR = "chair"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    LEARNER = "learner"

    @property
    def label(self) -> str:
        """The name that people read."""
        return ROLES[self].label

    @property
    def sentence(self) -> str:
        """What somebody in this role does, in one sentence."""
        return ROLES[self].sentence


@dataclass(frozen=True)
class Definition:
    """What a role is. ``granted_with`` is the permission that one needs to propose or grant it."""

    label: str
    sentence: str
    permissions: frozenset[P]
    granted_with: P
    excludes: frozenset[Role]


READS = frozenset(
    {
        P.CHANGE_SEE,
        P.EXCEPTION_SEE,
        P.RELEASE_SEE,
        P.MEETING_SEE,
        P.POLICY_SEE,
        P.INVENTORY_SEE,
        P.LEDGER_SEE,
        P.LEDGER_VERIFY,
        P.PERSON_SEE,
        P.AUDIT_ANSWER,
        P.INSIGHTS_SEE,
    },
)
WORKS = READS | {P.TRAINING_SIGN, P.CHANGE_PROPOSE, P.CHANGE_COMMENT, P.AGENDA_PUT, P.EXCEPTION_EXPLAIN, P.GALLERY_SEE}
BUILDS = WORKS | {P.CHANGE_SIGN_OFF, P.CHANGE_SCHEDULE, P.DRILL_RECORD, P.EMERGENCY_DECLARE}
DECIDES = BUILDS | {
    P.INVENTORY_KEEP,
    P.CHANGE_APPROVE,
    P.APPROVAL_DELEGATE,
    P.WAIVER_PROPOSE,
    P.FREEZE_OVERRIDE,
    P.EMERGENCY_PLUS_ONE,
    P.CHANGE_REVIEW_AFTER,
    P.ACCESS_SEE,
    P.ACCESS_REVIEW,
}
OVERSEES = frozenset(
    {
        P.CHANGE_CLASSIFY,
        P.ACCESS_SEE,
        P.ACCESS_REVIEW,
        P.MERGERS_SET,
        P.CONTROL_SEE,
        P.CONTROL_RUN,
        P.FREEZE_SET,
        P.NOISE_SET,
        P.OVERSIGHT_SEE,
        P.AUDIT_SEE,
        P.POLICY_DRAFT,
        P.TRAINING_WRITE,
        P.TRAINING_OVERSEE,
        P.ROLE_HISTORY_SEE,
    },
)
CONNECTIONS = frozenset({P.SOURCE_SEE, P.INBOX_SEE})

DECIDING = frozenset({Role.APPROVER, Role.ARCHITECT, Role.CHAIR})

ROLES: dict[Role, Definition] = {
    Role.ENGINEER: Definition(
        label="Engineer",
        sentence="Proposes changes, carries them to staging and follows them to production.",
        permissions=BUILDS,
        granted_with=P.ROLE_GRANT_ENGINEER,
        excludes=frozenset({Role.AUDITOR}),
    ),
    Role.APPROVER: Definition(
        label="Approver",
        sentence="Approves other people's changes for production and gives the +1 of an emergency.",
        permissions=DECIDES,
        granted_with=P.ROLE_GRANT_PRIVILEGED,
        excludes=frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.COMPLIANCE}),
    ),
    Role.ARCHITECT: Definition(
        label="Architect",
        sentence="Decides large changes with the architecture team and may classify changes anew.",
        permissions=DECIDES | OVERSEES | {P.MEETING_VOTE},
        granted_with=P.ROLE_GRANT_PRIVILEGED,
        excludes=frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.COMPLIANCE}),
    ),
    Role.CHAIR: Definition(
        label="Chair",
        sentence="Leads the architecture team, records its decisions and accepts exceptions together with compliance.",
        permissions=DECIDES
        | OVERSEES
        | {P.MEETING_VOTE, P.MEETING_LEAD, P.WAIVER_DECIDE, P.EXCEPTION_ACCEPT, P.ROLE_GIVE, P.ENGAGEMENT_MAKE},
        granted_with=P.ROLE_GRANT_PRIVILEGED,
        excludes=frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.COMPLIANCE}),
    ),
    Role.COMPLIANCE: Definition(
        label="Compliance manager",
        sentence="Watches exceptions, people and audits, and never approves a change.",
        permissions=WORKS
        | CONNECTIONS
        | OVERSEES
        | {
            P.WAIVER_PROPOSE,
            P.WAIVER_DECIDE,
            P.ACCESS_LEAD,
            P.INVENTORY_KEEP,
            P.INVENTORY_SIGN,
            P.TRAINING_CHASE,
            P.EXCEPTION_ACCEPT,
            P.PERSON_INVITE,
            P.PERSON_KEEP,
            P.ROLE_GIVE,
            P.ROLE_GRANT_PRIVILEGED,
            P.ENGAGEMENT_MAKE,
            P.READ_LOG_SEE,
            P.AUDIT_WORK,
            P.LEDGER_REDACT,
            P.LEDGER_RECOVER,
        },
        granted_with=P.ROLE_GRANT_PRIVILEGED,
        excludes=frozenset({Role.AUDITOR, Role.ADMINISTRATOR}) | DECIDING,
    ),
    Role.AUDITOR: Definition(
        label="Auditor",
        sentence="Reads everything in the scope of an engagement, tests and asks there, and changes nothing.",
        permissions=READS
        | CONNECTIONS
        | {P.TRAINING_OVERSEE, P.ROLE_HISTORY_SEE, P.ACCESS_SEE, P.CONTROL_SEE, P.AUDIT_SEE, P.AUDIT_WORK},
        granted_with=P.ENGAGEMENT_MAKE,
        excludes=frozenset(Role) - {Role.AUDITOR},
    ),
    Role.ADMINISTRATOR: Definition(
        label="Administrator",
        sentence="Connects systems and invites people, and has no hand in decisions or evidence.",
        permissions=READS
        | CONNECTIONS
        | {
            P.TRAINING_SIGN,
            P.SOURCE_MANAGE,
            P.INBOX_REPLAY,
            P.PERSON_INVITE,
            P.PERSON_KEEP,
            P.ROLE_HISTORY_SEE,
            P.ACCESS_SEE,
            P.ACCESS_REVIEW,
            P.PROVISIONING_MANAGE,
            P.ROLE_GIVE,
            P.ROLE_GRANT_ENGINEER,
            P.ROLE_GRANT_PRIVILEGED,
            P.GALLERY_SEE,
            P.LEDGER_REDACT,
            P.LEDGER_RECOVER,
        },
        granted_with=P.ROLE_GRANT_PRIVILEGED,
        excludes=frozenset({Role.AUDITOR, Role.COMPLIANCE}) | DECIDING,
    ),
    Role.LEARNER: Definition(
        label="Learner",
        sentence="Has access at a vendor and no work here: takes the course, signs the policy, and sees nothing else.",
        permissions=frozenset({P.POLICY_SEE, P.TRAINING_SIGN}),
        granted_with=P.PERSON_INVITE,
        excludes=frozenset({Role.AUDITOR}),
    ),
}

ORDINARY: frozenset[Role] = frozenset({Role.LEARNER, Role.ENGINEER})
"""Roles that one person gives."""

PRIVILEGED: frozenset[Role] = frozenset(Role) - ORDINARY
"""Roles that two people grant, and whose holders are asked for a second factor."""

NEVER_EMPTY: frozenset[Role] = frozenset({Role.COMPLIANCE, Role.ADMINISTRATOR})
"""Roles whose last lasting holder cannot be removed."""


def conflicting_pairs() -> frozenset[frozenset[Role]]:
    """Every pair of roles that one person must not hold at the same time."""
    return frozenset(frozenset({role, other}) for role, definition in ROLES.items() for other in definition.excludes)


def roles_with(permission: P) -> tuple[Role, ...]:
    """The roles that carry this permission, in the order of the table."""
    return tuple(role for role, definition in ROLES.items() if permission in definition.permissions)


def permissions_of(roles: Iterable[Role]) -> frozenset[P]:
    """All that these roles together may."""
    return _permissions_of(frozenset(roles))


@lru_cache(maxsize=256)
def _permissions_of(roles: frozenset[Role]) -> frozenset[P]:
    return frozenset[P]().union(*(ROLES[role].permissions for role in roles))

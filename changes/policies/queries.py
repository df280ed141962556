"""Versions of the policy, the built-in first one among them, and what is open about the next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.access.models import User
from portal.policy.document import built_in
from portal.policy.in_force import version_at
from portal.policy.models import PolicyDraft, PolicyVersion
from portal.policy.parameters import DEFAULT, Parameters
from portal.policy.plain import parameters_from, plain

FIRST = 1
"""Number of the version that is built in."""


@dataclass(frozen=True)
class Edition:
    """One version as pages show it. The built-in one has no row and no dates."""

    number: int
    text: str
    parameters: Parameters
    summary: str
    material: bool
    digest: str
    state: str
    sent_by: User | None
    sent_at: datetime | None
    decision: str
    decided_at: datetime | None
    effective_at: datetime | None
    row: PolicyVersion | None

    @property
    def plain(self) -> dict[str, Any]:
        """Its parameters as JSON values."""
        return plain(self.parameters)


def first() -> Edition:
    """The version that an installation begins with."""
    return Edition(
        number=FIRST,
        text=built_in(),
        parameters=DEFAULT,
        summary="The policy that an installation begins with.",
        material=True,
        digest="",
        state=PolicyVersion.State.ADOPTED,
        sent_by=None,
        sent_at=None,
        decision="",
        decided_at=None,
        effective_at=None,
        row=None,
    )


def edition_of(row: PolicyVersion) -> Edition:
    """A kept version."""
    return Edition(
        number=row.number,
        text=row.text,
        parameters=parameters_from(row.parameters, version=str(row.number), base=DEFAULT),
        summary=row.summary,
        material=row.material,
        digest=row.digest,
        state=row.state,
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        decision=row.decision,
        decided_at=row.decided_at,
        effective_at=row.effective_at,
        row=row,
    )


def in_force(*, at: datetime) -> Edition:
    """The version in force at a moment."""
    row = version_at(at)
    return edition_of(row) if row is not None else first()


def edition(number: int) -> Edition | None:
    """One version by its number; None when there is none."""
    row = PolicyVersion.objects.select_related("sent_by").filter(number=number).first()
    if row is not None:
        return edition_of(row)
    return first() if number == FIRST else None


def editions() -> list[Edition]:
    """Every version, newest first."""
    rows = PolicyVersion.objects.select_related("sent_by").order_by("-number")
    return [*(edition_of(row) for row in rows), first()]


def draft() -> PolicyDraft | None:
    """What is being written."""
    return PolicyDraft.objects.select_related("saved_by").order_by("-pk").first()


def waiting() -> PolicyVersion | None:
    """The version that waits for a meeting's decision."""
    return PolicyVersion.objects.filter(state=PolicyVersion.State.SENT).order_by("-number").first()


def review_due_at(*, installed_at: datetime, every: timedelta) -> datetime:
    """When the policy has to be reviewed again: ``every`` after the last decision about it, or after the beginning (P-25)."""
    decided = PolicyVersion.objects.exclude(decided_at=None).order_by("-decided_at").values_list("decided_at", flat=True).first()
    return (decided or installed_at) + every

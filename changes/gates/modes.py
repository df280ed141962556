"""Whether the deploy gate of a repository and environment lets doubts pass, and until when.

It is closed unless two people opened it, each allowed to decide on waivers (chair or compliance manager): a gate that lets
doubts pass sets the policy aside for a time, which is theirs to decide and not an administrator's, who connects systems
and has no hand in decisions. One person closes it at once.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, Q, QuerySet
from django.db.models.functions import Coalesce

from changes.delivery.models import Repository
from changes.gates.models import GateMode, GateModeConfirmation
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.alone import in_turn
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

CONFIRM_WITHIN = timedelta(hours=72)
GATED = ("staging", "production")
Mode = GateMode.Mode


def open_until(*, repository: Repository, environment: str, at: datetime) -> datetime | None:
    """Until when the gate lets doubts pass; None when it is closed."""
    newest = in_force(at=at).filter(repository=repository, environment=environment).first()
    return newest.until if newest is not None and newest.mode == Mode.OPEN and newest.until and newest.until > at else None


def in_force(*, at: datetime) -> QuerySet[GateMode]:
    """Rows that count, the newest first: closings at once, openings from their second yes (``since``)."""
    since = Coalesce("confirmation__at", "at", output_field=DateTimeField())
    counting = GateMode.objects.filter(Q(mode=Mode.CLOSED) | Q(confirmation__isnull=False))
    return counting.annotate(since=since).filter(since__lte=at).order_by("-since", "-id")


def waiting(*, at: datetime) -> QuerySet[GateMode]:
    """Openings that wait for a second person."""
    found = GateMode.objects.filter(mode=Mode.OPEN, confirmation=None, at__gt=at - CONFIRM_WITHIN, until__gt=at)
    return found.select_related("repository", "by").order_by("at", "id")


@transaction.atomic
def ask_to_open(
    *,
    repository: Repository,
    environment: str,
    until: datetime,
    reason: str,
    by: User,
    at: datetime,
    parameters: Parameters | None = None,
) -> GateMode:
    """First half of opening a gate for doubts. Another person confirms it within 72 hours."""
    _check_may(by, at)
    if environment not in GATED:
        raise _refused("Only staging and production are gated.")
    longest = (parameters or parameters_at(at)).gate_open_at_most
    if not at < until <= at + longest:
        raise _refused(f"A gate is open for at most {longest.days} days.", "Choose an earlier end.")
    row = GateMode(repository=repository, environment=environment, mode=Mode.OPEN, until=until, reason=_said(reason), by=by, at=at)
    row.digest = mode_digest(row)
    row.save()
    _tell("gate.opening_asked", row, by, [row])
    return row


@transaction.atomic
def confirm_open(*, gate_mode: GateMode, digest: str, by: User, at: datetime) -> GateModeConfirmation:
    """Second half: another person confirms what ``digest`` stands for, and doubts pass from now on."""
    _check_may(by, at)
    in_turn(gate_mode)
    locked = GateMode.objects.get(pk=gate_mode.pk)
    if by.pk == locked.by_id:
        raise _refused("You asked for this yourself.", "Another person confirms it.")
    if not waiting(at=at).filter(pk=locked.pk).exists():
        raise Stale("This no longer waits for anybody: it was confirmed, or 72 hours have passed.")
    if digest != locked.digest or mode_digest(locked) != digest:
        raise Stale("This is not what you read.")
    row = GateModeConfirmation.objects.create(gate_mode=locked, by=by, at=at)
    _tell("gate.opened", locked, by, [row])
    return row


@transaction.atomic
def close(*, repository: Repository, environment: str, reason: str, by: User, at: datetime) -> GateMode:
    """Close a gate at once: what cannot be judged is denied again. Raises ``Stale`` when it is closed."""
    _check_may(by, at)
    if open_until(repository=repository, environment=environment, at=at) is None:
        raise Stale("This gate is closed already.")
    row = GateMode(repository=repository, environment=environment, mode=Mode.CLOSED, reason=_said(reason), by=by, at=at)
    row.digest = mode_digest(row)
    row.save()
    _tell("gate.closed", row, by, [row])
    return row


def mode_digest(row: GateMode) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits."""
    return digest_of(
        {
            "repository": row.repository.name,
            "environment": row.environment,
            "mode": str(row.mode),
            "until": row.until.isoformat() if row.until else None,
            "reason": row.reason,
            "by": row.by_id,
            "at": row.at.isoformat(),
        }
    )


def _tell(kind: str, row: GateMode, by: User, rows: list[GateMode] | list[GateModeConfirmation]) -> None:
    append(
        stream=f"gate:{row.repository.name}:{row.environment}",
        kind=kind,
        actor=actor_of(by),
        fact={
            "repository": row.repository.name,
            "environment": row.environment,
            "until": row.until.isoformat() if row.until else None,
            "reason": row.reason,
            "digest": row.digest,
            "by": by.name,
        },
        rows=rows,
    )
    ring("deploys")
    ring("inbox")


def _check_may(by: User, at: datetime) -> None:
    if not may_at(by, P.WAIVER_DECIDE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {P.WAIVER_DECIDE.sentence}, and an open gate is one.")


def _said(reason: str) -> str:
    if not reason.strip():
        raise _refused("A reason is missing.", "Say in a sentence why.")
    return reason.strip()


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.FOLLOWED, why, instead)

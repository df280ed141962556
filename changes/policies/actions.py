"""Write the next version of the policy, send it to a meeting, and bring its decision into force. Evidence beside each step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from changes.policies import policy
from changes.policies.queries import FIRST, draft, in_force, waiting
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.home.dropped import dropped_by, put_away
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.digest import digest_for
from portal.policy.document import WrongDocument, check
from portal.policy.models import PolicyDraft, PolicyVersion
from portal.policy.plain import WrongParameter, parameters_from, plain
from portal.policy.refusal import Refused
from portal.ui.doorbell import ring

STREAM = "policy"
KIND = "policy"
"""What drafts of the policy are among the things that can be taken back."""
NUMBERS = 7202
"""Key of the advisory lock under which versions get their numbers."""


@transaction.atomic
def save_draft(
    *,
    text: str,
    parameters: Mapping[str, Any],
    summary: str,
    material: bool,
    seen: int,
    by: User,
    at: datetime,
) -> PolicyDraft:
    """Keep what is written. ``parameters`` are those that differ; ``seen`` is the draft's version that was edited (0: none yet).

    Raises ``Stale`` when somebody saved meanwhile, ``WrongParameter`` for a value that is none. The text may be unfinished.
    """
    _check_drafter(by, at)
    parameters_from(parameters, version="draft", base=in_force(at=at).parameters)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    row = draft()
    policy.check_saved(seen=seen, version=row.version if row else 0)
    row = row or PolicyDraft(version=0, based_on=in_force(at=at).number)
    row.text, row.parameters, row.summary, row.material = text.replace("\x00", ""), dict(parameters), summary.strip(), material
    row.version += 1
    row.saved_by, row.saved_at = by, at
    row.save()
    return row


@transaction.atomic
def drop_draft(*, seen: int, by: User, at: datetime) -> None:
    """Leave the draft. Nothing of it was in force or evidence; whoever dropped it can take it back for a day."""
    _check_drafter(by, at)
    row = draft()
    if row is not None:
        policy.check_saved(seen=seen, version=row.version)
        kept = {"text": row.text, "parameters": row.parameters, "summary": row.summary, "material": row.material}
        put_away(person=by, kind=KIND, content=kept, at=at)
        row.delete()


@transaction.atomic
def take_draft_back(*, by: User, at: datetime) -> PolicyDraft | None:
    """The draft that this person dropped within a day; None when there is none.

    Raises ``Stale`` when another was begun meanwhile, ``WrongParameter`` when a parameter of it is none any more.
    """
    dropped = dropped_by(person=by, kind=KIND, at=at)
    if dropped is None:
        return None
    row = save_draft(**dropped.content, seen=0, by=by, at=at)
    dropped.delete()
    return row


@transaction.atomic
def send(*, effective_at: datetime, seen: int, by: User, at: datetime) -> PolicyVersion:
    """Fix the draft as a version, which the next meeting decides on. It begins at ``effective_at`` when it is adopted."""
    _check_drafter(by, at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    row = draft()
    if row is None:
        raise Refused(Clause.POLICY_REVIEWED, "There is no draft.", "Write one first.")
    policy.check_saved(seen=seen, version=row.version)
    present = in_force(at=at)
    try:
        check(row.text)
        wanted = plain(parameters_from(row.parameters, version="draft", base=present.parameters))
    except (WrongDocument, WrongParameter) as problem:
        raise Refused(Clause.POLICY_REVIEWED, str(problem), "Mend it, then send it.") from problem
    other = waiting()
    policy.check_sendable(
        waiting=str(other) if other else "",
        summary=row.summary,
        differs=row.text.strip() != present.text.strip() or wanted != present.plain,
        effective_at=effective_at,
        at=at,
    )
    number = max(FIRST, PolicyVersion.objects.order_by("-number").values_list("number", flat=True).first() or FIRST) + 1
    version = PolicyVersion.objects.create(
        number=number,
        text=row.text,
        parameters=wanted,
        summary=row.summary,
        material=row.material,
        digest=digest_for(number=number, text=row.text, parameters=wanted),
        based_on=row.based_on,
        sent_by=by,
        sent_at=at,
        wanted_at=effective_at,
    )
    _tell("policy.sent", version, actor_of(by), {"by": by.name, "effective_at": effective_at.isoformat(), "at": at.isoformat()})
    row.delete()
    return version


@transaction.atomic
def adopt(*, version: PolicyVersion, decision: str, by: User, at: datetime) -> PolicyVersion:
    """A meeting decided for it: it is in force from its day, and at the earliest from now. Only a decision calls this (P-25)."""
    locked = _waiting(version)
    locked.state = PolicyVersion.State.ADOPTED
    locked.decision, locked.decided_at = decision, at
    locked.effective_at = max(at, locked.wanted_at or at)
    locked.save(update_fields=["state", "decision", "decided_at", "effective_at"])
    fact = {"decision": decision, "by": by.name, "effective_at": locked.effective_at.isoformat(), "at": at.isoformat()}
    _tell("policy.adopted", locked, actor_of(by), fact)
    return locked


@transaction.atomic
def reject(*, version: PolicyVersion, decision: str, by: User, at: datetime) -> PolicyVersion:
    """A meeting decided against it."""
    locked = _waiting(version)
    locked.state = PolicyVersion.State.REJECTED
    locked.decision, locked.decided_at = decision, at
    locked.save(update_fields=["state", "decision", "decided_at"])
    _tell("policy.rejected", locked, actor_of(by), {"decision": decision, "by": by.name, "at": at.isoformat()})
    return locked


@transaction.atomic
def withdraw(*, version: PolicyVersion, by: User, at: datetime) -> PolicyVersion:
    """Take a version back before the meeting decides; its text becomes the draft again when there is none."""
    _check_drafter(by, at)
    locked = _waiting(version)
    locked.state = PolicyVersion.State.WITHDRAWN
    locked.save(update_fields=["state"])
    _tell("policy.withdrawn", locked, actor_of(by), {"by": by.name, "at": at.isoformat()})
    if draft() is None:
        present = in_force(at=at)
        differing = {name: value for name, value in locked.parameters.items() if value != present.plain.get(name)}
        PolicyDraft.objects.create(
            text=locked.text,
            parameters=differing,
            summary=locked.summary,
            material=locked.material,
            based_on=present.number,
            saved_by=by,
            saved_at=at,
        )
    return locked


def _check_drafter(by: User, at: datetime) -> None:
    if not may_at(by, P.POLICY_DRAFT, at=at):
        raise Refused(Clause.POLICY_REVIEWED, f"{by.name} may not draft the policy.", "Ask the architecture team or compliance.")


def _waiting(version: PolicyVersion) -> PolicyVersion:
    locked = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    policy.check_waiting(state=locked.state, name=str(locked))
    return locked


def _tell(kind: str, version: PolicyVersion, actor: str, fact: Mapping[str, Any]) -> None:
    append(
        stream=STREAM,
        kind=kind,
        actor=actor,
        fact={"version": version.number, "digest": version.digest, "summary": version.summary, **fact},
        rows=[version],
    )
    ring("policy")

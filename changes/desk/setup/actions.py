"""Leave a system out of the set-up, and take it up again. The words go into the ledger: auditors ask why nothing was read."""

from datetime import datetime

from django.db import transaction

from changes.desk.setup.models import LeftOut
from changes.desk.setup.systems import BY_CODE
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from portal.ui.doorbell import ring


@transaction.atomic
def leave_out(*, system: str, reason: str, by: User, at: datetime) -> LeftOut:
    """Say that this organisation does not use ``system``. Raises ``Refused`` without a reason, and for Git."""
    known = BY_CODE.get(system)
    if known is None or not known.without:
        raise Refused(Clause.FOLLOWED, "Without Git there is nothing to prove.", "Connect GitHub, Gitea, Forgejo or GitLab.")
    words = reason.strip()
    if not words:
        raise Refused(Clause.FOLLOWED, f"Nobody will know why {known.title} is missing.", "Say what you use instead.")
    kept, _ = LeftOut.objects.update_or_create(system=system, defaults={"reason": words[:500], "by": by, "at": at})
    _note("left_out", by, at, system=system, reason=kept.reason)
    return kept


@transaction.atomic
def take_up(*, system: str, by: User, at: datetime) -> None:
    """It is used after all. Doing it twice is no error."""
    gone, _ = LeftOut.objects.filter(system=system).delete()
    if gone:
        _note("taken_up", by, at, system=system)


def _note(word: str, by: User, at: datetime, **fact: str) -> None:
    append(stream="setup", kind=f"setup.{word}", actor=actor_of(by), fact={**fact, "at": at.isoformat()}, rows=[])
    ring("integrations")

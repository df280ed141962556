"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from portal.access.importing.tasks import work_on_imports
from portal.access.invitations import deliver_invitation
from portal.access.roster.tasks import end_due_access
from portal.ledger.tasks import check_guards, seal, verify, verify_asked
from portal.outbox.tasks import deliver_outbox, sweep_outbox
from portal.runtime.tasks import back_up, heartbeat

__all__ = [
    "back_up",
    "check_guards",
    "deliver_invitation",
    "deliver_outbox",
    "end_due_access",
    "heartbeat",
    "seal",
    "sweep_outbox",
    "verify",
    "verify_asked",
    "work_on_imports",
]

"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from portal.access.invitations import deliver_invitation
from portal.ledger.tasks import seal, verify
from portal.outbox.tasks import deliver_outbox, sweep_outbox
from portal.runtime.tasks import heartbeat

__all__ = ["deliver_invitation", "deliver_outbox", "heartbeat", "seal", "sweep_outbox", "verify"]

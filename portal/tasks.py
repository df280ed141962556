"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from portal.outbox.tasks import deliver_outbox, sweep_outbox

__all__ = ["deliver_outbox", "sweep_outbox"]

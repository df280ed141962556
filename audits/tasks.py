"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from audits.room.tasks import seal_read_log

__all__ = ["seal_read_log"]

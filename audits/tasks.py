"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from audits.controls.tasks import run_controls_daily
from audits.engagements.tasks import seal_read_log

__all__ = ["run_controls_daily", "seal_read_log"]

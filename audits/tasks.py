"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from audits.controls.tasks import run_controls_daily, run_controls_for_engagements
from audits.engagements.tasks import seal_read_log
from audits.jobs.tasks import do_jobs
from audits.packs.tasks import build_packs

__all__ = ["build_packs", "do_jobs", "run_controls_daily", "run_controls_for_engagements", "seal_read_log"]

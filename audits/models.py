"""Index: Django looks for models here. Each feature's models are imported by name."""

from audits.controls.models import ControlRun
from audits.engagements.models import Engagement, ReadLog

__all__ = ["ControlRun", "Engagement", "ReadLog"]

"""Index: Django looks for models here. Each feature's models are imported by name."""

from audits.room.models import Engagement, ReadLog

__all__ = ["Engagement", "ReadLog"]

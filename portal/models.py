"""Index: Django looks for models here. Each feature's models are imported by name."""

from portal.access.models import User

__all__ = ["User"]

"""Index: every deed by its name. Modules that register deeds are imported here."""

from changes.desk.demo.year import meeting_deeds, rare_deeds
from changes.desk.demo.year.deeds import DEEDS

__all__ = ["DEEDS", "meeting_deeds", "rare_deeds"]

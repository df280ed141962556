"""What every test stands on."""

from tests.database import flush_lifts_guards

__all__ = ["flush_lifts_guards"]

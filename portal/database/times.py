"""Moments as PostgreSQL writes them, read by Python's own reader of ISO 8601.

Psycopg's, which Django gives another zone afterwards, takes ten times as long, and a page or a batch reads hundreds of them.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import DataError
from psycopg.adapt import AdaptersMap


class UtcLoader(BaseTzLoader):  # type: ignore[misc]  # the stubs do not know it
    """Reads ``timestamptz``, in whatever zone the connection writes it. What Python has no word for is psycopg's to refuse."""

    timezone = UTC
    """Django compares it with the zone of the connection."""

    def load(self, data: Any) -> datetime:
        """The moment, in UTC. Raises ``DataError`` where Python has none."""
        try:
            value = datetime.fromisoformat(str(data, "ascii"))
            return value if value.tzinfo is UTC else value.astimezone(UTC)
        except OverflowError:
            raise DataError(f"this moment is in no year that Python knows in UTC: {str(data, 'ascii')}") from None
        except ValueError:
            refused: datetime = super().load(data)
            return refused


def reading_quickly(context: AdaptersMap) -> AdaptersMap:
    """The same adapters with this reader of moments."""
    found = AdaptersMap(context)
    found.register_loader("timestamptz", UtcLoader)
    return found

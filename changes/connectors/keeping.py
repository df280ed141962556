"""Values that a connector keeps about its source between two runs, among the source's settings."""

from typing import Any

from django.db import transaction

from changes.connectors.models import Source


@transaction.atomic
def keep(*, source: Source, **values: Any) -> None:
    """Set these values among the source's settings, and leave what somebody else sets meanwhile."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    source.settings = row.settings = {**row.settings, **values}
    row.save(update_fields=["settings"])

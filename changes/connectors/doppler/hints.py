"""Configs that a delivery has named and that wait to be read again."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from changes.connectors.models import Source


@transaction.atomic
def hint(*, source: Source, path: str, at: datetime) -> None:
    """Let the next run read this config first."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    row.settings = {**row.settings, "hints": {**row.settings.get("hints", {}), path: at.isoformat()}}
    row.save(update_fields=["settings"])


@transaction.atomic
def taken(*, source: Source, hints: Mapping[str, str]) -> None:
    """These were read; one that was named again meanwhile stays."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    left = {path: at for path, at in row.settings.get("hints", {}).items() if hints.get(path) != at}
    source.settings = row.settings = {**row.settings, "hints": left}
    row.save(update_fields=["settings"])

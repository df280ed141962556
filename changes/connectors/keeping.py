"""What a connector remembers of its source between two runs."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from changes.connectors.asking import Allowance
from changes.connectors.models import Source


@transaction.atomic
def keep(*, source: Source, **values: Any) -> None:
    """Set these values among the source's settings, and leave what somebody else sets meanwhile."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    source.settings = row.settings = {**row.settings, **values}
    row.save(update_fields=["settings"])


def note_rate(*, source: Source, allowance: Allowance, at: datetime) -> None:
    """Show on the source what the vendor says is left, and from when on there is more."""
    if allowance.left is None:
        return
    resets_at = at + timedelta(seconds=allowance.resets_in or 0.0)
    Source.objects.filter(pk=source.pk).update(rate_remaining=allowance.left, rate_resets_at=resets_at)

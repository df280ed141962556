"""Reads the words of changes again after facts about its pull requests or releases came in; the rest triggers do."""

from collections.abc import Iterable

from django.db import connection

from changes.proposals.models import Change


def reread(*, changes: Iterable[Change]) -> None:
    """Bring what the search knows of these changes up to date. One statement; nothing is written where nothing differs."""
    keys = [change.pk for change in changes]
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT changes_search_refresh(%s)", [keys])

"""Reads the words of a change again after facts about its pull requests or releases came in; the rest triggers do."""

from django.db import connection

from changes.proposals.models import Change


def reread(*, change: Change) -> None:
    """Bring what the search knows of this change up to date. One statement; nothing is written when nothing differs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT changes_search_refresh(%s)", [[change.pk]])

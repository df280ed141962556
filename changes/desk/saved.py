"""Saved views and the columns that somebody chose: what is done to them, and what a list has to know of them.

A convenience of one person: no evidence, no entry in the ledger. Times are arguments, as everywhere.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from changes.desk.models import ColumnChoice, SavedView
from portal.access.models import User

MOST = 50
"""Views of one person."""
LONGEST_QUERY = 2000
TAKEN_BACK_WITHIN = timedelta(days=1)
FURNITURE = """
SELECT (SELECT json_agg(json_build_object('name', v.name, 'key', v.key, 'query', v.query, 'is_default', v.is_default)
                        ORDER BY v.name)
        FROM changes_savedview v WHERE v.person_id = %(person)s AND v.deleted_at IS NULL)::text,
       (SELECT c.columns FROM changes_columnchoice c WHERE c.person_id = %(person)s),
       ARRAY(SELECT r.name FROM changes_repository r WHERE r.in_scope_until IS NULL ORDER BY r.name)
"""


@dataclass(frozen=True)
class Furniture:
    """What stands around the list of one person."""

    views: tuple[Mapping[str, Any], ...]
    """Name, key, query and is_default of each, by name."""
    columns: str
    """The columns chosen last; empty when none were."""
    repositories: tuple[str, ...]
    """Names of the repositories in scope of the portal."""

    @property
    def default_query(self) -> str:
        """What the list without any address shows this person; empty for everything."""
        return next((str(view["query"]) for view in self.views if view["is_default"]), "")


def furniture_of(person: User) -> Furniture:
    """Views, columns and the names to choose from. One query, for every list that is drawn: written by hand, since building it
    anew took longer than asking it."""
    with connection.cursor() as cursor:
        cursor.execute(FURNITURE, {"person": person.pk})
        views, columns, repositories = cursor.fetchone() or ("", "", [])
    return Furniture(tuple(json.loads(views or "[]")), columns or "", tuple(repositories))


@transaction.atomic
def save_view(*, person: User, name: str, query: str, default: bool, at: datetime) -> SavedView:
    """Keep a list under a name. Raises ``ValidationError`` when the name is taken or there are too many."""
    _lock(person)
    mine = SavedView.objects.filter(person=person, deleted_at=None)
    if mine.count() >= MOST:
        raise ValidationError(f"You have {MOST} views, which is the most. Delete one first.")
    _check_name(person, name)
    if len(query) > LONGEST_QUERY:
        raise ValidationError("That list is asked for in too many words to be kept. Shorten the search.")
    if default:
        mine.filter(is_default=True).update(is_default=False)
    return SavedView.objects.create(
        person=person, key=secrets.token_urlsafe(9), name=name, query=query, is_default=default, made_at=at
    )


@transaction.atomic
def rename_view(*, view: SavedView, name: str) -> None:
    """Give a view another name; its link stays. Raises ``ValidationError`` when the name is taken."""
    _lock(view.person)
    _check_name(view.person, name, but=view)
    SavedView.objects.filter(pk=view.pk).update(name=name)


@transaction.atomic
def choose_default(*, view: SavedView, default: bool) -> None:
    """Let the list begin with this view, or with everything again."""
    _lock(view.person)
    SavedView.objects.filter(person=view.person, is_default=True).exclude(pk=view.pk).update(is_default=False)
    SavedView.objects.filter(pk=view.pk).update(is_default=default)


@transaction.atomic
def delete_view(*, view: SavedView, at: datetime) -> None:
    """Delete a view. It can be taken back for a day; older ones of the person go for good."""
    SavedView.objects.filter(person=view.person, deleted_at__lt=at - TAKEN_BACK_WITHIN).delete()
    SavedView.objects.filter(pk=view.pk).update(deleted_at=at, is_default=False)


@transaction.atomic
def restore_view(*, view: SavedView) -> None:
    """Take a deletion back. Raises ``ValidationError`` when its name is taken or there are too many by now."""
    _lock(view.person)
    if SavedView.objects.filter(person=view.person, deleted_at=None).count() >= MOST:
        raise ValidationError(f"You have {MOST} views, which is the most. Delete one first.")
    _check_name(view.person, view.name, but=view)
    SavedView.objects.filter(pk=view.pk).update(deleted_at=None)


def remember_columns(*, person: User, columns: str) -> None:
    """Show these columns wherever the address names none."""
    ColumnChoice.objects.update_or_create(person=person, defaults={"columns": columns})


def _lock(person: User) -> None:
    """One at a time for each person, so that counts and names hold."""
    User.objects.select_for_update().only("pk").get(pk=person.pk)


def _check_name(person: User, name: str, *, but: SavedView | None = None) -> None:
    taken = SavedView.objects.filter(person=person, name=name, deleted_at=None)
    if (taken.exclude(pk=but.pk) if but else taken).exists():
        raise ValidationError(f"You have a view called “{name}” already.")

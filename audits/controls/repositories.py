"""The repositories that a window is about."""

from django.db.models import Q, QuerySet

from audits.controls.result import Window
from changes.delivery.models import Repository
from portal.access.scope import Scope


def repositories_in(window: Window, scope: Scope) -> QuerySet[Repository]:
    """Those that were in scope at some moment of the window, by name."""
    rows = Repository.objects.filter(in_scope_from__lt=window.until).order_by("name")
    rows = rows.filter(Q(in_scope_until=None) | Q(in_scope_until__gt=window.since))
    return rows if scope.repositories is None else rows.filter(name__in=sorted(scope.repositories))

"""What was in scope, from when until when, and what rules take out of the register, each with its reason."""

from django.db.models import Q

from changes.completeness.facts import Exclusion, InScope
from changes.completeness.window import Window
from changes.connectors.in_scope import in_scope as of_systems
from changes.delivery.branch_names import decided
from changes.delivery.models import Repository
from changes.exceptions.models import NoiseRule
from changes.inventory.models import Asset

COUNTED = ("fly.app", "doppler.config", "cloudflare.zone")
"""Kinds of assets that are a scope of their own."""


def in_scope(*, window: Window) -> tuple[InScope, ...]:
    """Repositories, and the apps, configs and zones that readings have shown; those that overlap the window."""
    rows = Repository.objects.filter(in_scope_from__lt=window.until).filter(
        Q(in_scope_until=None) | Q(in_scope_until__gt=window.since)
    )
    if window.repositories is not None:
        rows = rows.filter(name__in=window.repositories)
    found = [InScope("repository", row.name, row.in_scope_from, row.in_scope_until, _why(row)) for row in rows.order_by("name")]
    return (*found, *(_assets(window) if window.repositories is None else ()))


def _why(row: Repository) -> str:
    parts = ["Put in scope when it was connected." if row.in_scope_until is None else "Taken out of scope.", row.trouble]
    if row.former_names:
        parts.append(f"Before: {', '.join(row.former_names)}.")
    parts += [f"The branch {one['was']} is called {one['name']}." for one in decided(repository=row)]
    return " ".join(filter(None, parts))


def _assets(window: Window) -> tuple[InScope, ...]:
    rows = Asset.objects.filter(kind__in=COUNTED, first_seen_at__lt=window.until)
    rows = of_systems(rows.filter(Q(gone_at=None) | Q(gone_at__gt=window.since)), window.scope).order_by("kind", "name", "id")
    return tuple(InScope(row.kind, row.name, row.first_seen_at, row.gone_at, _seen(row)) for row in rows)


def _seen(row: Asset) -> str:
    words = f"First shown by {row.source} then" + (f"; {row.environment}." if row.environment else ".")
    return words + (" A complete reading no longer shows it." if row.gone_at else "")


def exclusions_of(*, window: Window) -> tuple[Exclusion, ...]:
    """Rules that filter exceptions as noise and were in force in the window."""
    rows = NoiseRule.objects.filter(made_at__lt=window.until, until__gt=window.since).select_related("made_by")
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=window.since))
    return tuple(
        Exclusion(row.kind, f"{row.field} like {row.pattern}", row.reason, row.made_by.name, row.made_at, row.ended_at or row.until)
        for row in rows.order_by("made_at", "id")
    )

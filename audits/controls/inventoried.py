"""The checks of what is read at the vendors: drift, environments, the monthly reconciliation. Pure reading.

A case of drift stays a deviation of its window, however it was answered: what was accepted until a date did differ.
"""

from datetime import timedelta

from django.db.models import Q, QuerySet

from audits.controls.result import Deviation, Result, Window
from changes.drift.facts import AGAINST_GIT, Rule
from changes.drift.models import Compared, DriftCase
from changes.inventory.models import Reconciliation, SourceReading
from changes.inventory.reconciling import DAYS_TO_SIGN, end_of_month, first_of

MONTH = timedelta(days=31)


def machines_as_in_git(window: Window) -> Result:
    """P-07: apps at Fly, against those that differed from their file in the window, and those that cannot be compared."""
    rows = _compared(window, Compared.With.GIT)
    blind = [Deviation(row.subject, f"It could not be compared. {row.problem}", "") for row in rows.exclude(problem="")]
    return Result(rows.count(), (*_drift(window, *AGAINST_GIT), *blind))


def staging_mirrors_production(window: Window) -> Result:
    """P-10: pairs of apps, against those that differed in more than scale."""
    return Result(_compared(window, Compared.With.PRODUCTION).count(), _drift(window, Rule.PARITY))


def secrets_from_doppler(window: Window) -> Result:
    """P-13: apps whose configuration in Doppler is known, against those whose names of secrets were others."""
    return Result(_compared(window, Compared.With.DOPPLER).count(), _drift(window, Rule.SECRETS))


def environments_apart(window: Window) -> Result:
    """P-15: apps with an environment, against things that were in two."""
    return Result(_compared(window, Compared.With.ENVIRONMENTS).count(), _drift(window, Rule.SEPARATION))


def inventory_reconciled(window: Window) -> Result:
    """P-23: months that ended in the window, against those whose numbers do not agree, and those not signed in time."""
    first = SourceReading.objects.order_by("day").values_list("day", flat=True).first()
    signed = {row.month: row for row in Reconciliation.objects.filter(signed_at__lt=window.until)}
    month, population = first_of(max(first, window.since.date())) if first else None, 0
    found: list[Deviation] = []
    while month is not None and (end := end_of_month(month)) < window.until:
        if end >= window.since:
            population += 1
            row, name = signed.get(month), f"{month:%B %Y}"
            if row is not None and row.differing:
                found.append(Deviation(name, f"{row.differing} of its numbers do not agree. {row.note}", ""))
            if (row.signed_at if row else window.until) > end + DAYS_TO_SIGN:
                found.append(Deviation(name, "It was signed late." if row else "It is not signed.", ""))
        month = first_of(month + MONTH)
    return Result(population, tuple(found))


def _compared(window: Window, beside: str) -> QuerySet[Compared]:
    return Compared.objects.filter(beside=beside, first_at__lt=window.until, at__gte=window.since).order_by("subject")


def _drift(window: Window, *rules: Rule) -> tuple[Deviation, ...]:
    """Cases that were live at some moment of the window."""
    rows = DriftCase.objects.filter(Q(closed_at=None) | Q(closed_at__gte=window.since), rule__in=rules, opened_at__lt=window.until)
    return tuple(Deviation(str(row), "; ".join(row.words), f"drift:{row.pk}") for row in rows.order_by("opened_at", "pk"))

"""What is read at the vendors: drift, environments, the monthly reconciliation (P-07, P-10, P-13, P-15, P-23).

A case of drift stays a deviation of its window, however it was answered: what was accepted until a date did differ.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q

from audits.controls.result import Flat, Row, RowState, Window, deviating, judged, when
from audits.controls.rows import reader
from changes.drift.facts import AGAINST_GIT, Rule
from changes.drift.models import Compared, DriftCase
from changes.inventory.models import Reconciliation, SourceReading
from changes.inventory.reconciling import DAYS_TO_SIGN, end_of_month, first_of
from portal.access.scope import Scope

MONTH = timedelta(days=31)
AT_ONCE = 500


@reader
def machines_as_in_git(window: Window, scope: Scope) -> Iterator[Row]:
    """P-07: apps at Fly; one that differed from its file in the window deviates, one that cannot be compared is unknown."""
    return _compared(window, Compared.With.GIT, *AGAINST_GIT)


@reader
def staging_mirrors_production(window: Window, scope: Scope) -> Iterator[Row]:
    """P-10: pairs of apps; one that differed in more than scale deviates."""
    return _compared(window, Compared.With.PRODUCTION, Rule.PARITY)


@reader
def secrets_from_doppler(window: Window, scope: Scope) -> Iterator[Row]:
    """P-13: apps whose configuration in Doppler is known; one whose names of secrets were others deviates."""
    return _compared(window, Compared.With.DOPPLER, Rule.SECRETS)


@reader
def environments_apart(window: Window, scope: Scope) -> Iterator[Row]:
    """P-15: apps with an environment, and things that were in two, which deviate."""
    return _compared(window, Compared.With.ENVIRONMENTS, Rule.SEPARATION)


def _compared(window: Window, beside: str, *rules: Rule) -> Iterator[Row]:
    """What was compared in the window, with the cases live at some moment of it; cases of nothing compared stand by themselves."""
    live = DriftCase.objects.filter(Q(closed_at=None) | Q(closed_at__gte=window.since), rule__in=rules, opened_at__lt=window.until)
    cases: dict[tuple[str, str], list[DriftCase]] = {}
    for case in live.order_by("opened_at", "pk"):
        cases.setdefault((case.source, case.subject), []).append(case)
    rows = Compared.objects.filter(beside=beside, first_at__lt=window.until, at__gte=window.since).order_by("source", "subject")
    for row in rows.iterator(chunk_size=AT_ONCE):
        mine = cases.pop((row.source, row.subject), [])
        facts: dict[str, Flat] = {"compared_with": row.basis, "first_at": when(row.first_at), "cases": len(mine)}
        key = f"{row.source} {row.subject}"
        if row.problem and not mine:
            yield Row(key, RowState.UNKNOWN, f"It could not be compared. {row.problem}", facts)
            continue
        yield judged(key, map(_words, mine), facts=facts, ref=f"drift:{mine[0].pk}" if mine else "")
    for case in (case for group in cases.values() for case in group):
        facts = {"rule": case.rule, "opened_at": when(case.opened_at)}
        yield deviating(f"drift {case.pk} {case.key}", _words(case), facts=facts, ref=f"drift:{case.pk}")


def _words(case: DriftCase) -> str:
    return f"{case.get_rule_display()}: {'; '.join(case.words).rstrip('.')}."


@reader
def inventory_reconciled(window: Window, scope: Scope) -> Iterator[Row]:
    """P-23: months whose ten days to sign ended in the window; one whose numbers do not agree, or not signed in time, deviates."""
    first = SourceReading.objects.order_by("day").values_list("day", flat=True).first()
    if first is None:
        return
    signed = {row.month: row for row in Reconciliation.objects.filter(signed_at__lt=window.until)}
    month = first_of(max(first, (window.since - MONTH - DAYS_TO_SIGN).date()))
    while (due := end_of_month(month) + DAYS_TO_SIGN) < window.until:
        if due >= window.since:
            row = signed.get(month)
            facts: dict[str, Flat] = {"due_at": when(due), "signed_at": when(row.signed_at) if row else None}
            facts |= {"differing": row.differing if row else None, "digest": row.digest if row else None}
            yield judged(f"{month:%Y-%m}", _against(row, late=row is not None and row.signed_at > due), facts=facts)
        month = first_of(month + MONTH)


def _against(row: Reconciliation | None, *, late: bool) -> Iterator[str]:
    if row is None:
        yield "It is not signed."
        return
    if row.differing:
        yield f"{row.differing} of its numbers do not agree. {row.note}".strip()
    if late:
        yield "It was signed late."

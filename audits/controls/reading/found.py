"""Exceptions of a window by what they are about, so that a member of a population finds its own, and none is lost."""

from collections.abc import Collection, Iterator

from audits.controls.result import Row, Window, deviating, when
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from portal.access.scope import Scope
from portal.policy.clauses import Clause


def kinds_of(*clauses: Clause) -> set[str]:
    """The kinds of exceptions that break one of these clauses."""
    return {kind.code for kind in KINDS.values() if kind.clause in clauses}


def about(record: ExceptionRecord) -> str:
    """What an exception is about, from its key: a pull request, a push, an edit of a rule, a release."""
    if record.key.startswith("release:"):
        return ":".join(record.key.split(":")[:2])
    return record.key.removesuffix(record.kind).rstrip(":")


class Found:
    """The exceptions of some kinds that happened in a window. One that later evidence cleared is none."""

    def __init__(self, window: Window, scope: Scope, kinds: Collection[str]) -> None:
        rows = ExceptionRecord.objects.filter(kind__in=sorted(kinds)).exclude(state=ExceptionState.CLEARED)
        rows = rows.filter(happened_at__gte=window.since, happened_at__lt=window.until).select_related("repository")
        if scope.repositories is not None:
            rows = rows.filter(repository__name__in=sorted(scope.repositories))
        self._left: dict[str, list[ExceptionRecord]] = {}
        for row in rows.defer("evidence").order_by("happened_at", "pk"):
            self._left.setdefault(about(row), []).append(row)

    def take(self, name: str) -> list[ExceptionRecord]:
        """Those about this one. Each is given out once."""
        return self._left.pop(name, [])

    def rest(self, *, kinds: Collection[str] | None = None) -> Iterator[Row]:
        """A row for each that nobody took: what deviates without being in the list that was gone through."""
        for records in self._left.values():
            for record in records:
                if kinds is None or record.kind in kinds:
                    yield row_about(record)


def ref_to(records: list[ExceptionRecord], otherwise: str = "") -> str:
    """The first of these, or where else the member can be read."""
    return f"exception:{records[0].pk}" if records else otherwise


def row_about(record: ExceptionRecord) -> Row:
    """An exception as a row of its own."""
    return deviating(
        f"exception:{record.key}",
        record.sentence,
        facts={"kind": record.kind, "subject": record.subject, "at": when(record.happened_at), "answer": record.state},
        ref=f"exception:{record.pk}",
        repository=record.repository.name if record.repository else "",
    )

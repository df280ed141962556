"""What guards the branches, and whether Git is read (P-08, P-16)."""

from collections.abc import Iterator

from audits.controls.reading.found import Found, kinds_of, ref_to
from audits.controls.repositories import repositories_in
from audits.controls.result import Row, Window, judged, when
from audits.controls.rows import reader
from audits.controls.unread import why_git_unread
from changes.delivery.models import Push
from changes.delivery.rule_models import RuleEvent
from changes.exceptions.detect import push_key
from portal.access.scope import Scope
from portal.policy.clauses import Clause

AT_ONCE = 500


@reader
def branches_restricted(window: Window, scope: Scope) -> Iterator[Row]:
    """P-08: pushes to main and prod, and edits of their rules; what rewrote, deleted or weakened a restricted branch deviates."""
    found = Found(window, scope, kinds_of(Clause.PROD_RESTRICTED))
    yield from _pushes(window, scope, found)
    yield from _edits(window, scope, found)
    yield from found.rest()


def _pushes(window: Window, scope: Scope, found: Found) -> Iterator[Row]:
    rows = Push.objects.filter(pushed_at__gte=window.since, pushed_at__lt=window.until).select_related("repository")
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    for row in rows.defer("commits").order_by("pushed_at", "pk").iterator(chunk_size=AT_ONCE):
        records = found.take(push_key(repository=row.repository, branch=row.branch, sha=row.after))
        yield judged(
            f"{row.repository.name} push {row.branch} {row.before[:12]}..{row.after[:12]} {when(row.pushed_at)}",
            (record.sentence for record in records),
            facts={
                "branch": row.branch,
                "before": row.before,
                "after": row.after,
                "at": when(row.pushed_at),
                "by": row.pusher_login,
                "forced": row.forced,
                "deleted": row.deleted,
            },
            ref=ref_to(records),
            repository=row.repository.name,
        )


def _edits(window: Window, scope: Scope, found: Found) -> Iterator[Row]:
    rows = RuleEvent.objects.filter(happened_at__gte=window.since, happened_at__lt=window.until)
    rows = rows.exclude(kind=RuleEvent.Kind.MEMBER).select_related("repository")
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    for row in rows.defer("detail").order_by("happened_at", "pk").iterator(chunk_size=AT_ONCE):
        records = found.take(f"{row.repository.key}:rule:{row.delivery_key}")
        yield judged(
            f"{row.repository.name} rule {row.delivery_key}",
            (record.sentence for record in records),
            facts={
                "kind": row.kind,
                "action": row.action,
                "subject": row.subject,
                "at": when(row.happened_at),
                "by": row.actor_login,
                "weakens": row.weakens,
            },
            ref=ref_to(records),
            repository=row.repository.name,
        )


@reader
def repositories_mirrored(window: Window, scope: Scope) -> Iterator[Row]:
    """P-16: repositories that were in scope within the window; one whose Git was not read deviates."""
    for row in repositories_in(window, scope):
        unread = why_git_unread(row, window)
        facts = {"forge": row.forge, "in_scope_from": when(row.in_scope_from), "in_scope_until": when(row.in_scope_until)}
        yield judged(row.name, [unread] if unread else [], facts=facts, ref=f"repository:{row.name}", repository=row.name)

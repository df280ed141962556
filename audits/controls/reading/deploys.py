"""What went out: releases of merged commits, apps whose commit is known, and the log of production changes (P-06, P-12, P-14)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Min, Q, QuerySet

from audits.controls.reading.found import Found, kinds_of, ref_to
from audits.controls.result import Flat, Row, RowState, Window, judged, when
from audits.controls.rows import reader
from changes.delivery.models import BranchCommit, Environment, PullRequest, Release
from changes.desk.source_states import source_states
from changes.exceptions.edits import about_edits
from changes.inventory.models import Asset, VendorEvent
from portal.access.scope import Scope
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at

AT_ONCE = 500
APP = "fly.app"


def releases(window: Window, scope: Scope, *environments: str) -> QuerySet[Release]:
    """Releases to these environments that began in the window, oldest first. One of no known repository is in every scope."""
    rows = Release.objects.filter(environment__in=environments, created_at__gte=window.since, created_at__lt=window.until)
    if scope.repositories is not None:
        rows = rows.filter(Q(repository=None) | Q(repository__name__in=sorted(scope.repositories)))
    return rows.select_related("repository").order_by("created_at", "pk")


def key_of(row: Release) -> str:
    """The name of a release for ever: the source's own id within its app."""
    return f"{row.source} {row.app or row.environment} {row.vendor_id}"


def _facts(row: Release) -> dict[str, Flat]:
    return {
        "environment": row.environment,
        "release": str(row),
        "commit": row.commit_sha,
        "image": row.image,
        "by": row.actor,
        "state": row.state,
        "at": when(row.created_at),
    }


def _of_no_repository(row: Release) -> str:
    return f"{row} belongs to no repository in scope."


def _name(row: Release) -> str:
    return row.repository.name if row.repository else ""


@reader
def releases_of_merged_commits(window: Window, scope: Scope) -> Iterator[Row]:
    """P-12: releases to staging and production; one of a commit that nobody merged, or of no repository in scope, deviates."""
    found = Found(window, scope, kinds_of(Clause.DEPLOYED_THROUGH_FLY))
    for row in releases(window, scope, Environment.STAGING, Environment.PRODUCTION).iterator(chunk_size=AT_ONCE):
        records = found.take(f"release:{row.pk}")
        words = [record.sentence for record in records]
        if row.repository is None:
            words.append(_of_no_repository(row))
        yield judged(key_of(row), words, facts=_facts(row), ref=ref_to(records, f"release:{row.pk}"), repository=_name(row))
    yield from found.rest()


@reader
def apps_in_git(window: Window, scope: Scope) -> Iterator[Row]:
    """P-06: apps that were at Fly in the window; one whose newest successful release by its end is of no known commit deviates."""
    apps = Asset.objects.filter(kind=APP, first_seen_at__lt=window.until)
    apps = apps.filter(Q(gone_at=None) | Q(gone_at__gte=window.since)).order_by("source", "external_id")
    for app in apps.iterator(chunk_size=AT_ONCE):
        done = Release.objects.filter(source=Release.Source.FLY, app=app.external_id, succeeded_at__lt=window.until)
        row = done.select_related("repository").order_by("-succeeded_at", "-pk").first()
        name = _name(row) if row is not None else ""
        if scope.repositories is not None and name and name not in scope.repositories:
            continue
        facts: dict[str, Flat] = {"app": app.external_id, "environment": app.environment, "first_seen_at": when(app.first_seen_at)}
        facts |= {"release": str(row) if row else None, "commit": row.commit_sha if row else None}
        why = _why_unknown(row)
        yield judged(f"{app.source} {app.external_id}", [why] if why else [], facts=facts, ref=f"asset:{app.pk}", repository=name)


def _why_unknown(row: Release | None) -> str:
    """Why what runs cannot be found in Git; empty when it can."""
    if row is None:
        return "No successful release of it is on record, so nobody knows which commit runs."
    if row.repository is None:
        return _of_no_repository(row)
    if not row.commit_sha:
        return f"{row} names no commit."
    at = row.repository
    merged = PullRequest.objects.filter(Q(merge_sha=row.commit_sha) | Q(head_sha=row.commit_sha), repository=at)
    known = BranchCommit.objects.filter(repository=at, sha=row.commit_sha).exists() or merged.filter(state="merged").exists()
    return "" if known else f"{row} is of commit {row.commit_sha[:7]}, which {at.name} does not have on main or prod."


@reader
def production_logged(window: Window, scope: Scope) -> Iterator[Row]:
    """P-14: releases to production and edits of production at Doppler and Cloudflare; one without a message in time deviates.

    Not asked about are what was there before Slack was connected, and what is not due yet at the end of the window.
    """
    since = min((state.connected_at for state in source_states() if state.kind == "slack"), default=None)
    within = parameters_at(window.until).log_within
    found = Found(window, scope, kinds_of(Clause.LOGGED))
    rows = releases(window, scope, Environment.PRODUCTION).exclude(state=Release.State.PENDING)
    for row in rows.annotate(posted_at=F("log__posted_at"), link=F("log__permalink")).iterator(chunk_size=AT_ONCE):
        began = row.succeeded_at or row.created_at
        if (judged_row := _logged(began, row.posted_at, since, within, window)) is not None:
            state, words = judged_row
            facts = _facts(row) | {"posted_at": when(row.posted_at), "message": row.link}
            yield Row(key_of(row), state, words, facts, f"release:{row.pk}", _name(row))
    yield from _edits_logged(window, scope, since, within)
    yield from found.rest()


def _logged(
    began: datetime, posted: datetime | None, since: datetime | None, within: timedelta, window: Window
) -> tuple[RowState, str] | None:
    """What becomes of one change of production; None when it is not asked about. Pure."""
    if since is None:
        return RowState.UNKNOWN, "Slack is not connected, so nobody knows whether it was logged."
    if began < since or (posted is None and began + within >= window.until):
        return None
    if posted is None:
        return RowState.DEVIATES, "No message in the channel of production changes is on record."
    late = posted > began + within
    return (RowState.DEVIATES, f"The message came at {posted:%Y-%m-%d %H:%M} UTC, too late.") if late else (RowState.PASSED, "")


def _edits_logged(window: Window, scope: Scope, since: datetime | None, within: timedelta) -> Iterator[Row]:
    """Edits at consoles: logged by the first message about the release, or the change, that they belong to."""
    rows = about_edits().filter(at__gte=window.since, at__lt=window.until).order_by("at", "pk")
    for row in rows.iterator(chunk_size=AT_ONCE):
        if not scope.covers_system(system=row.kind.partition(".")[0]):
            continue
        posted = _posted_for(row)
        if (judged_row := _logged(row.at, posted, since, within, window)) is not None:
            state, words = judged_row
            facts = edit_facts(row) | {"posted_at": when(posted)}
            yield Row(f"edit {row.source} {row.external_id}", state, words, facts, "")


def _posted_for(row: VendorEvent) -> datetime | None:
    """When the channel first told of the change that an edit belongs to, not before the edit."""
    logged = Release.objects.filter(
        Q(commit_sha=F("repository__pull_requests__merge_sha")) | Q(commit_sha=F("repository__pull_requests__head_sha")),
        ~Q(commit_sha=""),
        repository__pull_requests__links__change__edits__event=row,
        environment=Environment.PRODUCTION,
        log__posted_at__gte=row.at,
    )
    first: datetime | None = logged.aggregate(first=Min("log__posted_at"))["first"]
    return first


def edit_facts(row: VendorEvent) -> dict[str, Flat]:
    """An entry of a vendor's log as facts: names only, never a value."""
    return {
        "source": row.source,
        "action": row.action,
        "kind": row.kind,
        "thing": row.object_name or row.object_id,
        "by": row.actor_name or row.actor_id,
        "at": when(row.at),
    }


@reader
def cloudflare_edits_matched(window: Window, scope: Scope) -> Iterator[Row]:
    """P-24: edits of DNS and access in Cloudflare's own log, since it was connected; one that belongs to no change deviates."""
    connected = {state.name: state.connected_at for state in source_states()}
    found = Found(window, Scope(), kinds_of(Clause.CLOUDFLARE))
    rows: QuerySet[Any] = about_edits().filter(kind__startswith="cloudflare.", at__gte=window.since, at__lt=window.until)
    for row in rows.select_related("match__change").order_by("at", "pk").iterator(chunk_size=AT_ONCE):
        records, match = found.take(f"edit:{row.pk}"), getattr(row, "match", None)
        if match is None and not records and row.at < connected.get(row.source, row.at):
            continue
        facts = edit_facts(row) | {"change": str(match.change) if match else None, "because": match.reason if match else None}
        key = f"{row.source} {row.external_id}"
        if match is None and not records:
            yield Row(key, RowState.UNKNOWN, "Nobody has looked for its change yet.", facts)
            continue
        ref = ref_to(records, f"change:{match.change.number}" if match else "")
        yield judged(key, (record.sentence for record in records), facts=facts, ref=ref)
    yield from found.rest()

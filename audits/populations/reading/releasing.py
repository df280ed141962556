"""Releases to staging and production, and edits in the consoles of vendors."""

from collections import defaultdict
from collections.abc import Iterator
from functools import reduce
from itertools import chain
from operator import or_

from django.db.models import F, Func, Q, QuerySet, TextField, Value

from audits.controls.reading.found import about
from audits.populations.facts import IDS, NUMBER, TIME, Asked, Column, Kind, Row, ids, moment
from audits.populations.reading.changing import commits_of
from audits.populations.reading.pieces import pieces
from changes.delivery.models import Release
from changes.exceptions.edit_words import PREFIX, what
from changes.exceptions.edits import about_edits
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.inventory.models import VendorEvent
from changes.proposals.models import LinkedPullRequest

Place = tuple[int, str]
EDITED = ("doppler", "cloudflare")


def releases_in(asked: Asked) -> QuerySet[Release]:
    """Those that began in the window. One of no known repository is in every scope: nobody can say that it is outside."""
    rows = Release.objects.filter(created_at__gte=asked.since, created_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(Q(repository=None) | Q(repository__name__in=sorted(asked.scope.repositories)))
    return rows.select_related("repository", "log", "rolls_back").order_by("created_at", "id")


def read_releases(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    for piece in pieces(releases_in(asked).iterator(chunk_size=1000)):
        requests, changes = _linked(piece)
        found = _about(piece)
        for row in piece:
            place = (row.repository_id or 0, row.commit_sha)
            yield _release(row, requests.get(place, []), changes.get(place, []), found.get(f"release:{row.pk}", []))


def _linked(rows: list[Release]) -> tuple[dict[Place, list[str]], dict[Place, list[str]]]:
    """Pull requests and changes by repository and commit."""
    commits = {row.commit_sha for row in rows if row.commit_sha}
    carried = Q(pull_request__merge_sha__in=commits) | Q(pull_request__head_sha__in=commits)
    links = LinkedPullRequest.objects.filter(carried).exclude(role=LinkedPullRequest.Role.JOINED)
    links = links.select_related("change", "pull_request__repository").order_by("change__number", "pull_request__number")
    requests: dict[Place, list[str]] = defaultdict(list)
    changes: dict[Place, list[str]] = defaultdict(list)
    wanted = ("change__number", "pull_request__repository__name", "pull_request__number", "pull_request__merge_sha")
    for link in links.only(*wanted, "pull_request__head_sha", "pull_request__repository_id"):
        for commit in commits_of(link):
            requests[commit].append(str(link.pull_request))
            changes[commit].append(str(link.change))
    return requests, changes


def _about(rows: list[Release]) -> dict[str, list[str]]:
    """Exceptions by the release that they are about, as their keys name it."""
    number = Func(F("key"), Value(":"), Value(2), function="split_part", output_field=TextField())
    records = ExceptionRecord.objects.filter(key__startswith="release:").annotate(number=number)
    records = records.filter(number__in=[str(row.pk) for row in rows]).exclude(state=ExceptionState.CLEARED)
    found: dict[str, list[str]] = defaultdict(list)
    for record in records.only("key", "kind").order_by("id"):
        found[about(record)].append(f"EXC-{record.pk}")
    return found


def _release(row: Release, requests: list[str], changes: list[str], exceptions: list[str]) -> Row:
    return {
        "key": f"release-{row.pk}",
        "name": str(row),
        "environment": row.environment,
        "app": row.app,
        "version": row.version,
        "repository": row.repository.name if row.repository else "",
        "commit": row.commit_sha,
        "image": row.image,
        "actor": row.actor,
        "state": row.get_state_display(),
        "created_at": moment(row.created_at),
        "succeeded_at": moment(row.succeeded_at),
        "rolls_back": f"release-{row.rolls_back_id}" if row.rolls_back_id else "",
        "pull_requests": ids(requests),
        "changes": ids(changes),
        "message": row.log.permalink if hasattr(row, "log") else "",
        "logged_at": moment(row.log.posted_at) if hasattr(row, "log") else "",
        "exceptions": ids(exceptions),
        "outcome": "Of a known change" if changes else "Of no known change",
        "source": row.get_source_display(),
        "vendor_id": row.vendor_id,
    }


def edits_in(asked: Asked) -> QuerySet[VendorEvent]:
    """Edits of DNS, Access and production secrets that the vendors' own logs show in the window."""
    rows = about_edits().filter(at__gte=asked.since, at__lt=asked.until)
    rows = rows.filter(reduce(or_, (Q(kind__startswith=f"{system}.") for system in asked.systems if system in EDITED)))
    return rows.select_related("match__change").order_by("at", "id")


def read_edits(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    for piece in pieces(edits_in(asked).iterator(chunk_size=1000)):
        records = ExceptionRecord.objects.filter(key__in=[f"{PREFIX}{event.pk}" for event in piece])
        found = {record.key: record for record in records.only("key", "state")}
        for event in piece:
            yield _edit(event, found.get(f"{PREFIX}{event.pk}"))


def _edit(event: VendorEvent, record: ExceptionRecord | None) -> Row:
    matched = event.match if hasattr(event, "match") else None
    standing = record is not None and record.state != ExceptionState.CLEARED
    without = "Of no change: exception" if standing else "Not looked at"
    return {
        "key": f"{event.source}:{event.external_id}",
        "source": event.source,
        "at": moment(event.at),
        "actor": event.actor_name or event.actor_id,
        "action": event.action,
        "thing": event.object_name or event.object_id,
        "sentence": what(event),
        "environment": event.environment,
        "changes": str(matched.change) if matched else "",
        "reason": matched.reason if matched else "",
        "exceptions": f"EXC-{record.pk}" if record is not None and standing else "",
        "outcome": "Of a change" if matched else without,
        "read_at": moment(event.noted_at),
    }


RELEASES = Kind(
    code="releases",
    title="Releases",
    one="A version of an app, or a deployment of a commit, that began in the window, in any environment.",
    columns=(
        Column("key", "Release"),
        Column("name", "Name"),
        Column("environment", "Environment"),
        Column("app", "App"),
        Column("version", "Version", NUMBER),
        Column("repository", "Repository"),
        Column("commit", "Commit"),
        Column("image", "Image"),
        Column("actor", "By"),
        Column("state", "State"),
        Column("created_at", "Began", TIME),
        Column("succeeded_at", "Succeeded", TIME),
        Column("rolls_back", "Goes back to"),
        Column("pull_requests", "Pull requests", IDS),
        Column("changes", "Changes", IDS),
        Column("message", "Message in Slack"),
        Column("logged_at", "Logged", TIME),
        Column("exceptions", "Exceptions", IDS),
        Column("outcome", "Outcome"),
        Column("source", "Source"),
        Column("vendor_id", "Number at the source"),
    ),
    read=read_releases,
    count_sql="""
SELECT count(*) FROM changes_release e LEFT JOIN changes_repository r ON r.id = e.repository_id
WHERE e.created_at >= %(since)s AND e.created_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR r.id IS NULL OR r.name = ANY (%(repositories)s::text[]))
""",
    source="Fly releases and GitHub deployments",
    systems=("fly", "git"),
    filters=("environment", "app", "repository", "state", "outcome"),
    providers=("fly", "github"),
    shown=("name", "environment", "created_at", "commit", "changes", "logged_at", "outcome"),
)
KINDS_OF_EDITS = ", ".join(
    f"'cloudflare.{name}'"
    for name in chain(
        ("dns_record", "zone", "zones", "access", "access_app", "access_policy", "access_group"),
        ("access_organization", "service_token", "identity_provider"),
    )
)
EDITS = Kind(
    code="console_edits",
    title="Edits in consoles",
    one="An edit of DNS, Access or production secrets that the vendor's own log shows in the window.",
    columns=(
        Column("key", "Entry"),
        Column("source", "Source"),
        Column("at", "When", TIME),
        Column("actor", "By"),
        Column("action", "Action"),
        Column("thing", "What"),
        Column("sentence", "In words"),
        Column("environment", "Environment"),
        Column("changes", "Change", IDS),
        Column("reason", "Why it belongs there"),
        Column("exceptions", "Exception", IDS),
        Column("outcome", "Outcome"),
        Column("read_at", "Read", TIME),
    ),
    read=read_edits,
    count_sql=f"""
SELECT count(*) FROM changes_vendorevent v
WHERE v.at >= %(since)s AND v.at < %(until)s AND split_part(v.kind, '.', 1) = ANY (%(systems)s::text[])
  AND ((v.kind IN ({KINDS_OF_EDITS}) AND coalesce(v.detail ->> 'result', '') <> 'failure')
       OR (v.kind = 'doppler.config' AND v.environment = 'production'))
""",  # noqa: S608  (names of our own)
    source="Doppler's activity log and Cloudflare's audit log",
    systems=("doppler", "cloudflare"),
    filters=("source", "environment", "outcome"),
    providers=("doppler", "cloudflare"),
    wide="What is edited in a console belongs to no repository.",
    shown=("at", "source", "actor", "sentence", "changes", "outcome"),
)

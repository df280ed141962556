"""Changes for tests of lists and search: made by the actions, or by hundreds with as little as the database takes."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from changes.delivery.models import PullRequest, Release, Repository
from changes.proposals import actions
from changes.proposals.models import Approval, Change
from changes.proposals.searching.rereading import reread
from tests.database import cover, lifted

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def repository(name="acme/web"):
    return Repository.objects.get_or_create(name=name, defaults={"in_scope_from": AT})[0]


def made(title, *, by=None, repo="", at=AT, pull=None, **columns):
    """One change with a title, linked to a pull request where a repository is named. ``columns`` are written as they are."""
    texts = {"title": title, "why": "", "what": "", "tested": "", "rollback": "", "snapshot": "", **columns.pop("texts", {})}
    login = columns.pop("by_login", "")
    change = actions.open_change(texts=texts, source="form", at=at, by=by, by_login=login, actor="portal")
    if repo:
        row = pull_request(repository(repo), **(pull or {}))
        actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=at)
    if columns:
        for name, value in columns.items():
            setattr(change, name, value)
        change.save()
        cover(change)
    change.refresh_from_db()
    return change


def pull_request(where, number=None, **more):
    number = number or PullRequest.objects.count() + 1
    values = {"title": "x", "state": "open", "head_ref": "f", "head_sha": f"{number:040x}", "base_ref": "main", "touched_at": AT}
    return PullRequest.objects.create(repository=where, number=number, reported_at=AT, opened_at=AT, **{**values, **more})


def approved(change, *, by, verdict="yes"):
    row = Approval.objects.create(
        change=change, revision=change.revisions.get(), head_sha="a", by=by, verdict=verdict, authenticated_at=AT, at=AT
    )
    cover(row)
    return row


def released(change, environment):
    pull = change.links.get().pull_request
    release = Release.objects.create(
        repository=pull.repository,
        source="fly",
        vendor_id=f"{environment}-{pull.pk}",
        environment=environment,
        commit_sha=pull.head_sha,
        state="succeeded",
        created_at=AT,
        succeeded_at=AT,
        reported_at=AT,
    )
    reread(changes=[change])
    return release


def many(count, *, at=AT, every=timedelta(minutes=15), **columns):
    """So many changes at once, the newest last, without the entries that evidence needs."""
    first = (Change.objects.order_by("-number").values_list("number", flat=True).first() or 1000) + 1
    rows = [
        Change(
            number=first + index,
            title=f"Change the cache {index}",
            opened_at=at + every * index,
            moved_at=at + every * index,
            **columns,
        )
        for index in range(count)
    ]
    with lifted(connection, "changes_change"):
        found = Change.objects.bulk_create(rows)
        # PostgreSQL switches no triggers of a table on that has deferred checks waiting.
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        return found

"""Changes in production, built from rows: pull requests, releases, and what is known of them."""

from datetime import UTC, datetime, timedelta

from changes.delivery.models import PullRequest, Release, Repository
from changes.proposals import actions, submitting
from changes.proposals.models import Change

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def repository(name="acme/web"):
    return Repository.objects.get_or_create(name=name, defaults={"in_scope_from": AT, "forge": "github"})[0]


def sha(letter):
    return letter * 40


def pull(number, *, merge="", title="Work", body="", at=AT, repo="acme/web", base="prod", **more):
    """A pull request, merged as ``merge`` when that is given."""
    state = PullRequest.State.MERGED if merge else PullRequest.State.OPEN
    values = {
        "title": title,
        "body": body,
        "head_ref": f"branch-{number}",
        "base_ref": base,
        "head_sha": sha(str(number % 10)),
        "state": state,
        "merge_sha": sha(merge) if merge else "",
        "opened_at": at - HOUR,
        "merged_at": at if merge else None,
        "reported_at": at,
        "touched_at": at,
        "author_login": "ada",
        **more,
    }
    return PullRequest.objects.create(repository=repository(repo), number=number, **values)


def released(letter, version, *, at, app="web", environment="production", state="succeeded", **more):
    """A release of a commit by Fly."""
    more = {"repository": repository(), **more}
    good = state == "succeeded"
    return Release.objects.create(
        source=Release.Source.FLY,
        vendor_id=f"{app}-{version}",
        app=app,
        version=version,
        environment=environment,
        commit_sha=sha(letter),
        state=state,
        created_at=at,
        succeeded_at=at + timedelta(minutes=3) if good else None,
        reported_at=at,
        **more,
    )


def in_production(by, row, *, category="standard", at=AT):
    """A change of ``by`` whose pull request is ``row``, merged to production."""
    given = {"title": row.title, "why": "y", "rollback": "z", "category": category, "size": "normal"}
    change = submitting.submit(given=given, by=by, ready=True, at=at - 2 * HOUR)
    actions.link(change=change, pull_request=row, role="work", reason="for a test", actor="portal", at=at)
    actions.move(change=change, verb="merge", actor="portal", at=at)
    Change.objects.filter(pk=change.pk).update(merged_at=at, review_due_at=at + timedelta(days=7))
    change.refresh_from_db()
    return change

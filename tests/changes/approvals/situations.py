"""Situations in which somebody approves: a change with its pull request, as the form and the forge would leave it."""

from datetime import UTC, datetime

from changes.delivery.models import PullRequest, Release, Repository
from changes.proposals import actions, queries, submitting
from changes.proposals.approving import Seen
from portal.ledger.queries import entries_about

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
TEXTS = {"title": "Split the queue", "why": "slow", "what": "", "tested": "", "rollback": "redeploy", "snapshot": ""}


def proposed(ann, *, category="standard", ready=True, at=AT, title=""):
    """A change of ``ann`` in review, without a pull request yet."""
    given = {**TEXTS, "category": category, "size": "normal"} | ({"title": title} if title else {})
    return submitting.submit(given=given, by=ann, ready=ready, at=at)


def with_pull_request(change, *, number=1, at=AT, **more):
    """The change with one open pull request into main, whose head commit is ``number`` in forty digits."""
    repository, _ = Repository.objects.get_or_create(name="acme/web", defaults={"in_scope_from": at, "approved_by": "portal"})
    values = {
        "title": "x",
        "state": "open",
        "head_ref": "f",
        "head_sha": f"{number:040x}",
        "base_ref": "main",
        "reported_at": at,
        "touched_at": at,
        "opened_at": at,
    }
    row = PullRequest.objects.create(repository=repository, number=number, **{**values, **more})
    actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=at)
    return row


def staged(pull, *, at=AT):
    """The head of the pull request succeeds in staging."""
    return Release.objects.create(
        repository=pull.repository,
        source="github",
        vendor_id=f"s{pull.pk}",
        environment="staging",
        commit_sha=pull.head_sha,
        state="succeeded",
        created_at=at,
        succeeded_at=at,
        reported_at=at,
    )


def waiting_change(ann, *, number=1, at=AT, author=(None, ""), **more):
    """A change in review with one open pull request, by ``author`` (account number and login)."""
    change = proposed(ann, at=at, **more)
    with_pull_request(change, number=number, at=at, author_uid=author[0], author_login=author[1])
    return change


def kinds(change):
    """What the ledger says about the change, oldest first."""
    return [entry.kind for entry in reversed(entries_about(stream=f"change:{change.number}"))]


def approve(change, by, verdict="yes", **more):
    """The word of ``by`` after a sign-in just now."""
    return actions.approve(change=change, by=by, **{"verdict": verdict, "note": "", "at": AT, "authenticated_at": AT, **more})


def seen(change):
    """What the page of the change shows now."""
    return Seen(queries.current_revision(change).binds, queries.head_for_production(change))

"""Emergencies as people and the forge make them."""

from datetime import UTC, datetime, timedelta

from changes.delivery.models import PullRequest, Repository
from changes.emergencies import actions
from changes.emergencies.models import Emergency
from changes.gates.actions import reassess
from changes.proposals.models import Change
from changes.proposals.refreshing import refresh
from portal.outbox.models import Effect
from tests.changes.approvals.situations import with_pull_request

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
"""A Monday."""
BROKEN = "The checkout answers 500\nsince the release of 09:40."
WORDS = {"broken": BROKEN, "fix": "Switch the new basket off.", "undo": "Switch it on again."}


def declared(by, *, asked=None, via=Emergency.Via.FORM, key="form:1", at=AT, **words):
    """An emergency declared by ``by``."""
    given = actions.Declared(**{**WORDS, **words}, asked=asked)
    return actions.declare(given=given, by=by, via=via, key=key, at=at)


def plus_one(emergency, by, *, at=AT + timedelta(minutes=1), via="portal", signed_in=None):
    """A +1 by ``by``, freshly signed in."""
    change = Change.objects.get(pk=emergency.change_id)
    return actions.plus_one(change=change, by=by, via=via, authenticated_at=signed_in or at, at=at)


def gate(change, number=8):
    """State of one gate as kept for pages."""
    present = Change.objects.get(pk=change.pk)
    return next(gate["state"] for gate in present.assessment["gates"] if gate["number"] == number)


def hotfix(change, *, number=44, author=(None, "ann"), at=AT):
    """An open pull request into prod that carries the fix."""
    return with_pull_request(change, number=number, base_ref="prod", author_uid=author[0], author_login=author[1], at=at)


def merged(change, pull, *, at):
    """The pull request is merged to prod; the change follows."""
    PullRequest.objects.filter(pk=pull.pk).update(
        state="merged", merged_at=at, merge_sha=f"{pull.number + 1000:040x}", merged_by_login="bob", touched_at=at
    )
    present = Change.objects.get(pk=change.pk)
    refresh(change=present, at=at)
    reassess(change=Change.objects.get(pk=change.pk), at=at)
    return Change.objects.get(pk=change.pk)


def web(**more):
    """The repository."""
    return Repository.objects.get_or_create(name="acme/web", defaults={"in_scope_from": AT - timedelta(days=9), **more})[0]


def said():
    """What Slack was asked to say: key and text, in order."""
    rows = Effect.objects.filter(kind="slack.message").order_by("id")
    return [(row.key, row.payload["text"]) for row in rows]

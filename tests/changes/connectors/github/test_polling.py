"""What a poll learns beside pull requests: the activity of branches, where the forge keeps it."""

from datetime import timedelta

import pytest

from changes.connectors.models import Source
from changes.connectors.polling import poll_due
from changes.delivery.models import Push, Repository
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said

__all__ = ["connect", "scripted"]
pytestmark = pytest.mark.django_db
REPO = "/repos/northwind/web"
ENTRY = {
    "id": 1,
    "before": made.BEFORE,
    "after": made.MERGE,
    "ref": "refs/heads/main",
    "timestamp": "2026-02-10T11:00:00Z",
    "activity_type": "pr_merge",
    "actor": made.SENDER,
}


def polled(connect, activity):
    connect(
        {
            f"GET {REPO}": Said(made.REPOSITORY),
            f"GET {REPO}/pulls": Said([]),
            f"GET {REPO}/deployments": Said([]),
            f"GET {REPO}/activity": activity,
        }
    )
    Repository.objects.create(name="northwind/web", in_scope_from=NOW - timedelta(days=1))
    assert poll_due(now=lambda: NOW) == 1
    return Repository.objects.get()


def test_a_push_whose_delivery_was_lost_is_learned(connect):
    repository = polled(connect, Said([ENTRY]))

    push = Push.objects.get()
    assert (push.before, push.after, push.pusher_login, push.confirmed_at) == (made.BEFORE, made.MERGE, "bob-northwind", NOW)
    assert repository.polled_at == NOW


def test_a_forge_that_keeps_no_such_list_is_read_all_the_same(connect):
    repository = polled(connect, Said({"message": "Not Found"}, 404))

    assert repository.polled_at == NOW
    assert Source.objects.get().failures == 0


def test_a_forge_that_may_not_show_it_says_so(connect):
    polled_at = None
    connect(
        {
            f"GET {REPO}": Said(made.REPOSITORY),
            f"GET {REPO}/pulls": Said([]),
            f"GET {REPO}/deployments": Said([]),
            f"GET {REPO}/activity": Said({}, 403),
        }
    )
    Repository.objects.create(name="northwind/web", in_scope_from=NOW)

    poll_due(now=lambda: NOW)

    assert Repository.objects.get().polled_at == polled_at
    assert Source.objects.get().failures == 1


def test_a_turn_in_which_nothing_is_due_says_nothing_of_how_the_source_stands(connect):
    polled(connect, Said([]))
    Source.objects.update(failures=2, last_error="GET /repos: not JSON")

    assert poll_due(now=lambda: NOW + timedelta(seconds=1)) == 0

    assert Source.objects.values_list("failures", "last_error").get() == (2, "GET /repos: not JSON")


def test_a_poll_vouches_for_no_moment_after_it_began(connect):
    """The first repository was read before the last one: what came to it meanwhile comes with the next poll."""
    moments = iter(NOW + timedelta(minutes=minute) for minute in range(100))
    connect(
        {
            f"GET {REPO}": Said(made.REPOSITORY),
            f"GET {REPO}/pulls": Said([]),
            f"GET {REPO}/deployments": Said([]),
            f"GET {REPO}/activity": Said([]),
        }
    )
    Repository.objects.create(name="northwind/web", in_scope_from=NOW - timedelta(days=1))
    assert poll_due(now=lambda: next(moments)) == 1

    assert Source.objects.values_list("covered_until", flat=True).get() < Repository.objects.get().polled_at

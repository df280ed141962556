"""What a poll learns beside pull requests: the activity of branches, where the forge keeps it."""

from datetime import timedelta

import pytest

from changes.connectors.models import Source
from changes.connectors.polling import poll_due
from changes.delivery.models import PullRequest, Push, Repository
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


API = "/repos/northwind/api"
GOOD, ODD = made.pull_request(number=1), made.pull_request(number=2, title=None)


def forge_says(forge, pulls):
    """What the first repository's list holds from now on."""
    forge.script[f"GET {REPO}/pulls"] = pulls if isinstance(pulls, Said) else Said(pulls)


def two_repositories(connect, **more):
    """Of the first one, which is asked first, something is odd; nothing is wrong with the second."""
    other = {"id": 98, "name": "api", "full_name": "northwind/api", "owner": made.REPOSITORY["owner"]}
    script = {}
    for path, told, pulls in ((REPO, made.REPOSITORY, [ODD, GOOD]), (API, other, [GOOD])):
        script |= {f"GET {path}": Said(told), f"GET {path}/pulls": Said(pulls)}
        script |= {f"GET {path}/deployments": Said([]), f"GET {path}/activity": Said([])}
    _, forge = connect(script | more)
    since = {"in_scope_from": NOW - timedelta(days=1), "poll_cursor": NOW - timedelta(days=1)}
    rows = [Repository.objects.create(name=name, **since) for name in ("northwind/web", "northwind/api")]
    return forge, *rows


def test_an_odd_pull_request_hides_neither_the_others_nor_other_repositories(connect):
    """A list with one entry that cannot be used is read all the same; that is said, and it is asked for again."""
    forge, web, api = two_repositories(connect)

    assert poll_due(now=lambda: NOW) == 2

    assert list(PullRequest.objects.values_list("repository__name", "number").order_by("repository")) == [
        ("northwind/web", 1),
        ("northwind/api", 1),
    ]
    web.refresh_from_db()
    api.refresh_from_db()
    assert (web.polled_at, api.polled_at) == (None, NOW)
    source = Source.objects.get()
    words = "northwind/web: The forge's answer cannot be used: pull_request.title is missing or unusable"
    assert (source.failures, source.last_error, source.covered_until, source.not_before) == (1, words, None, None)

    assert poll_due(now=lambda: NOW + timedelta(seconds=15)) == 0, "it is asked again after a minute, not in every turn"
    forge_says(forge, [GOOD])
    assert poll_due(now=lambda: NOW + timedelta(minutes=1)) == 2
    source.refresh_from_db()
    assert (source.failures, source.last_error, source.covered_until) == (0, "", NOW + timedelta(minutes=1))


def test_what_is_forbidden_of_one_repository_hides_no_other_one_and_a_refused_token_ends_the_turn(connect):
    forge, *_ = two_repositories(connect, **{f"GET {REPO}/activity": Said({}, 403)})

    assert poll_due(now=lambda: NOW) == 2
    assert PullRequest.objects.filter(repository__name="northwind/api").exists()

    PullRequest.objects.all().delete()
    Repository.objects.update(polled_at=None)
    forge_says(forge, Said({}, 401))
    assert poll_due(now=lambda: NOW + timedelta(minutes=2)) == 0
    assert not PullRequest.objects.exists()
    assert Source.objects.get().not_before == NOW + timedelta(minutes=3)


def test_pushes_and_deployments_that_cannot_be_used_are_named_beside_the_others(connect):
    two_repositories(connect, **{f"GET {REPO}/pulls": Said([]), f"GET {REPO}/activity": Said([{**ENTRY, "after": None}, ENTRY])})

    poll_due(now=lambda: NOW)

    assert Push.objects.get().after == made.MERGE
    assert Source.objects.get().last_error.endswith("activity.after is missing or unusable")

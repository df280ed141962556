"""Limits, ETags and links: how the API is asked politely, and what is kept of it."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.errors import AddressRefused, Forbidden, Invalid, Passing
from changes.connectors.github import answers, api
from changes.connectors.github.api import next_of
from changes.connectors.models import Source, StoredAnswer
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW
from tests.changes.connectors.github.forge import Asked, Said

PR = "/repos/northwind/web/pulls/31"
RESET = NOW + timedelta(minutes=20)


def quota(left: int, *, reset: datetime = RESET, **more: str) -> dict[str, str]:
    return {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(int(reset.timestamp())), **more}


def row(github) -> Source:
    return Source.objects.get(pk=github.source.pk)


def test_the_quota_is_kept_at_the_source(connect) -> None:
    github, _ = connect({f"GET {PR}": Said(made.pull_request(), headers=quota(4321))})

    github.bare_pull_request(number=31)

    assert (row(github).rate_remaining, row(github).rate_resets_at, row(github).not_before) == (4321, RESET, None)


def test_small_changes_of_the_quota_are_not_written(connect) -> None:
    steps = [Said(made.pull_request(), headers=quota(left)) for left in (4000, 3990, 3900)]
    github, _ = connect({f"GET {PR}": steps})

    seen = []
    for _ in steps:
        github.bare_pull_request(number=31)
        seen.append(row(github).rate_remaining)

    assert seen == [4000, 4000, 3900]


def test_another_resource_does_not_count(connect) -> None:
    headers = quota(0, **{"X-RateLimit-Resource": "search"})
    github, _ = connect({f"GET {PR}": Said(made.pull_request(), headers=headers)})

    github.bare_pull_request(number=31)

    assert (row(github).rate_remaining, row(github).not_before) == (None, None)


def test_the_last_request_of_the_hour_stops_the_next_before_it_is_sent(connect) -> None:
    github, forge = connect({f"GET {PR}": Said(made.pull_request(), headers=quota(0))})

    github.bare_pull_request(number=31)
    with pytest.raises(Passing, match="asked us to wait") as caught:
        github.bare_pull_request(number=31)

    assert caught.value.retry_after == 1200.0
    assert row(github).not_before == RESET
    assert len(forge.asked) == 1


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "message", "failures", "wait"),
    [
        (quota(0), "API rate limit exceeded", 0, 1200.0),
        (quota(0, reset=NOW - timedelta(minutes=1)), "API rate limit exceeded", 0, 1.0),
        ({"Retry-After": "7"}, "You have exceeded a secondary rate limit", 0, 7.0),
        ({"Retry-After": "0"}, "You have exceeded a secondary rate limit", 0, 1.0),
        (quota(0, **{"Retry-After": "7"}), "both", 0, 7.0),
        (quota(4000), "You have exceeded a secondary rate limit", 0, 60.0),
        ({}, "You have exceeded a secondary rate limit", 2, 240.0),
        ({}, "You have triggered an abuse detection mechanism", 99, 3600.0),
    ],
)
def test_a_limit_says_how_long_to_wait(connect, status, headers, message, failures, wait) -> None:
    github, _ = connect({f"GET {PR}": Said({"message": message}, status, headers)}, failures=failures)

    with pytest.raises(Passing) as caught:
        github.bare_pull_request(number=31)

    assert caught.value.retry_after == wait
    assert row(github).not_before == max(NOW + timedelta(seconds=wait), row(github).not_before)


def test_429_is_always_a_limit_and_403_only_when_it_says_so(connect) -> None:
    github, forge = connect({f"GET {PR}": Said({"message": "Slow down"}, 429)})
    with pytest.raises(Passing):
        github.bare_pull_request(number=31)

    forge.script[f"GET {PR}"] = Said({"message": "Must have admin rights"}, 403, quota(4000))
    github.source.not_before = None
    with pytest.raises(Forbidden):
        github.bare_pull_request(number=31)


def test_an_earlier_rest_never_replaces_a_later_one(connect) -> None:
    later = NOW + timedelta(hours=2)
    github, _ = connect({f"GET {PR}": Said({"message": "x"}, 429, {"Retry-After": "5"})})
    github.source.not_before = NOW
    Source.objects.filter(pk=github.source.pk).update(not_before=later)
    github.source.refresh_from_db()

    with pytest.raises(Passing) as caught:
        github.bare_pull_request(number=31)

    assert caught.value.retry_after == 7200.0
    assert row(github).not_before == later


def unchanged(asked: Asked) -> Said:
    if asked.headers.get("if-none-match") == '"v1"':
        return Said(None, 304, {"ETag": '"v1"'})
    return Said(made.pull_request(), headers={"ETag": '"v1"'})


def test_an_unchanged_answer_comes_from_the_store(connect) -> None:
    github, forge = connect({f"GET {PR}": unchanged})

    first, second = github.bare_pull_request(number=31), github.bare_pull_request(number=31)

    assert first == second
    assert [one.headers.get("if-none-match") for one in forge.asked] == [None, '"v1"']
    assert StoredAnswer.objects.count() == 1


def test_a_changed_answer_replaces_the_stored_one(connect) -> None:
    steps = [Said(made.pull_request(title=title), headers={"ETag": f'"{title}"'}) for title in ("one", "two")]
    github, forge = connect({f"GET {PR}": steps})

    assert [github.bare_pull_request(number=31).title for _ in steps] == ["one", "two"]
    assert forge.asked[1].headers["if-none-match"] == '"one"'
    assert StoredAnswer.objects.get().etag == '"two"'


def test_pages_come_from_the_store_with_their_links(connect) -> None:
    path = f"{PR}/files"

    def page(name: str, link: str):
        def answer(asked: Asked) -> Said:
            if asked.headers.get("if-none-match") == f'"{name}"':
                return Said(None, 304)
            return Said([{"filename": name}], headers={"ETag": f'"{name}"', "Link": link})

        return answer

    github, forge = connect({
        f"GET {path}?per_page=100": page("a", f'<{{url}}{path}?per_page=100&page=2>; rel="next", <{{url}}/x>; rel="last"'),
        f"GET {path}?per_page=100&page=2": page("b", f'<{{url}}{path}?per_page=100>; rel="prev"'),
    })  # fmt: skip

    assert github.pull_request_files(number=31) == github.pull_request_files(number=31) == ("a", "b")
    assert [one.headers.get("if-none-match") for one in forge.asked] == [None, None, '"a"', '"b"']


@pytest.mark.parametrize("headers", [{}, {"ETag": '"' + "x" * 200 + '"'}], ids=["no ETag", "a very long ETag"])
def test_an_answer_that_does_not_fit_is_not_kept(connect, headers) -> None:
    github, _ = connect({f"GET {PR}": Said(made.pull_request(), headers=headers)})

    assert github.bare_pull_request(number=31).number == 31
    assert StoredAnswer.objects.count() == 0


def test_old_answers_are_forgotten(connect) -> None:
    github, _ = connect({f"GET {PR}": unchanged})
    github.bare_pull_request(number=31)

    assert answers.forget(before=NOW) == 0
    assert answers.forget(before=NOW + timedelta(seconds=1)) == 1


def test_a_link_to_another_host_is_refused_and_gets_no_token(connect, scripted) -> None:
    other = scripted({"GET /steal": Said([])})
    github, _ = connect({f"GET {PR}/files": Said([], headers={"Link": f'<{other.url}/steal>; rel="next"'})})

    with pytest.raises(AddressRefused):
        github.pull_request_files(number=31)

    assert other.asked == []


def test_pages_in_a_circle_end(connect) -> None:
    here = f"{PR}/files"
    github, forge = connect({f"GET {here}": Said([{"filename": "a"}], headers={"Link": f'<{{url}}{here}?page=2>; rel="next"'})})

    with pytest.raises(Invalid, match="pages without an end"):
        github.pull_request_files(number=31)

    assert len(forge.asked) == 2


def test_pages_without_end_end(connect, monkeypatch) -> None:
    monkeypatch.setattr(api, "PAGES", 5)
    path = f"{PR}/files"

    def endless(asked: Asked) -> Said:
        number = int(asked.target.rpartition("=")[2]) + 1
        return Said([], headers={"Link": f'<{{url}}{path}?page={number}>; rel="next"'})

    github, forge = connect({f"GET {path}": endless})

    with pytest.raises(Invalid, match="pages without an end"):
        github.pull_request_files(number=31)

    assert len(forge.asked) == 6


def test_reading_ends_when_its_time_is_up_and_goes_on_later(connect, monkeypatch) -> None:
    github, forge = connect({f"GET {PR}": Said(made.pull_request())})
    github.bare_pull_request(number=31)
    monkeypatch.setattr(github.api, "_until", 0.0)

    with pytest.raises(Passing, match="took too long") as caught:
        github.bare_pull_request(number=31)

    assert caught.value.retry_after == 1.0
    assert len(forge.asked) == 1


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ('<https://x/a?page=2>; rel="next", <https://x/a?page=9>; rel="last"', "https://x/a?page=2"),
        ('<https://x/a?page=1>; rel="prev", <https://x/a?b=1,2>; rel="next"', "https://x/a?b=1,2"),
        ("<https://x/a>; rel=next", "https://x/a"),
        ('<https://x/a>; title="b"; rel="next"', "https://x/a"),
        ('<https://x/a>; rel="previous"', ""),
        ('<https://x/a?rel="next">; rel="prev"', ""),
        ("", ""),
        ("<<<>>>", ""),
        ("<" * 50_000, ""),
    ],
)
def test_the_next_page_is_read_from_the_link(link: str, following: str) -> None:
    assert next_of(link=link) == following


def test_the_reset_is_utc(connect) -> None:
    github, _ = connect({f"GET {PR}": Said(made.pull_request(), headers=quota(1) | {"X-RateLimit-Reset": "1770724800"})})

    github.bare_pull_request(number=31)

    assert row(github).rate_resets_at == datetime(2026, 2, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("reset", ["", "soon", "9" * 30, "-1"])
def test_a_reset_that_is_no_time_is_no_reset(connect, reset) -> None:
    github, _ = connect({f"GET {PR}": Said(made.pull_request(), headers=quota(0) | {"X-RateLimit-Reset": reset})})

    github.bare_pull_request(number=31)

    assert (row(github).rate_remaining, row(github).not_before) == (0, None)

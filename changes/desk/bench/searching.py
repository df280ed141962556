"""W2, the search box of the list: questions that find much, little and nothing, against the bare page of the same server."""

from collections.abc import Iterator

from changes.delivery.models import PullRequest
from changes.desk.bench import client, reader
from changes.desk.bench.figures import Line, median, ms, percentile
from changes.desk.bench.pages import BARE, get
from changes.proposals.models import Change

USUAL_MS, NUMBER_MS, WORST_MS = 25.0, 6.0, 100.0
"""Targets for a quiet machine: the median of any question, that of a number or commit, and the slowest question of all."""
NUMBERS = frozenset({"a change by its number", "a commit by its beginning"})


def measure(*, port: int, cookie: str, rounds: int, size: str) -> Iterator[Line]:
    """Each question in turn with the bare page; ``size`` is the number of changes in words."""
    paths = {name: f"/changes/?q={question}" for name, question in questions().items()}
    asked = {name: get(path, cookie) for name, path in {"bare": BARE, **paths}.items()}
    found = client.in_turn(port=port, requests=asked, rounds=rounds)
    bare = median(found["bare"])
    for name in paths:
        took = median(found[name])
        measured = f"p50 {ms(took)}, p95 {ms(percentile(found[name], 95))}, {took / bare:.1f} times the bare page"
        target = NUMBER_MS if name in NUMBERS else USUAL_MS
        yield Line(f"W2 search, {size}, {name}", measured, f"signed-in page p50 {ms(bare)}", took * 1000, "ms", target)
    slowest = max(paths, key=lambda name: median(found[name]))
    worst = median(found[slowest])
    yield Line(f"W2 search, {size}, slowest question", f"{slowest}: p50 {ms(worst)}", "", worst * 1000, "ms", WORST_MS)
    few, many = (reader.queries_of(paths[name], cookie) for name in ("a change by its number", "one word"))
    yield Line("W2 queries, 50 rows and 1 row", f"{many} queries for 50 rows", f"{few} for one row", many / few, target=1.0)


def questions() -> dict[str, str]:
    """What is asked, as the address has it, by what it stands for."""
    middle = Change.objects.order_by("-moved_at", "-id")[Change.objects.count() // 2]
    commit = PullRequest.objects.get(number=middle.number).head_sha
    return {
        "one word": "memory",
        "two common words": "memory+cache",
        "words that every change has": "people+staging",
        "words behind one another": "%22memory+of+cache%22",
        "a rare word": "pelican",
        "a rare and a common word": "pelican+memory",
        "nothing found": "zeppelin",
        "the beginning of a word": "memo",
        "person, state and kind": "author:developer+state:waiting+kind:database",
        "words and operators": "memory+is:emergency+-cache+repo:service-3",
        "operators that find nothing": "approver:bob+state:draft",
        "only what is left out": "-memory+-state:released",
        "words of a span": "memory+before:2020-01-01",
        "a change by its number": f"CHG-{middle.number}",
        "a pull request": f"%23{middle.number}",
        "a commit by its beginning": commit[:10],
    }

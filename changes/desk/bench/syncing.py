"""W6: the first reading of a repository with many pull requests, each with reviews and checks, over a line that takes 30 ms; then
the same poll again with nothing new.

The stand-in of GitHub is asked by the product's own poll. It enforces the published limits and counts what it refused; how long it
takes to make an answer comes on top of the 30 ms.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.timezone import now

from changes.connectors import polling
from changes.connectors.models import Source
from changes.delivery.models import Check, PullRequest, Repository, Review
from changes.desk.bench.figures import Line
from portal import vault
from portal.standins.github import GitHubStandIn
from portal.standins.times import stamp
from portal.standins.web import Answer, Request, Serving

REQUESTS, SECONDS, AGAIN = 400.0, 25.0, 3.0
LATENCY = 0.030
NAME = "northwind/first"
BACK = timedelta(days=80)
"""The pull requests changed within so many days: all of them are wanted by a first reading."""
REVIEWS, CHECKS = 2, 3
LONG_EACH, LONG_REVIEWS, LONG_CHECKS = 100, 40, 70
"""One pull request in so many has more reviews and checks than come with its page."""
PATIENCE = 600.0


class Line30:
    """A GitHub at the other end of a line, which counts what it is asked and what it refuses."""

    def __init__(self, github: GitHubStandIn) -> None:
        self.github = github
        self.asked: Counter[str] = Counter()
        self.refused = 0

    def answer(self, request: Request) -> Answer:
        """The stand-in's own answer, later."""
        time.sleep(LATENCY)
        answer = self.github.answer(request)
        self.asked["GraphQL" if request.path.endswith("/graphql") else "REST"] += 1
        self.asked["pulls"] += request.path.endswith("/pulls")
        self.refused += answer.status == 429 or (answer.status == 403 and b"rate limit" in answer.body)
        return answer


def measure(*, many: int, folder: Path, say: Callable[[str], None]) -> Iterator[Line]:
    """``many`` pull requests at a stand-in in ``folder``."""
    say(f"Filling a stand-in with {many:,} pull requests …")
    github = GitHubStandIn(folder / "first-github")
    _fill(github, many)
    line = Line30(github)
    serving = Serving(line.answer)
    github.url = serving.url
    serving.start()
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    others = list(Repository.objects.exclude(name=NAME).filter(forge="github", in_scope_until=None).values_list("pk", flat=True))
    try:
        yield from _measured(github, line, many)
    finally:
        Repository.objects.filter(pk__in=others).update(in_scope_until=None)  # the other workloads are about them
        serving.stop()
        github.close()


def _measured(github: GitHubStandIn, line: Line30, many: int) -> Iterator[Line]:
    source = _connected(github)
    began = time.perf_counter()
    repository = Repository.objects.get(name=NAME)
    while repository.poll_cursor is None and time.perf_counter() - began < PATIENCE:
        polling.POLLS["github"](source, now, at_once=True)
        repository.refresh_from_db()
    seconds = time.perf_counter() - began
    _complete(repository, many)
    points = github.api.graph.quota.spent()
    asked = line.asked["GraphQL"] + line.asked["REST"]
    graph = f"{line.asked['GraphQL']} GraphQL requests of {points:,} points"
    words = f"{seconds:.1f} s; {graph}, {line.asked['REST']} by REST; {line.refused} refused"
    yield Line(f"W6 first reading of {many:,} pull requests, {LATENCY * 1000:.0f} ms", words, "", seconds, "s", SECONDS)
    yield Line("W6 requests of the first reading", f"{asked}", "", float(asked), "requests", REQUESTS)
    yield Line("W6 refused for a limit (403, 429)", f"{line.refused}", "", float(line.refused), "refused", 0.0)
    yield _again(source, line)


def _again(source: Source, line: Line30) -> Line:
    """The next poll, with nothing new: pull requests, their reviews and checks; and all that a poll asks beside them."""
    line.asked.clear()
    source.refresh_from_db()
    began = time.perf_counter()
    polling.POLLS["github"](source, now, at_once=True)
    seconds = time.perf_counter() - began
    pulls = line.asked["pulls"] + line.asked["GraphQL"]
    words = f"{pulls} for the pull requests, {line.asked['REST'] - pulls} for all else that a poll looks at; {seconds:.2f} s"
    return Line("W6 requests of a second pass, nothing new", words, "", float(pulls), "requests", AGAIN)


def _connected(github: GitHubStandIn) -> Source:
    """Only this repository is in scope, read with an installation's token."""
    at = now()
    Repository.objects.exclude(name=NAME).filter(forge="github").update(in_scope_until=at)
    Repository.objects.update_or_create(name=NAME, defaults={"in_scope_from": at, "poll_cursor": None})
    values = {"kind": "github", "api_url": github.api_url, "token_encrypted": vault.seal(github.token()), "connected_at": at}
    source, _ = Source.objects.update_or_create(name="github", defaults=values)
    source.refresh_from_db()
    return source


def _complete(repository: Repository, many: int) -> None:
    """All of it is on record, confirmed."""
    long = many // LONG_EACH
    wanted = (many, (many - long) * REVIEWS + long * LONG_REVIEWS, (many - long) * CHECKS + long * LONG_CHECKS)
    pulls = PullRequest.objects.filter(repository=repository, confirmed_at__isnull=False)
    reviews = Review.objects.filter(pull_request__repository=repository, confirmed_at__isnull=False)
    checks = Check.objects.filter(repository=repository, confirmed_at__isnull=False)
    found = (pulls.count(), reviews.count(), checks.count())
    if found != wanted:
        raise RuntimeError(f"{found} pull requests, reviews and checks are on record, and there are {wanted}")


def _fill(github: GitHubStandIn, many: int) -> None:
    """Records as the stand-in keeps them, each with its files and commits listed: there is no Git behind them."""
    logins = ("ann", "bob", "cleo", "dev")
    for number, login in enumerate(logins):
        github.add_account(login=login, uid=9001 + number)
    github.create_repository(name=NAME, by="ann", files={"README.md": "first\n"})
    begins = datetime.now(UTC) - BACK
    for number in range(1, many + 1):
        at = stamp(begins + BACK * 0.99 * (number / many))
        _add(github, number, at, logins[number % 4], logins[(number + 1) % 4])


def _add(github: GitHubStandIn, number: int, at: str, author: str, reviewer: str) -> None:
    long, head = number % LONG_EACH == 0, f"{number:040x}"
    github.store.add("pull", place=NAME, subject=str(number), body=_pull(number, at, author, reviewer))
    for turn in range(LONG_REVIEWS if long else REVIEWS):
        state = "approved" if turn else "commented"
        review = {"user": reviewer, "state": state, "body": "", "commit": head, "submitted_at": at}
        github.store.add("review", place=NAME, subject=str(number), body=review)
    for turn in range(LONG_CHECKS if long else CHECKS):
        run = {"name": f"check {turn}", "head_sha": head, "app": "github-actions", "suite": number, "status": "completed"}
        run |= {"conclusion": "success", "external_id": "", "details_url": "", "output": {}, "started_at": at, "completed_at": at}
        github.store.add("check_run", place=NAME, subject=head, body=run)


def _pull(number: int, at: str, author: str, merger: str) -> dict[str, Any]:
    person = {"name": author.title(), "email": f"{author}@northwind.example", "date": at}
    git = {"author": person, "committer": person, "verification": {"verified": False}}
    shas = [f"{number * 10 + turn + (1 << 100):040x}" for turn in range(2)] + [f"{number:040x}"]
    commits = [
        {"sha": sha, "commit": {**git, "message": f"Step {turn}"}, "author": None, "committer": None, "parents": [{"sha": sha}]}
        for turn, sha in enumerate(shas)
    ]
    files = [{"path": f"app/{number % 50}/{turn}.py", "status": "modified", "additions": 9, "deletions": 2} for turn in range(5)]
    return {
        "number": number,
        "user": author,
        "state": "merged",
        "head_ref": f"work-{number}",
        "head_sha": shas[-1],
        "base_ref": "main",
        "base_sha": "1" * 40,
        "labels": [],
        "reviewers": [],
        "created_at": at,
        "updated_at": at,
        "closed_at": at,
        "merged_at": at,
        "merged_by": merger,
        "merge_commit_sha": f"{number + (1 << 120):040x}",
        "test_merge_sha": "",
        "title": f"Work {number}",
        "body": "Why and how, in some sentences. " * 16,
        "draft": False,
        "fork": "",
        "mergeable": True,
        "size": {"commits": 3, "additions": 45, "deletions": 10, "files": 5},
        "listed": {"files": files, "commits": commits},
    }

"""Asks the vendors what has changed: whatever a lost webhook would have said is found by the clock (P-02, P-26).

What a poll finds goes through the same door as a delivery, marked as confirmed. A source that cannot answer rests, and
its facts keep the mark of what they are: reported.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from django.db.models import F, Q

from changes.connectors import outages
from changes.connectors.asking import ask, ask_for_rules
from changes.connectors.cloudflare import sync as cloudflare
from changes.connectors.doppler import sync as doppler
from changes.connectors.doppler.access import BESIDE_THE_LOG
from changes.connectors.errors import NotFound, NotJson, Passing, Permanent, Unauthorised
from changes.connectors.fly.inventory import sync_inventory
from changes.connectors.fly.sync import sync_releases
from changes.connectors.forges import client_of
from changes.connectors.git.mirror import mirror_repository
from changes.connectors.github import audit_log, walking
from changes.connectors.github.assets import observe_repositories
from changes.connectors.github.client import GitHub
from changes.connectors.github.redelivery import send_again_due
from changes.connectors.github.rulebook import Rulebook
from changes.connectors.github.watching import watch_repository, watch_suites
from changes.connectors.models import Reading, Source, Walk
from changes.connectors.settling import touch
from changes.connectors.slack.watching import watch
from changes.connectors.strange import sound
from changes.connectors.untold import Untold
from changes.delivery import actions as record
from changes.delivery.models import PullRequest, Release, Repository
from changes.exceptions.edits import judge_edits

EVERY = timedelta(seconds=60)
OVERLAP = timedelta(minutes=5)
"""How far a poll reaches back behind the last one: clocks differ, and finding a thing twice changes nothing."""
FIRST = timedelta(days=90)
"""How far the first poll of a repository reaches back."""
FIRST_TURN = 25.0
"""Seconds of one turn for pages of first readings, of one repository or of several; the next poll goes on."""
FETCH = 240.0
"""Seconds for one fetch: the first one of a large repository takes minutes; below the time limit of its task."""
NEWEST = 50
"""New commits of one sweep whose pull requests are asked for by name; older ones come with the poll."""
RULES_EVERY = timedelta(minutes=10)
LOGGING = frozenset({"doppler", "cloudflare"})
"""Kinds whose own log is the population: without the right to read a part of it they are not covered."""
log = logging.getLogger(__name__)
Now = Callable[[], datetime]


class Poll(Protocol):
    """Reads a source if it is time, or in any case ``at_once``. Returns how many repositories or organisations were read."""

    def __call__(self, source: Source, now: Now, *, at_once: bool = False) -> int: ...


def poll_due(*, now: Now) -> int:
    """Poll every source that is due and may be asked. Returns how many repositories or organisations were read."""
    done = 0
    for source in Source.objects.filter(paused_at=None).order_by("id"):
        at = now()
        if source.readable and (source.not_before is None or source.not_before <= at):
            done += POLLS[source.kind](source, now)
    return done


def _read_lately(source: Source, at: datetime, *, within: timedelta = EVERY) -> bool:
    return source.last_good_read_at is not None and at - source.last_good_read_at < within


def _poll_forge(source: Source, now: Now, *, at_once: bool = False) -> int:
    due = Repository.objects.filter(forge=source.kind, in_scope_until=None)
    if not at_once:
        before = now() - EVERY
        due = due.filter(Q(polled_at=None) | Q(polled_at__lte=before), Q(poll_failed_at=None) | Q(poll_failed_at__lte=before))
    done = 0
    if not _asked(source, lambda: _send_again(source, now()), now, proves=False):
        return 0
    began, turn = now(), Turn(source)
    for repository in due.order_by("polled_at", "id"):
        first = _is_first(source, repository)
        if first and turn.is_over():
            continue
        if not _asked(source, partial(_poll_one, turn, repository, now()), now, proves=False):
            break
        turn.read_first, done = turn.read_first or first, done + 1
    else:
        _end(turn, done, began, now)
    if turn.problems:
        _failed(source, "; ".join(turn.problems), now(), rests=False)
    return done


@dataclass
class Turn:
    """One turn over the repositories of a forge: how long first readings may take, and what could not be read."""

    source: Source
    ends: float = field(default_factory=lambda: time.monotonic() + FIRST_TURN)
    read_first: bool = False
    left_out: int = 0
    problems: list[str] = field(default_factory=list)

    def is_over(self) -> bool:
        """Whether another first reading has to wait for the next turn; it is counted."""
        over = self.read_first and time.monotonic() > self.ends
        self.left_out += over
        return over

    def is_whole(self) -> bool:
        """Whether every repository was read to its end."""
        return not self.left_out and not self.problems


def _end(turn: Turn, done: int, began: datetime, now: Now) -> None:
    """No repository is left. What came to the first one while the last one was read, nobody has seen."""
    if done:
        observe_repositories(source=turn.source, at=now())
    if done and turn.is_whole() and not walking.under_way(source=turn.source):
        _covered(turn.source, began)


def _poll_one(turn: Turn, repository: Repository, at: datetime) -> None:
    """One repository. What cannot be read of it is noted and hides no other one; a token that is refused ends the turn."""
    try:
        sound(lambda: _poll_repository(turn.source, repository, at))
    except Unauthorised:
        raise
    except Permanent as problem:
        log.warning("%s cannot be read: %s", repository, problem)
        turn.problems.append(f"{repository.name}: {problem}")
        Repository.objects.filter(pk=repository.pk).update(poll_failed_at=at)
        return
    _good(turn.source, at)


def _is_first(source: Source, repository: Repository) -> bool:
    """Whether its first reading is not over."""
    return repository.poll_cursor is None and source.kind == "github"


def _covered(source: Source, at: datetime) -> None:
    """All of it was read, back to where the last poll had come: outages are over and filled. A log that is forbidden is not."""
    said = Source.objects.values_list("settings", flat=True).get(pk=source.pk).get("missing", [])
    missing = [part for part in said if part not in BESIDE_THE_LOG]
    if missing and source.kind in LOGGING:
        outages.failed(of=source, why=f"The token may not read: {', '.join(missing)}.", at=at)
        return
    outages.well(of=source, at=at)
    outages.filled(of=source, at=at)


def _send_again(source: Source, at: datetime) -> None:
    """GitHub alone has a log of deliveries that an API shows, and an audit log beside it for some organisations."""
    if source.kind == "github":
        send_again_due(source=source, at=at)
        audit_log.read_due(source=source, at=at)


def _asked(source: Source, question: Callable[[], object], now: Now, *, proves: bool = True, covers: bool = True) -> bool:
    """Ask; note how it went on the source. False when the source wants rest.

    A question that need not ask anything does not prove by its good end that the source can be read; one about a part of it
    does not cover the source.
    """
    at = now()
    try:
        sound(question)
    except Passing as problem:
        wait = problem.wait(failures=source.failures)
        Source.objects.filter(pk=source.pk).update(
            failures=F("failures") + 1, last_failed_read_at=at, last_error=str(problem)[:500], not_before=at + wait
        )
        outages.failed(of=source, why=str(problem), at=at)
        return False
    except Permanent as problem:
        log.warning("%s cannot be read: %s", source, problem)
        _failed(source, str(problem), at)
        return False
    if proves:
        _good(source, at)
    if proves and covers:
        _covered(source, at)
    return True


def _good(source: Source, at: datetime) -> None:
    Source.objects.filter(pk=source.pk).update(last_good_read_at=at, failures=0, last_error="")


def _failed(source: Source, why: str, at: datetime, *, rests: bool = True) -> None:
    """It could not be read, or a part of it; ``rests``: nothing there is asked for a minute."""
    rest = {"not_before": at + EVERY} if rests else {}
    Source.objects.filter(pk=source.pk).update(failures=F("failures") + 1, last_failed_read_at=at, last_error=why[:500], **rest)
    outages.failed(of=source, why=why, at=at)


def _poll_repository(source: Source, repository: Repository, at: datetime) -> None:
    client, trouble = client_of(source=source, repository_name=repository.name, at=at), repository.trouble
    if not watch_repository(client=client, repository=repository, at=at):
        Repository.objects.filter(pk=repository.pk).update(polled_at=at)
        return
    if trouble and Repository.objects.filter(pk=repository.pk).exclude(trouble=trouble).exists():
        _go_back(repository)  # it may have been away: nobody has seen what happened meanwhile
    client.repository_name = repository.name
    if _is_first(source, repository) and not _read_first(source, repository, at):
        return
    since = repository.poll_cursor - OVERLAP if repository.poll_cursor else at - FIRST
    newest = repository.poll_cursor
    moved = False
    untold = Untold(source=source, repository=repository, at=at)
    for fact in client.pull_requests_updated_since(since=since):
        known = PullRequest.objects.filter(repository=repository, number=fact.number).first()
        newest = max(filter(None, (newest, fact.vendor_updated_at)), default=None)
        if known is not None and known.confirmed_at is not None and known.vendor_updated_at == fact.vendor_updated_at:
            continue
        untold.look_at(fact=fact, known=known)
        record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
        ask(source=source, repository=repository, subject=f"pull_request:{fact.number}", at=at)
        moved = True
    moved = _poll_deployments(source, repository, client, since if repository.polled_at else at - FIRST, at) or moved
    moved = _poll_activity(repository, client, at) or moved
    untold.note()
    _poll_rules(source, repository, at)
    if moved:
        touch(repository=repository, at=at)
    if client.unusable:  # the place is not moved: it is asked for again until it can be used
        raise NotJson(_told(client.unusable))
    cursor = min(newest, at) if newest else None  # a clock of theirs that is ahead of ours must not hide what comes next
    Repository.objects.filter(pk=repository.pk).update(polled_at=at, poll_cursor=cursor)


def _told(unusable: Sequence[str]) -> str:
    return unusable[0] if len(unusable) == 1 else f"{unusable[0]} (and {len(unusable) - 1} more)"


def _read_first(source: Source, repository: Repository, at: datetime) -> bool:
    """The first reading, as far as this turn goes. Whether all of it is read now: the poll goes on from its newest."""
    first = Walk.Purpose.FIRST
    walk = walking.current(repository=repository, purpose=first)
    walk = walk or walking.begin(repository=repository, purpose=first, since=at - FIRST, at=at)
    began, gone = time.monotonic(), 0.0
    try:
        while walking.step(walk=walk, source=source, at=at + timedelta(seconds=gone)).more:
            if gone >= FIRST_TURN:
                return False
            gone = time.monotonic() - began  # a moment of its own for each page, so that they are settled one after the other
    except walking.Overtaken:
        return False
    repository.poll_cursor = walk.newest or walk.since
    # Kept at once: whatever fails behind it does not let it begin anew.
    Repository.objects.filter(pk=repository.pk).update(poll_cursor=repository.poll_cursor)
    _go_back(repository)
    return True


def _go_back(repository: Repository) -> None:
    """Let the poll look for deployments and pushes as far back as the first one does, until one comes to its end."""
    repository.polled_at = None
    Repository.objects.filter(pk=repository.pk).update(polled_at=None, poll_failed_at=None)


def _poll_deployments(source: Source, repository: Repository, client: GitHub, since: datetime, at: datetime) -> bool:
    """Ask again for deployments that are new or not at their end yet."""
    moved = False
    settled = (Release.State.SUCCEEDED, Release.State.FAILED, Release.State.INACTIVE)
    for fact in client.deployments_since(since=since):
        ended = Release.objects.filter(
            source=Release.Source.GITHUB, app="", vendor_id=fact.vendor_id, state__in=settled, confirmed_at__isnull=False
        )
        if not ended.exists():
            ask(source=source, repository=repository, subject=f"deployment:{fact.vendor_id}", at=at)
            moved = True
    return moved


def _poll_activity(repository: Repository, client: GitHub, at: datetime) -> bool:
    """Pushes whose delivery was lost, above all those of rebase merges: without them the commits look pushed by hand.

    A forge that keeps no such list is not asked for more: then Git and the pull requests have to do.
    """
    since = repository.polled_at - OVERLAP if repository.polled_at else at - FIRST
    try:
        pushes = [record.record_activity(repository=repository, fact=fact, at=at) for fact in client.activity_since(since=since)]
    except NotFound:
        return False
    return any(pushes)


def _poll_rules(source: Source, repository: Repository, at: datetime) -> None:
    """Pushes past the rules each time; the rules themselves every ten minutes, since no delivery tells all of their edits."""
    book = Rulebook(source=source, repository_name=repository.name, at=at)
    watch_suites(book=book, repository=repository, at=at)
    subjects = [f"rules:{branch}" for branch in (repository.main_branch, repository.prod_branch)]
    lately = Reading.objects.filter(source=source, repository=repository, subject__in=subjects, wanted_at__gt=at - RULES_EVERY)
    if not lately.exists():
        ask_for_rules(source=source, repository=repository, at=at)


def _poll_fly(source: Source, now: Now, *, at_once: bool = False) -> int:
    if not at_once and _read_lately(source, now(), within=EVERY / 4):
        return 0
    return int(_asked(source, lambda: _sync_fly(source, now()), now))


def read_apps(*, source: Source, apps: Collection[str], now: Now) -> int:
    """Read the releases of these apps of an organisation, of which somebody knows that they moved; the others wait for its poll.

    Returns whether they could be read, as 0 or 1.
    """
    return int(_asked(source, lambda: _sync_fly(source, now(), among=apps), now, covers=False))


def _sync_fly(source: Source, at: datetime, *, among: Collection[str] | None = None) -> None:
    moved = sync_releases(source=source, at=at, among=among)
    if not moved and among is None:
        sync_inventory(source=source, at=at)
    repositories = Repository.objects.filter(releases__in=moved).distinct()
    for repository in repositories:
        touch(repository=repository, at=at)


def _poll_slack(source: Source, now: Now, *, at_once: bool = False) -> int:
    """Whether the channels can be used, and what of the log stands there."""
    if not at_once and _read_lately(source, now()):
        return 0
    return int(_asked(source, lambda: _watch_slack(source, now()), now))


def _watch_slack(source: Source, at: datetime) -> None:
    for repository in watch(source=source, at=at):
        touch(repository=repository, at=at)


def _poll_cloudflare(source: Source, now: Now, *, at_once: bool = False) -> int:
    """It sends no deliveries, so its log is asked on every turn (15 s): one request, as long as nothing is new in it."""
    return _poll_console(source, now, cloudflare.sync, at_once=at_once, every=EVERY / 5)


def _poll_doppler(source: Source, now: Now, *, at_once: bool = False) -> int:
    """A config that a delivery has named is read at once."""
    return _poll_console(source, now, doppler.sync, at_once=at_once or bool(source.settings.get("hints")))


def _poll_console(source: Source, now: Now, read: Callable[..., int], *, at_once: bool, every: timedelta = EVERY) -> int:
    """Read that often; what people edited there is then held against the changes, also after a run that broke off."""
    at = now()
    if not at_once and _read_lately(source, at, within=every):
        return 0
    done = int(_asked(source, lambda: read(source=source, at=at), now))
    judge_edits(source=source.name, since=source.connected_at, at=now())
    return done


POLLS: dict[str, Poll] = {
    "github": _poll_forge,
    "gitea": _poll_forge,
    "gitlab": _poll_forge,
    "fly": _poll_fly,
    "slack": _poll_slack,
    "cloudflare": _poll_cloudflare,
    "doppler": _poll_doppler,
}


def mirror_due(*, now: Now) -> int:
    """Fetch repositories whose minute is over, or whose push was reported, and ask who brought the new commits."""
    done = 0
    stale = Q(mirror_tried_at=None) | Q(mirror_tried_at__lte=now() - EVERY) | Q(mirror_wanted_at__gt=F("mirror_tried_at"))
    for repository in Repository.objects.filter(stale, in_scope_until=None).exclude(clone_url="").order_by("mirror_tried_at", "id"):
        done += _mirror(repository, now())
    return done


def _mirror(repository: Repository, at: datetime) -> int:
    Repository.objects.filter(pk=repository.pk).update(mirror_tried_at=at)
    found = mirror_repository(repository=repository, at=at, seconds=FETCH)
    if found is None or not found.changed:
        return 0
    source = Source.objects.filter(kind=repository.forge).order_by("id").first()
    for sha in found.added[-NEWEST:]:
        if source is not None:
            ask(source=source, repository=repository, subject=f"commit:{sha}", at=at)
    if source is not None and found.renamed:
        ask_for_rules(source=source, repository=repository, at=at)
    touch(repository=repository, at=at)
    return 1

"""The five numbers of software delivery (DORA's present set), from facts and from people's marks. Each keeps its rows.

Throughput: lead time, deploy frequency, recovery time of failed deploys. Instability: change fail rate, rework rate.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Q

from changes.delivery.models import Environment, Release
from changes.outcomes.models import DeployMark
from changes.outcomes.policy import ONE_DEPLOY
from changes.proposals.models import Category, Change, LinkedPullRequest
from portal.access.scope import Scope


@dataclass(frozen=True)
class Deploy:
    """One success in production, and what became of it."""

    release: int
    succeeded_at: datetime
    failed: bool
    recovered_at: datetime | None
    rework: bool
    """It repaired something: an emergency, a rollback, or a fix by somebody's mark."""
    emergency: bool = False


@dataclass(frozen=True)
class LeadTime:
    """From the opening of a change's first pull request to its first success in production."""

    change: int
    """Its number."""
    opened_at: datetime
    released_at: datetime

    @property
    def took(self) -> timedelta:
        """How long."""
        return self.released_at - self.opened_at


@dataclass(frozen=True)
class Numbers:
    """``None`` where nothing happened that could be measured; unknown is not zero."""

    days: int
    deploys: int
    failed: int
    rework: int
    per_week: float | None
    lead_time: timedelta | None
    """The middle one, from the opening of the pull request to its first success in production."""
    fail_rate: float | None
    recovery: timedelta | None
    """The middle one, from the success of the deploy that failed to the success of what ended it."""
    unrecovered: int
    rework_rate: float | None


def numbers(*, deploys: Iterable[Deploy], lead_times: Iterable[timedelta], days: int) -> Numbers:
    """The five numbers over rows. Pure."""
    rows, leads = list(deploys), list(lead_times)
    failed = [row for row in rows if row.failed]
    recoveries = [row.recovered_at - row.succeeded_at for row in failed if row.recovered_at is not None]
    rework = sum(row.rework for row in rows)
    return Numbers(
        days=days,
        deploys=len(rows),
        failed=len(failed),
        rework=rework,
        per_week=len(rows) * 7 / days if rows and days else None,
        lead_time=_middle(leads),
        fail_rate=len(failed) / len(rows) if rows else None,
        recovery=_middle(recoveries),
        unrecovered=len(failed) - len(recoveries),
        rework_rate=rework / len(rows) if rows else None,
    )


def _middle(times: list[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(item.total_seconds() for item in times)) if times else None


def numbers_between(*, since: datetime, until: datetime, scope: Scope) -> Numbers:
    """The five numbers of a window, over what a request may see; a fixed number of queries."""
    return numbers(
        deploys=deploys_between(since=since, until=until, scope=scope),
        lead_times=(lead.took for lead in lead_times_between(since=since, until=until, scope=scope)),
        days=max((until - since).days, 1),
    )


def deploys_between(*, since: datetime, until: datetime, scope: Scope) -> list[Deploy]:
    """Every success in production, once each: the rows behind four of the numbers."""
    rows = Release.objects.filter(environment=Environment.PRODUCTION, succeeded_at__gte=since, succeeded_at__lt=until)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    found = list(rows.only("succeeded_at", "source", "repository_id", "commit_sha", "rolls_back_id"))
    return _once_each(_deploys(found), found)


def _deploys(rows: list[Release]) -> list[Deploy]:
    ids = [row.pk for row in rows]
    marks = DeployMark.objects.filter(withdrawn_at=None)
    marked = marks.filter(release__in=ids).values_list("release", "what")
    said = {pk for pk, what in marked if what == DeployMark.What.FAILED}
    fixes = {pk for pk, what in marked if what == DeployMark.What.FIXED}
    ended = dict(
        marks.filter(what=DeployMark.What.FIXED, resolves__release__in=ids, release__succeeded_at__isnull=False)
        .order_by("-release__succeeded_at")
        .values_list("resolves__release", "release__succeeded_at")
    )
    backs = Release.objects.filter(rolls_back__in=ids, succeeded_at__isnull=False).order_by("-succeeded_at")
    undone = dict(backs.values_list("rolls_back", "succeeded_at"))
    urgent = _emergency_commits(rows)
    return [
        Deploy(
            release=row.pk,
            succeeded_at=row.succeeded_at,
            failed=row.pk in said or row.pk in undone,
            recovered_at=min((moment for moment in (ended.get(row.pk), undone.get(row.pk)) if moment), default=None),
            rework=row.pk in fixes or row.rolls_back_id is not None or (row.repository_id, row.commit_sha) in urgent,
            emergency=(row.repository_id, row.commit_sha) in urgent,
        )
        for row in rows
        if row.succeeded_at is not None
    ]


def _once_each(deploys: list[Deploy], rows: list[Release]) -> list[Deploy]:
    """A deployment that the forge tells of and the release at Fly that carried it out are one deploy."""
    source = {row.pk: row for row in rows}
    kept: list[Deploy] = []
    of_commit: dict[tuple[int | None, str], list[int]] = defaultdict(list)
    for deploy in sorted(deploys, key=lambda item: (source[item.release].source != Release.Source.FLY, item.succeeded_at)):
        row = source[deploy.release]
        near = of_commit[(row.repository_id, row.commit_sha)] if row.commit_sha else []
        twin = next((place for place in near if _is_twin(deploy, kept[place], source)), None)
        if twin is None:
            near.append(len(kept))
            kept.append(deploy)
            continue
        other = kept[twin]
        moments = [moment for moment in (deploy.recovered_at, other.recovered_at) if moment is not None]
        kept[twin] = replace(
            other,
            failed=other.failed or deploy.failed,
            rework=other.rework or deploy.rework,
            recovered_at=min(moments, default=None),
        )
    return kept


def _is_twin(deploy: Deploy, other: Deploy, source: dict[int, Release]) -> bool:
    """Whether two deploys of one commit are one: told of by two sources, near to each other."""
    told_apart = source[deploy.release].source != source[other.release].source
    return told_apart and abs(deploy.succeeded_at - other.succeeded_at) <= ONE_DEPLOY


def _emergency_commits(rows: list[Release]) -> set[tuple[int | None, str]]:
    commits = {row.commit_sha for row in rows} - {""}
    links = LinkedPullRequest.objects.filter(
        Q(pull_request__merge_sha__in=commits) | Q(pull_request__head_sha__in=commits), change__category=Category.EMERGENCY
    )
    found = links.values_list("pull_request__repository", "pull_request__merge_sha", "pull_request__head_sha")
    return {(repository, sha) for repository, merge, head in found for sha in (merge, head) if sha}


def lead_times_between(*, since: datetime, until: datetime, scope: Scope) -> list[LeadTime]:
    """Changes that reached production first in the window, by number. Without a pull request there is nothing to measure from."""
    changes = Change.objects.filter(released_at__gte=since, released_at__lt=until)
    if scope.repositories is not None:
        changes = changes.filter(repository_names__overlap=sorted(scope.repositories))
    links = LinkedPullRequest.objects.filter(change__in=changes, role=LinkedPullRequest.Role.WORK)
    first: dict[int, LeadTime] = {}
    for number, released, opened in links.exclude(pull_request__opened_at=None).values_list(
        "change__number", "change__released_at", "pull_request__opened_at"
    ):
        if released is not None and opened is not None:
            known = first.get(number)
            first[number] = LeadTime(number, min(opened, known.opened_at) if known else opened, released)
    return [first[number] for number in sorted(first) if first[number].released_at >= first[number].opened_at]

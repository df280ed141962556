"""The checks of the controls: pure reading, over the whole population of a window.

Deviations are the exceptions that the detectors found and the gates that failed in frozen verdicts. An exception that
later evidence cleared is none; one that was explained or repaired stays one.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from audits.controls.catalogue import Control
from audits.controls.inventoried import (
    environments_apart,
    inventory_reconciled,
    machines_as_in_git,
    secrets_from_doppler,
    staging_mirrors_production,
)
from audits.controls.result import Deviation, Result, Window
from changes.delivery.models import BranchCommit, Environment, PullRequest, Push, Release, Repository, RuleEvent
from changes.emergencies.models import Emergency
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.gates.facts import GateState
from changes.gates.gate import Code
from changes.gates.models import Verdict
from changes.meetings.models import Meeting
from changes.proposals.models import DECLARED, Category, Change, Size
from changes.training import queries as training
from changes.training.figures import Lateness, lateness_of
from changes.training.models import Course
from portal.policy.clauses import Clause
from portal.policy.models import PolicyVersion

Check = Callable[[Window], Result]
YEAR = timedelta(days=366)


def large_decided(window: Window) -> Result:
    """P-01: large changes whose first merge lies in the window, against those that no decision stood for then."""
    merged = _merges(window).values("pk")
    changes = Change.objects.filter(size=Size.LARGE, links__pull_request__in=merged).exclude(DECLARED)
    rows = Change.objects.filter(pk__in=changes.values("pk")).order_by("number")
    return Result(rows.count(), _failed_now(rows, (Code.DECISION,)))


def policy_reviewed(window: Window) -> Result:
    """P-25: versions in force within the window, against those without a decision, and against a year without any.

    The version that an installation begins with has no decision, and is no deviation.
    """
    adopted = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED, effective_at__lt=window.until).order_by("number")
    undecided = adopted.filter(decision="", sent_by__isnull=False)
    bare = [Deviation(str(row), "No decision of a meeting is on record.", f"policy:{row.number}") for row in undecided]
    last = PolicyVersion.objects.filter(decided_at__lt=window.until).order_by("-decided_at").first()
    if last is not None and last.decided_at is not None and last.decided_at < window.until - YEAR:
        sentence = f"The last decision about the policy was on {last.decided_at:%Y-%m-%d}."
        bare.append(Deviation(str(last), sentence, f"policy:{last.number}"))
    return Result(adopted.count(), tuple(bare))


def meetings_held(window: Window) -> Result:
    """P-30: meetings that were due in the window, against those missed and those without a quorum."""
    rows = Meeting.objects.filter(planned_at__gte=window.since, planned_at__lt=window.until).order_by("number")
    due = rows.exclude(state__in=(Meeting.State.PLANNED, Meeting.State.CANCELLED))
    off = due.filter(Q(state=Meeting.State.MISSED) | Q(quorate=False))
    return Result(due.count(), tuple(Deviation(str(row), _why_off(row), f"meeting:{row.number}") for row in off))


def _why_off(row: Meeting) -> str:
    said = f" The reason given: {row.reason}" if row.reason else " No reason is given."
    return f"{'It was missed.' if row.state == Meeting.State.MISSED else 'It had no quorum.'}{said}"


def people_trained(window: Window) -> Result:
    """P-28: the roster at the end of the window, against what was signed too late in it, or not yet. Nobody without a course."""
    if not Course.objects.filter(published_at__lt=window.until).exists():
        return Result(0)
    members = training.members(at=window.until)
    late = lateness_of(members, at=window.until)
    counted = [item for item in late if item.due.signed_at is None or item.due.signed_at >= window.since]
    return Result(len(members), tuple(_late(item) for item in counted))


def _late(item: Lateness) -> Deviation:
    done = f"signed {item.due.signed_at:%Y-%m-%d}" if item.due.signed_at else "not signed yet"
    sentence = f"Policy {item.due.version} was due on {item.due.due_at:%Y-%m-%d}; {done}, {item.by.days} days late."
    return Deviation(item.member.person.name, sentence, f"person:{item.member.person.pk}")


def commits_by_pull_request(window: Window) -> Result:
    """P-02: commits from Git itself, against those that no pull request accounts for."""
    commits = BranchCommit.objects.filter(committed_at__gte=window.since, committed_at__lt=window.until)
    return Result(commits.count(), _exceptions(window, {"direct_push"}))


def merges_reviewed(window: Window) -> Result:
    """P-03, over every merge into main and prod."""
    return Result(_merges(window).count(), _exceptions(window, _kinds_of(Clause.REVIEWED)))


def merges_staged(window: Window) -> Result:
    """P-04, over every merge into prod but those of emergencies that somebody declared."""
    merges = _merges(window).filter(base_ref=F("repository__prod_branch"))
    emergencies = Change.objects.filter(DECLARED).values("links__pull_request")
    return Result(merges.exclude(pk__in=emergencies).count(), _exceptions(window, {"no_staging"}))


def changes_categorised(window: Window) -> Result:
    """P-05: a category that the policy knows, with its reasons."""
    changes = Change.objects.filter(opened_at__gte=window.since, opened_at__lt=window.until).order_by("number")
    unfounded = Q(reasons__category__isnull=True) | Q(reasons__category=[]) | ~Q(category__in=Category.values)
    sentence = "No reason for its category is on record."
    return Result(changes.count(), tuple(_deviation(change, sentence) for change in changes.filter(unfounded)))


def branches_restricted(window: Window) -> Result:
    """P-08: pushes and edits of rules, against those that broke or weakened a restricted branch."""
    pushes = Push.objects.filter(pushed_at__gte=window.since, pushed_at__lt=window.until).count()
    edits = RuleEvent.objects.filter(happened_at__gte=window.since, happened_at__lt=window.until)
    edits = edits.exclude(kind=RuleEvent.Kind.MEMBER)
    return Result(pushes + edits.count(), _exceptions(window, _kinds_of(Clause.PROD_RESTRICTED)))


def main_reviewed_and_green(window: Window) -> Result:
    """P-09: what P-02, P-03 and P-11 say, for main alone."""
    merges = _merges(window).filter(base_ref=F("repository__main_branch"))
    kinds = _kinds_of(Clause.REVIEWED) | _kinds_of(Clause.CI_PASSES)
    names = {f"{name}#{number}" for name, number in merges.values_list("repository__name", "number")}
    about_merges = _records(window, kinds).filter(evidence__pull_request__in=names)
    pushes = _records(window, {"direct_push"}).filter(_on_main())
    return Result(merges.count(), _told(about_merges) + _told(pushes))


def _on_main() -> Q:
    """Exceptions whose subject is a commit of main: ``main:46997f831f28``."""
    wanted = Q(pk__in=[])
    for pk, branch in Repository.objects.order_by("pk").values_list("pk", "main_branch"):
        wanted |= Q(repository=pk, subject__startswith=f"{branch}:")
    return wanted


def merges_green(window: Window) -> Result:
    """P-11, over every merge into main and prod."""
    return Result(_merges(window).count(), _exceptions(window, _kinds_of(Clause.CI_PASSES)))


def releases_of_merged_commits(window: Window) -> Result:
    """P-12: releases, against those of commits that nobody merged."""
    releases = Release.objects.filter(environment__in=[Environment.STAGING, Environment.PRODUCTION])
    releases = releases.filter(created_at__gte=window.since, created_at__lt=window.until)
    return Result(releases.count(), _exceptions(window, _kinds_of(Clause.DEPLOYED_THROUGH_FLY)))


def repositories_mirrored(window: Window) -> Result:
    """P-16: repositories that were in scope within the window, against those whose Git was not read."""
    rows = Repository.objects.filter(in_scope_from__lt=window.until)
    rows = rows.filter(Q(in_scope_until=None) | Q(in_scope_until__gt=window.since)).order_by("name")
    unread = [row for row in rows if row.mirrored_at is None or row.mirror_error]
    sentences = [(row, row.mirror_error or "Its Git has not been read yet.") for row in unread]
    found = (Deviation(row.name, sentence, f"repository:{row.name}") for row, sentence in sentences)
    return Result(rows.count(), tuple(found))


def ways_back(window: Window) -> Result:
    """P-17: the frozen gate 6 of every change merged to prod; of a declared emergency, which may write it later, today's."""
    changes = _reached_prod(window)
    emergencies = changes.filter(DECLARED)
    frozen = _frozen(changes.exclude(DECLARED), (Code.ROLLBACK,))
    return Result(changes.count(), frozen + _failed_now(emergencies, (Code.ROLLBACK,)))


def snapshots_named(window: Window) -> Result:
    """P-18: changes whose frozen facts say that they have a migration, against those without a snapshot."""
    verdicts = _verdicts(_reached_prod(window)).filter(facts__has_migration=True)
    without = verdicts.filter(facts__snapshot__regex=r"^\s*$")
    sentence = "It has a migration, and no snapshot was named at the merge."
    return Result(verdicts.count(), tuple(_deviation(verdict.change, sentence) for verdict in without))


def production_approved(window: Window) -> Result:
    """P-19: changes merged to prod and people given access, against those past the process."""
    people = RuleEvent.objects.filter(kind=RuleEvent.Kind.MEMBER, happened_at__gte=window.since, happened_at__lt=window.until)
    changes = _reached_prod(window)
    return Result(
        changes.count() + people.count(),
        _frozen(changes.exclude(DECLARED), (Code.APPROVAL,)) + _exceptions(window, {"access_granted_outside_process"}),
    )


def emergencies_coordinated(window: Window) -> Result:
    """P-21: every emergency on record, against those without a thread in Slack."""
    rows = Emergency.objects.filter(change__category=Category.EMERGENCY, at__gte=window.since, at__lt=window.until)
    without = rows.filter(thread=None).select_related("change").order_by("at", "id")
    return Result(rows.count(), tuple(_deviation(row.change, "No thread in Slack is on record.") for row in without))


def emergencies_reviewed(window: Window) -> Result:
    """P-22: emergencies that reached prod, against those without the +1 or with a review that is late."""
    changes = _reached_prod(window).filter(category=Category.EMERGENCY)
    return Result(changes.count(), _failed_now(changes, (Code.APPROVAL, Code.REVIEW_AFTER)))


def verdicts_compliant(window: Window) -> Result:
    """P-26: every change merged to prod, against those whose frozen verdict has a failed gate, or that have none."""
    changes = _reached_prod(window)
    without = changes.exclude(pk__in=Verdict.objects.filter(moment=Verdict.Moment.MERGE).values("change"))
    missing = tuple(_deviation(change, "No verdict was frozen at its merge.") for change in without)
    return Result(changes.count(), missing + _frozen(changes, Code))


def exceptions_answered(window: Window) -> Result:
    """P-29: exceptions that had to be answered within the window, against those that are still open."""
    due = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED).order_by("happened_at", "pk")
    due = due.filter(due_at__gte=window.since, due_at__lt=window.until)
    return Result(due.count(), _told(due.filter(state=ExceptionState.OPEN)))


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        large_decided,
        policy_reviewed,
        meetings_held,
        people_trained,
        commits_by_pull_request,
        merges_reviewed,
        merges_staged,
        changes_categorised,
        branches_restricted,
        main_reviewed_and_green,
        merges_green,
        releases_of_merged_commits,
        repositories_mirrored,
        ways_back,
        snapshots_named,
        production_approved,
        emergencies_coordinated,
        emergencies_reviewed,
        verdicts_compliant,
        exceptions_answered,
        machines_as_in_git,
        staging_mirrors_production,
        secrets_from_doppler,
        environments_apart,
        inventory_reconciled,
    )
}


def result_of(*, control: Control, window: Window) -> Result | None:
    """What the control's check finds in the window; None for a control whose check comes later. An unknown name raises."""
    return CHECKS[control.check](window) if control.check else None


def _merges(window: Window) -> QuerySet[PullRequest]:
    guarded = Q(base_ref=F("repository__main_branch")) | Q(base_ref=F("repository__prod_branch"))
    return PullRequest.objects.filter(guarded, merged_at__gte=window.since, merged_at__lt=window.until)


def _reached_prod(window: Window) -> QuerySet[Change]:
    return Change.objects.filter(merged_at__gte=window.since, merged_at__lt=window.until).order_by("number")


def _kinds_of(clause: Clause) -> set[str]:
    return {kind.code for kind in KINDS.values() if kind.clause == clause}


def _records(window: Window, kinds: set[str]) -> QuerySet[ExceptionRecord]:
    rows = ExceptionRecord.objects.filter(kind__in=sorted(kinds), happened_at__gte=window.since, happened_at__lt=window.until)
    return rows.exclude(state=ExceptionState.CLEARED).order_by("happened_at", "pk")


def _exceptions(window: Window, kinds: set[str]) -> tuple[Deviation, ...]:
    return _told(_records(window, kinds))


def _told(records: Iterable[ExceptionRecord]) -> tuple[Deviation, ...]:
    return tuple(Deviation(str(record), record.sentence, f"exception:{record.pk}") for record in records)


def _verdicts(changes: QuerySet[Change]) -> QuerySet[Verdict]:
    rows = Verdict.objects.filter(change__in=changes.order_by(), moment=Verdict.Moment.MERGE)
    return rows.select_related("change").order_by("change__number", "pk")


def _frozen(changes: QuerySet[Change], codes: Iterable[Code]) -> tuple[Deviation, ...]:
    """Changes for which gates of these codes had failed when the verdict froze at the merge."""
    wanted = set(codes)
    rows = _verdicts(changes).filter(_has_failed("gates", wanted))
    return _by_change(((row.change, row.gates) for row in rows), wanted)


def _failed_now(changes: QuerySet[Change], codes: Iterable[Code]) -> tuple[Deviation, ...]:
    """Changes for which gates of these codes are failed today."""
    wanted = set(codes)
    rows = changes.filter(_has_failed("assessment__gates", wanted))
    return _by_change(((row, (row.assessment or {}).get("gates", [])) for row in rows), wanted)


def _has_failed(column: str, codes: set[Code]) -> Q:
    """Asked in the database, so that a year of verdicts is not read to find the few."""
    wanted = Q(pk__in=[])
    for code in sorted(codes):
        wanted |= Q(**{f"{column}__contains": [{"code": code.value, "state": GateState.FAILED.value}]})
    return wanted


def _by_change(judged: Iterable[tuple[Change, list[dict[str, Any]]]], codes: set[Code]) -> tuple[Deviation, ...]:
    """One deviation for each change, however many of its gates have failed and however often it was merged."""
    reasons: dict[Change, dict[str, None]] = {}
    for change, gates in judged:
        failed = [gate for gate in gates if gate["code"] in codes and gate["state"] == GateState.FAILED]
        reasons.setdefault(change, {}).update(dict.fromkeys(str(gate["reason"]) for gate in failed))
    return tuple(_deviation(change, " ".join(found)) for change, found in reasons.items())


def _deviation(change: Change, sentence: str) -> Deviation:
    return Deviation(str(change), sentence, f"change:{change.number}")

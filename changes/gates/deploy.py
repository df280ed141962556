"""The deploy gate: may this commit go to this environment? Closed on any doubt, unless two people opened it for doubts."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from changes.delivery.models import Environment, PullRequest, Release, Repository
from changes.gates.actions import assess, gate_json
from changes.gates.models import GateAnswer, Verdict
from changes.gates.modes import open_until
from changes.gates.verdict import SHORTEST, decide
from changes.proposals.models import Change, LinkedPullRequest, LinkedPush
from changes.proposals.queries import CARRYING
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.ui.text import revealed

COMMIT = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")
NAME = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """What the gate says, and why. ``commit`` is the whole SHA as far as it is known; ``reasons`` speak against it."""

    repository: str
    commit: str
    environment: str
    allow: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    gates: tuple[dict[str, Any], ...] = ()
    certain: bool = True
    """False when it is denied only because something cannot be judged."""
    rollback: bool = False
    """It goes back to what ran there before."""
    failed_open: bool = False
    """It would be denied on a doubt; two people let doubts pass here for a time."""
    found_in: Repository | None = None


def answer_for(*, repository: str, commit: str, environment: str, at: datetime, parameters: Parameters | None = None) -> Answer:
    """Allow or deny, with reasons and the gates behind them. Writes nothing."""
    asked = Answer(repository=repository, commit=commit, environment=environment, allow=False)
    found = Repository.objects.filter(name=repository, in_scope_until=None).first() if NAME.fullmatch(repository) else None
    refusal = _refusal(found, asked)
    if found is None or refusal:
        return replace(asked, reasons=(refusal,))
    commits = _commits(found, commit)
    if len(commits) > 1:
        return replace(asked, reasons=(f"{commit} begins {len(commits)} commits of {repository}. Write more of its digits.",))
    named = replace(asked, commit=commits[0] if commits else commit, found_in=found)
    return _opened(_gone_back(_judged(named, at, parameters or parameters_at(at))), at)


def _refusal(found: Repository | None, asked: Answer) -> str:
    """Why the question itself cannot be answered; empty when it can."""
    if found is None:
        return f"{revealed(asked.repository[:200])} is not in scope."
    if asked.environment not in Environment.values:
        return f"{asked.environment[:60]!r} is no environment: write {', '.join(Environment.values)}."
    if not COMMIT.fullmatch(asked.commit):
        return f"{asked.commit[:64]!r} is no commit: write its SHA, at least {SHORTEST} digits."
    return ""


def _commits(repository: Repository, commit: str) -> list[str]:
    """The whole SHAs that begin so, among everything that pull requests, pushes and releases of the repository told of."""
    pulls = PullRequest.objects.filter(Q(head_sha__startswith=commit) | Q(merge_sha__startswith=commit), repository=repository)
    found = {sha for pair in pulls.values_list("head_sha", "merge_sha") for sha in pair}
    for rows in (Release.objects.all(), LinkedPush.objects.all()):
        ours = rows.filter(repository=repository, commit_sha__startswith=commit)
        found |= set(ours.order_by().values_list("commit_sha", flat=True))
    return sorted(sha for sha in found if sha.startswith(commit))


def _judged(asked: Answer, at: datetime, parameters: Parameters) -> Answer:
    """Every change that the commit carries has to pass."""
    if asked.environment == Environment.DEVELOPMENT:
        return replace(asked, allow=True, notes=("Development is not gated by the policy.",))
    changes = tuple(carried_changes(repository=asked.found_in, commit=asked.commit))
    if not changes:
        words = f"No change is known for commit {asked.commit[:12]} of {asked.repository}."
        return replace(asked, reasons=(words,), certain=False)
    reasons, notes, gates, certain = [], [], [], False
    for change in changes:
        facts, judged = assess(change=change, at=at, parameters=parameters)
        decision = decide(facts, parameters, environment=asked.environment, commit=asked.commit)
        certain = certain or (not decision.allow and decision.certain)
        reasons += [f"{change}: {reason}" for reason in decision.reasons]
        notes += [f"{change}: {note}" for note in decision.notes]
        gates += [gate_json(gate) for gate in judged]
    return replace(
        asked,
        allow=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
        changes=changes,
        gates=tuple(gates),
        certain=certain or not reasons,
    )


def carried_changes(*, repository: Repository | None, commit: str) -> QuerySet[Change]:
    """The changes that a commit (a whole SHA) carries: by the pull requests it is head or merge of, and as a push past them."""
    ours = PullRequest.objects.filter(repository=repository)
    carrying = ours.filter(head_sha=commit) | ours.filter(merge_sha=commit)
    links = LinkedPullRequest.objects.filter(pull_request__in=carrying.values("pk"), role__in=CARRYING)
    pushed = LinkedPush.objects.filter(repository=repository, commit_sha=commit, taken_back_at=None)
    wanted = Q(pk__in=links.values("change")) | Q(pushes__in=pushed.values("pk"))
    return Change.objects.filter(wanted).distinct().order_by("number")


def _gone_back(answer: Answer) -> Answer:
    """A release back to what ran there before, and was allowed then, is allowed: undoing waits for nothing (P-17)."""
    if answer.environment == Environment.DEVELOPMENT:
        return answer
    there = Release.objects.filter(repository=answer.found_in, environment=answer.environment, succeeded_at__isnull=False).exclude(
        commit_sha=""
    )
    ran = there.filter(commit_sha=answer.commit).order_by("-succeeded_at", "-id").first()
    newest = there.order_by("-succeeded_at", "-id").first()
    if ran is None or newest is None or newest.commit_sha == ran.commit_sha or not _was_allowed(answer, ran):
        return answer
    words = (
        f"This goes back to {answer.commit[:7]}, which ran in {answer.environment} from {ran.succeeded_at:%Y-%m-%d %H:%M} UTC "
        f"and was allowed then. {newest.commit_sha[:7]} runs now."
    )
    return replace(answer, allow=True, reasons=(), notes=(*answer.reasons, *answer.notes, words), certain=True, rollback=True)


def _was_allowed(answer: Answer, ran: Release) -> bool:
    """The gate said so once without a doubt, or the verdict that was frozen at its release has no failed gate before it."""
    said = GateAnswer.objects.filter(
        repository=answer.repository, commit=answer.commit, environment=answer.environment, allow=True, failed_open=False
    )
    frozen = Verdict.objects.filter(moment=Verdict.Moment.RELEASE, subject=str(ran), change__in=answer.changes)
    return said.exists() or (frozen.exists() and not frozen.filter(outcome="not_compliant").exists())


def _opened(answer: Answer, at: datetime) -> Answer:
    """What is denied on a doubt alone passes where the gate stands open for doubts; the caller opens an exception."""
    if answer.allow or answer.certain or answer.found_in is None:
        return answer
    until = open_until(repository=answer.found_in, environment=answer.environment, at=at)
    if until is None:
        return answer
    words = f"The gate is open for what it cannot judge until {until:%Y-%m-%d %H:%M} UTC. An exception was opened."
    return replace(answer, allow=True, notes=(*answer.notes, words), failed_open=True)

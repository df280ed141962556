"""Gate 7: the commit worked in staging before it went to production, and a tester said so (P-04)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from changes.gates.facts import ChangeFacts, PullRequestFact, ReleaseFact, SignOffFact
from changes.gates.gate import Code, Evidence, Gate, Judgement, combined, gate, met, not_needed, open_or_failed
from changes.gates.reading import (
    STAGING,
    counted,
    evidence_of,
    fast_lane,
    into_main,
    into_prod,
    is_late,
    listed,
    moment,
    name_of,
    releases_to,
    repositories,
    short,
    told,
)
from portal.policy.parameters import Parameters

NO_STAGING = "no_staging"


@dataclass(frozen=True)
class Candidate:
    """What has to be proved in staging: the head that goes to prod, or the newest work on main, which it contains."""

    pr: PullRequestFact
    commits: tuple[str, ...]
    deadline: datetime | None
    """The merge to prod; None while there is none."""


def proof(
    releases: Iterable[ReleaseFact], *, commits: Iterable[str], before: datetime | None, parameters: Parameters
) -> ReleaseFact | None:
    """The first release of one of ``commits`` that had succeeded in staging, soak time included, at ``before``.

    ``before`` None asks whether it has succeeded at all.
    """
    wanted = set(commits) - {""}
    good = [
        (release.succeeded_at, release)
        for release in releases
        if release.environment == STAGING and release.commit in wanted and release.succeeded_at
    ]
    in_time = [item for item in good if before is None or item[0] + parameters.staging_soak <= before]
    return min(in_time, key=lambda item: item[0])[1] if in_time else None


def staging_finding(pr: PullRequestFact, releases: Iterable[ReleaseFact], parameters: Parameters) -> str:
    """``no_staging`` when a merge into prod has no success of its head in staging before it (soak included), else empty.

    Not to be asked about emergencies, which may go without (P-22).
    """
    found = proof(releases, commits=[pr.head_sha], before=pr.merged_at, parameters=parameters)
    return "" if found else NO_STAGING


def staging(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 7, for every repository of the change."""
    if fast_lane(facts):
        text = "An emergency may skip staging; its retrospective review looks at that"
        return gate(Code.STAGING, not_needed(text))
    parts = [part for name in repositories(facts) for part in _judge_repository(facts, name, parameters)]
    if parts:
        return combined(Code.STAGING, parts)
    late = is_late(facts)
    reason = "A commit went to prod without staging" if late else "There is nothing to test in staging yet"
    return gate(Code.STAGING, open_or_failed(late=late, reason=reason, who="The requester opens a pull request into main."))


def _judge_repository(facts: ChangeFacts, repository: str, parameters: Parameters) -> list[Judgement]:
    """One judgement for each pull request into prod; before there is one, one for what stands on main."""
    found = _candidates(facts, repository)
    if not found:
        pr = next(pr for pr in counted(facts) if pr.repository == repository)
        who = "Whoever may merge to main merges the reviewed work."
        return [open_or_failed(late=False, reason=f"{name_of(pr)} is not merged to main yet", who=who)]
    return [_judge(facts, candidate, parameters) for candidate in found]


def _candidates(facts: ChangeFacts, repository: str) -> list[Candidate]:
    ways = [pr for pr in into_prod(facts) if pr.repository == repository]
    if not ways:
        work = _newest_on_main(facts, repository, None)
        return [Candidate(work, (work.merge_sha,), None)] if work else []
    found = []
    for pr in ways:
        work = _newest_on_main(facts, repository, pr.merged_at)
        found.append(Candidate(pr, (pr.head_sha, work.merge_sha) if work else (pr.head_sha,), pr.merged_at))
    return found


def _newest_on_main(facts: ChangeFacts, repository: str, until: datetime | None) -> PullRequestFact | None:
    """The last work that was merged to main up to ``until``: its merge commit contains the work before it."""
    merged = [(pr.merged_at, pr) for pr in into_main(facts) if pr.repository == repository and pr.merged_at]
    in_time = [item for item in merged if until is None or item[0] <= until]
    return max(in_time, key=lambda item: item[0])[1] if in_time else None


def _judge(facts: ChangeFacts, candidate: Candidate, parameters: Parameters) -> Judgement:
    before = candidate.deadline or facts.as_of
    found = proof(facts.releases, commits=candidate.commits, before=before, parameters=parameters)
    if found is None or found.succeeded_at is None:
        return _not_proved(facts, candidate, parameters)
    proved = f"{name_of(candidate.pr)}: {short(found.commit)} succeeded in staging at {moment(found.succeeded_at)}"
    evidence = (*evidence_of(candidate.pr), release_evidence(found))
    confirmed = found.confirmed and candidate.pr.confirmed
    if not parameters.sign_off_needed or facts.approved_by == "review":
        return met(f"{proved}; a sign-off is not asked for in this repository", *evidence, confirmed=confirmed)
    sign_off = _sign_off(facts, candidate, found.succeeded_at)
    if sign_off:
        mark = Evidence(f"Sign-off by {sign_off.by.name}", f"sign_off:{sign_off.by.account}@{sign_off.commit}")
        text = f"{proved}, signed off by {sign_off.by.name} at {moment(sign_off.at)}"
        return met(text, *evidence, mark, confirmed=confirmed)
    return open_or_failed(
        late=candidate.deadline is not None,
        reason=f"{proved}, but nobody signed it off{' before the merge to prod' if candidate.deadline else ' yet'}",
        who="A tester signs the commit off on the change's page.",
        evidence=evidence,
        confirmed=confirmed,
    )


def _sign_off(facts: ChangeFacts, candidate: Candidate, since: datetime) -> SignOffFact | None:
    """The first sign-off by a person after the success in staging and up to the merge to prod."""
    given = [item for item in facts.sign_offs if item.commit in candidate.commits and not item.by.bot and item.at >= since]
    in_time = [item for item in given if candidate.deadline is None or item.at <= candidate.deadline]
    return min(in_time, key=lambda item: item.at) if in_time else None


def _not_proved(facts: ChangeFacts, candidate: Candidate, parameters: Parameters) -> Judgement:
    tried = [release for release in releases_to(facts, STAGING) if release.commit in candidate.commits]
    return open_or_failed(
        late=candidate.deadline is not None,
        reason=f"{name_of(candidate.pr)}: {_why_not(candidate, tried, parameters)}",
        who="The pipeline releases it to staging; whoever deploys can start it.",
        evidence=(*evidence_of(candidate.pr), *map(release_evidence, tried)),
        confirmed=candidate.pr.confirmed and all(release.confirmed for release in tried),
    )


def _why_not(candidate: Candidate, tried: list[ReleaseFact], parameters: Parameters) -> str:
    merged = f", and it was merged to prod at {moment(candidate.deadline)}" if candidate.deadline else ""
    good = proof(tried, commits=candidate.commits, before=None, parameters=parameters)
    if good and good.succeeded_at:
        soak = f" and has to stand there for {parameters.staging_soak}" if parameters.staging_soak else ""
        return f"{short(good.commit)} succeeded in staging at {moment(good.succeeded_at)}{soak}{merged}"
    if tried:
        return f"in staging, {told(tried[-1])}{merged}"
    names = listed(dict.fromkeys(short(commit) for commit in candidate.commits))
    return f"{names} has not been released to staging{merged}"


def release_evidence(release: ReleaseFact) -> Evidence:
    """Where a release is found."""
    return Evidence(f"{release.label} ({release.state})", f"release:{release.environment}/{release.label}@{release.commit}")

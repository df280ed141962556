"""Gate 5: CI was green on the merged head, at the merge (P-11).

Where a merge queue is used, it tests a commit of its own, which becomes the merge: what a check said there counts over what it
said on the head of the pull request.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from changes.gates.facts import ChangeFacts, CheckFact, PullRequestFact
from changes.gates.gate import Code, Evidence, Gate, Judgement, combined, gate, met, not_connected, open_or_failed
from changes.gates.reading import counted, evidence_of, is_late, listed, moment, name_of, short
from portal.policy.parameters import Parameters

COMPLETED = "completed"
GREEN = frozenset({"success", "neutral", "skipped"})
"""What GitHub counts as passed (docs.github.com, "About status checks")."""
OWN_CHECK = "Countersign"
"""The portal's own check run, which shows these gates and so cannot be one of their reasons."""
FAILED_MERGED, MISSING_MERGED = "failed_ci_merged", "ci_missing_merged"


@dataclass(frozen=True)
class Results:
    """The checks of one pull request at its merge (or now): which are green, which failed, which have no result."""

    green: tuple[CheckFact, ...]
    failed: tuple[CheckFact, ...]
    missing: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether no check has a say at all."""
        return not (self.green or self.failed or self.missing)


def results_of(pr: PullRequestFact) -> Results:
    """The latest result of every check that has a say: the required ones if any are known, else all that reported.

    Where nothing is known to be required, a check that first reported after the merge has no say beside others that
    were done in time: it may have been started by the merge itself.
    """
    reported = list(dict.fromkeys(check.name for check in _checks(pr)))
    required = [name for name in pr.required_checks or () if name != OWN_CHECK]
    latest = {name: _latest(pr, name) for name in required or reported}
    done = {name: check for name, check in latest.items() if check and check.status == COMPLETED}
    in_time_only = pr.merged_at is not None and not required and bool(done)
    return Results(
        green=tuple(check for check in done.values() if check.conclusion in GREEN),
        failed=tuple(check for check in done.values() if check.conclusion not in GREEN),
        missing=tuple(name for name, check in latest.items() if name not in done and (check or not in_time_only)),
    )


def _checks(pr: PullRequestFact) -> list[CheckFact]:
    heads = {pr.head_sha, pr.queue_sha} - {""}
    return [check for check in pr.checks if check.commit in heads and check.name != OWN_CHECK]


def _latest(pr: PullRequestFact, name: str) -> CheckFact | None:
    """The newest report of one check up to the merge.

    Within one second a failure counts over a success, and both over a start.
    """
    said = [
        (check.commit == pr.queue_sha, check.at, _severity(check), check)
        for check in _checks(pr)
        if check.name == name and check.at
    ]
    in_time = [item for item in said if pr.merged_at is None or item[1] <= pr.merged_at]
    return max(in_time, key=lambda item: item[:3])[3] if in_time else None


def _severity(check: CheckFact) -> int:
    if check.status != COMPLETED:
        return 0
    return 1 if check.conclusion in GREEN else 2


def ci_finding(pr: PullRequestFact) -> str:
    """What is wrong with the checks at the merge of ``pr``; empty when nothing is, or when nothing is known.

    ``failed_ci_merged``: a check that has a say had failed, or nothing was done in time and a check failed later.
    ``ci_missing_merged``: a required check had no result, or checks reported, but all of them only after the merge.
    """
    results = results_of(pr)
    if results.failed:
        return FAILED_MERGED
    if not results.missing:
        return ""
    later = [check for check in _checks(pr) if check.name in results.missing and check.status == COMPLETED]
    if any(check.conclusion not in GREEN for check in later):
        return FAILED_MERGED
    return MISSING_MERGED if later or pr.required_checks else ""


def ci(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 5, over every pull request of the change into main or prod."""
    prs = counted(facts)
    if prs:
        return combined(Code.CI, [_judge(pr) for pr in prs])
    late = is_late(facts)
    reason = "A commit went to prod without checks" if late else "There is no pull request to check yet"
    return gate(Code.CI, open_or_failed(late=late, reason=reason, who="The requester opens a pull request."))


def _judge(pr: PullRequestFact) -> Judgement:
    results = results_of(pr)
    if results.empty and pr.required_checks is None:
        return not_connected(
            f"{name_of(pr)}: no check has reported and the branch's required checks have not been read",
            *evidence_of(pr),
            who="An administrator connects the repository's branch rules, or CI reports on the pull request.",
            confirmed=pr.confirmed,
        )
    if results.failed or results.missing or results.empty:
        return _not_green(pr, results)
    return met(
        f"{name_of(pr)}: {listed(check.name for check in results.green)} passed on {_heads(pr, results.green)}",
        *_evidence(pr, results),
        confirmed=pr.confirmed and all(check.confirmed for check in results.green),
    )


def _not_green(pr: PullRequestFact, results: Results) -> Judgement:
    return open_or_failed(
        late=pr.merged_at is not None,
        reason=f"{name_of(pr)}: {_why_not(pr, results)}",
        who=f"{pr.author.name} gets the checks of {name_of(pr)} green; CI reports by itself.",
        evidence=_evidence(pr, results),
        confirmed=pr.confirmed and all(check.confirmed for check in results.failed),
    )


def _why_not(pr: PullRequestFact, results: Results) -> str:
    merged = f", merged at {moment(pr.merged_at)}" if pr.merged_at else ""
    if results.failed:
        ended = listed(f"{check.name} ended with {check.conclusion or 'no result'}" for check in results.failed)
        return f"{ended} on {_heads(pr, results.failed)}{merged}"
    if results.missing:
        return f"{listed(results.missing)} had no result on {short(pr.head_sha)}{' by the merge' if merged else ' yet'}{merged}"
    return f"the branch requires no check and none has reported on {short(pr.head_sha)}{merged}"


def _heads(pr: PullRequestFact, checks: Iterable[CheckFact]) -> str:
    """The commits that the checks ran on: the head of the pull request, and that of the merge queue."""
    on_queue = any(check.commit == pr.queue_sha for check in checks)
    on_head = any(check.commit != pr.queue_sha for check in checks)
    words = [short(pr.head_sha)] if on_head or not on_queue else []
    return listed([*words, *([f"{short(pr.queue_sha)} in the merge queue"] if on_queue else [])])


def _evidence(pr: PullRequestFact, results: Results) -> tuple[Evidence, ...]:
    checks = (*results.failed, *results.green)
    return (
        *evidence_of(pr),
        *(Evidence(f"{check.name}: {check.conclusion}", f"check:{pr.repository}@{check.commit}:{check.name}") for check in checks),
    )

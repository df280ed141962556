"""What happened, in one sentence that a person can check. Pure."""

from changes.gates.facts import PullRequestFact
from changes.gates.reading import by_queue, merger


def sentence(kind: str, fact: PullRequestFact) -> str:
    """The sentence for a finding about a merged pull request."""
    who = fact.merged_by.name if fact.merged_by else "Somebody"
    put = merger(fact) if by_queue(fact) else None
    queued = f", into whose queue {put.name} had put it," if put else ""
    where = f"#{fact.number} to {fact.base}"
    head = fact.head_sha[:7]
    approved = sorted({review.commit[:7] for review in fact.reviews if review.state == "approved"})
    failed = sorted({check.name for check in fact.checks if check.conclusion not in ("success", "neutral", "skipped", "")})
    return {
        "no_review": f"{who} merged {where} and nobody else had approved it.",
        "stale_approval": f"{who} merged {where} at {head}; the approval was for {', '.join(approved) or 'an older commit'}.",
        "self_approval": f"{who} merged {where}; everybody who approved it had contributed to it.",
        "changes_requested": f"{who} merged {where} although a reviewer had asked for changes.",
        "failed_ci_merged": f"{who} merged {where} at {head} with failed checks: {', '.join(failed) or 'unnamed'}.",
        "ci_missing_merged": f"{who} merged {where} at {head} before its required checks had passed.",
        "unauthorised_merge": f"{who} merged {where}{queued} and was not on the list of authorised mergers then.",
        "no_staging": f"{who} merged {where}; {head} had not been released to staging.",
    }[kind]

"""Reviews of deployments, from both doors: the webhook ``deployment_review`` and a run's list of approvals. Pure.

The list (``GET /repos/{o}/{r}/actions/runs/{run}/approvals``) tells who, what and why, neither when nor of which attempt.
"""

from collections.abc import Mapping
from typing import Any

from changes.connectors.fields import SMALL, Fields
from changes.connectors.github import objects
from changes.delivery.facts import DeploymentReviewReported

STATES = frozenset({"requested", "approved", "rejected"})


def told(*, body: Fields, action: str) -> DeploymentReviewReported | None:
    """What a delivery says; None when it names no run. Whoever asked is named, or whoever gave the word."""
    run = body.within("workflow_run")
    if run is None:
        return None
    who = "requestor" if action == "requested" else "approver"
    uid, login, _ = objects.account(holder=body, name=who if body.has(who) else "sender")
    return DeploymentReviewReported(
        run=run.needed_number("id"),
        state=action,
        environments=_environments(body),
        attempt=run.number("run_attempt", largest=SMALL) or 1,
        uid=uid,
        login=login,
        commit_sha=run.commit("head_sha") or "",
        comment=body.text("comment") or "",
        reviewers=tuple(filter(None, (_reviewer(one) for one in body.items("reviewers")))),
        happened_at=body.moment("since") if action == "requested" else None,
    )


def listed(*, run: int, value: Mapping[str, Any]) -> DeploymentReviewReported | None:
    """One entry of a run's list; None for a comment that decides nothing."""
    fields = Fields.of(value=value, path="review")
    state = fields.needed_text("state")
    if state not in STATES:
        return None
    uid, login, _ = objects.account(holder=fields, name="user")
    names = (_name(one.needed_text("name")) for one in fields.items("environments"))
    comment = fields.text("comment") or ""
    return DeploymentReviewReported(run=run, state=state, environments=tuple(names), uid=uid, login=login, comment=comment)


def _environments(body: Fields) -> tuple[str, ...]:
    """That of the request, of the job or of each of the jobs."""
    jobs = [*body.items("workflow_job_runs"), *filter(None, [body.within("workflow_job_run"), body])]
    return tuple(dict.fromkeys(_name(name) for job in jobs if (name := job.text("environment"))))


def _name(environment: str) -> str:
    return environment if len(environment) <= objects.ENVIRONMENT else f"{environment[: objects.ENVIRONMENT - 1]}…"


def _reviewer(one: Fields) -> str:
    account = one.within("reviewer")
    if account is None:
        return ""
    name = account.text("login", limit=objects.LOGIN) or account.text("name", limit=objects.LOGIN) or ""
    return f"team {name}" if one.text("type") == "Team" else name

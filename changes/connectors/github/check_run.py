"""Publish the verdict as a check run on the pull request's head commit (REFERENCE: REST ``check-runs``).

It is delivered by the outbox: at least once, the newest version only. The client looks first for a run with our
``external_id``, so that an answer that got lost after the effect does not make a second run.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from changes.connectors import errors
from changes.connectors.forges import client_of
from changes.connectors.github.client import GitHub
from changes.connectors.github.status_forge import StatusForge
from changes.connectors.github.witness import witness_of
from changes.connectors.models import Source
from changes.delivery.models import Repository
from changes.gates.publishing import run_of as current_run
from portal.outbox.errors import Passing, Permanent
from portal.outbox.registry import deliverer

KIND = "github.check_run"
GITHUB_API = "https://api.github.com"
TITLE = 255
SUMMARY = 65_535
"""Characters that GitHub takes."""


@deliverer(KIND)
def deliver_check_run(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring about that the commit carries the check run of ``payload``; returns its id, or why it is not connected.

    ``payload``: repository, head_sha, external_id, name, status, conclusion (empty while it is not completed), title,
    summary, details_url. That no source is connected is a result and no error: there is nothing to try again for.
    """
    source = Source.objects.filter(kind=_forge_of(payload)).order_by("id").first()
    missing = not_connected(source)
    if source is None or missing:
        return {"published": False, "reason": f"not connected: {missing}"}
    newest = _newest(payload)
    try:
        vendor_id = _publish(client_of(source=source, repository_name=newest["repository"], at=timezone.now()), newest)
    except errors.Passing as problem:
        raise Passing(wait_of(problem), problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem
    return {"published": True, "check_run": vendor_id}


def _forge_of(payload: Mapping[str, Any]) -> str:
    row = Repository.objects.filter(name=payload["repository"], in_scope_until=None).order_by("id").first()
    return row.forge if row is not None else "github"


def _publish(client: GitHub, run: Mapping[str, Any]) -> int:
    """As a check run with the ledger's witness; as a status, which has no room for it, where the forge has no check runs."""
    if isinstance(client, StatusForge):
        return client.set_status(sha=run["head_sha"], name=run["name"], run=run_of(run))
    said = run_of({**run, "summary": run["summary"] + witness_of(change=run["external_id"])})
    return client.publish_check_run(sha=run["head_sha"], name=run["name"], external_id=run["external_id"], run=said)


def _newest(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run says by now; what was asked for when the head is open no longer."""
    repository = Repository.objects.filter(name=payload["repository"], in_scope_until=None).first()
    now = current_run(repository=repository, sha=payload["head_sha"]) if repository is not None else None
    return now if now is not None else payload


def not_connected(source: Source | None) -> str:
    """Why no check run can be published through ``source``; empty when it can."""
    if source is None:
        return "no GitHub source"
    if source.paused_at is not None:
        return "the GitHub source is paused"
    if not source.readable:
        return "the GitHub source has no token"
    if source.api_url == GITHUB_API and not source.app_id:
        return "GitHub lets only an App write check runs, and the source is a personal token"
    return ""


def run_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The body as GitHub names it: a conclusion only when completed, texts no longer than it takes."""
    run = {
        "status": payload["status"],
        "details_url": payload["details_url"],
        "output": {"title": payload["title"][:TITLE], "summary": payload["summary"][:SUMMARY]},
    }
    if payload["status"] == "completed":
        run["conclusion"] = payload["conclusion"]
    return run


def wait_of(problem: errors.Passing) -> timedelta | None:
    """The wait that GitHub asked for, if it asked for one."""
    return None if problem.retry_after is None else timedelta(seconds=problem.retry_after)

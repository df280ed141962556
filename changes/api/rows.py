"""Rows of the database as answers of the API."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from changes.connectors.models import Delivery
from changes.delivery.models import PullRequest, Release
from changes.exceptions.models import ExceptionRecord
from changes.gates.deploy import Answer
from changes.gates.models import GateAnswer, Verdict
from changes.proposals import queries
from changes.proposals.models import Change
from changes.proposals.sections import texts_of
from portal.ledger.queries import entries_about


def change_row(row: Change) -> dict[str, Any]:
    """A change in a list."""
    return {
        "id": str(row),
        "number": row.number,
        "title": row.title,
        "state": row.state,
        "category": row.category,
        "emergency": row.category == "emergency",
        "size": row.size,
        "kind": row.kind,
        "requester": row.requester.name if row.requester else row.requester_login,
        "repositories": row.repository_names,
        "opened_at": row.opened_at,
        "moved_at": row.moved_at,
        "merged_at": row.merged_at,
        "released_at": row.released_at,
        "retrospective_due_at": row.retrospective_due_at,
        "review_due_at": row.review_due_at,
        "gates_summary": row.gates,
        "url": f"{settings.BASE_URL}/changes/{row.number}/",
    }


def change_whole(row: Change) -> dict[str, Any]:
    """A change with everything that its page shows."""
    revision = queries.current_revision(row)
    pull_requests = list(queries.linked_pull_requests(row).prefetch_related("links"))
    entries = entries_about(stream=f"change:{row.number}", limit=200)
    return {
        **change_row(row),
        **{name: text for name, text in texts_of(revision).items() if name != "title"},
        "revision": revision.number,
        "revision_digest": revision.digest,
        "revision_binds": revision.binds,
        "reasons": row.reasons,
        "gates": (row.assessment or {}).get("gates", []),
        "pull_requests": [_pull_request(item, row) for item in pull_requests],
        "releases": [release_row(item) for item in queries.releases_of(pull_requests)],
        "approvals": [_approval(item) for item in row.approvals.select_related("by", "revision", "lapse").order_by("id")],
        "verdicts": [verdict_row(item) for item in row.verdicts.order_by("at", "id")],
        "exceptions": [str(item) for item in row.exceptions.exclude(state="cleared").order_by("id")],
        "timeline": [
            {"kind": item.kind, "actor": item.actor, "at": item.at, "fact": dict(item.fact), "hash": item.hash} for item in entries
        ],
    }


def _pull_request(row: PullRequest, change: Change) -> dict[str, Any]:
    return {
        "repository": row.repository.name,
        "number": row.number,
        "role": next((link.role for link in row.links.all() if link.change_id == change.pk), ""),
        "title": row.title,
        "state": row.state,
        "base": row.base_ref,
        "head_sha": row.head_sha,
        "merge_sha": row.merge_sha,
        "author": row.author_login,
        "merged_by": row.merged_by_login,
        "merged_at": row.merged_at,
        "confirmed": row.confirmed_at is not None,
    }


def _approval(row: Any) -> dict[str, Any]:
    return {
        "by": row.by.name,
        "verdict": row.verdict,
        "revision": row.revision.number,
        "head_sha": row.head_sha,
        "note": row.note,
        "at": row.at,
        "lapsed": row.lapse.reason if hasattr(row, "lapse") else "",
    }


def verdict_row(row: Verdict) -> dict[str, Any]:
    """A frozen verdict."""
    names = ("moment", "subject", "outcome", "gates", "facts_digest", "rules_version", "policy_version", "at")
    return {name: getattr(row, name) for name in names}


def release_row(row: Release) -> dict[str, Any]:
    """A release, with the one that it undoes."""
    return {
        "id": row.pk,
        "source": row.source,
        "app": row.app,
        "version": row.version,
        "environment": row.environment,
        "repository": row.repository.name if row.repository else "",
        "commit": row.commit_sha,
        "image": row.image,
        "state": row.state,
        "actor": row.actor,
        "created_at": row.created_at,
        "succeeded_at": row.succeeded_at,
        "failed_at": row.failed_at,
        "rollback": row.rolls_back_id is not None,
        "rolls_back": row.rolls_back_id,
        "rolls_back_commit": row.rolls_back.commit_sha if row.rolls_back else "",
        "changes": [],
        "confirmed": row.confirmed_at is not None,
    }


def releases_with_changes(rows: Iterable[Release]) -> list[dict[str, Any]]:
    """Releases with the changes that their commits carry; one query for all of them."""
    found = list(rows)
    carried = queries.changes_by_commit({row.commit_sha for row in found} - {""})
    return [{**release_row(row), "changes": carried.get(row.commit_sha, [])} for row in found]


def exception_row(row: ExceptionRecord) -> dict[str, Any]:
    """An exception. ``finding`` is kind and subject in one word."""
    return {
        "id": row.pk,
        "finding": f"{row.kind}:{row.subject}" if row.subject else row.kind,
        "kind": row.kind,
        "subject": row.subject,
        "clause": row.clause,
        "repository": row.repository.name if row.repository else "",
        "change": str(row.change) if row.change else "",
        "sentence": row.sentence,
        "state": row.state,
        "confirmed": row.confirmed,
        "evidence": row.evidence,
        "happened_at": row.happened_at,
        "found_at": row.found_at,
        "due_at": row.due_at,
        "owner": row.owner.name if row.owner else "",
        "judged_by": row.judged_by.name if row.judged_by else "",
        "repeats": row.folds_into_id,
    }


def delivery_row(row: Delivery) -> dict[str, Any]:
    """One row of the inbox; the body itself is not shown here."""
    return {
        "id": row.pk,
        "source": row.source.name,
        "delivery_id": row.delivery_id,
        "event": row.event,
        "state": row.state,
        "repository": row.repository_name,
        "attempts": row.attempts,
        "note": row.note,
        "body_size": row.body_size,
        "body_sha256": row.body_digest,
        "received_at": row.received_at,
        "applied_at": row.applied_at,
    }


def gate_answer(answer: Answer, kept: GateAnswer) -> dict[str, Any]:
    """What the deploy gate said, and the number under which it is kept."""
    names = [str(change) for change in answer.changes]
    return {
        "answer": kept.pk,
        "allow": answer.allow,
        "repository": answer.repository,
        "commit": answer.commit,
        "environment": answer.environment,
        "change": names[0] if names else None,
        "changes": names,
        "reasons": list(answer.reasons),
        "notes": list(answer.notes),
        "rollback": answer.rollback,
        "failed_open": answer.failed_open,
        "gates": list(answer.gates),
        "at": kept.at,
    }

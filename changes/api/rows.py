"""Rows of the database as answers of the API."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils.timezone import now

from changes.approvals import queries as approvals
from changes.approvals.models import Condition, Waiver
from changes.approvals.policy import progress
from changes.connectors.models import Delivery
from changes.delivery.models import PullRequest, Release
from changes.desk.frozen import today_of
from changes.exceptions.models import ExceptionRecord
from changes.gates.deploy import Answer
from changes.gates.explain import explanation
from changes.gates.models import GateAnswer, Verdict
from changes.gates.today import is_present
from changes.meetings.models import Decision
from changes.meetings.standing import decisions_about
from changes.proposals import queries
from changes.proposals.models import Change, ClassChoice
from changes.proposals.sections import texts_of
from portal.ledger.queries import entries_about
from portal.policy.in_force import parameters_at


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
        "risk_level": row.risk_level,
        "risk_points": row.risk_points,
        "routine": row.routine,
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
        "class_choices": [_choice(item) for item in row.class_choices.select_related("by").order_by("id")],
        "risk": row.risk,
        "gates": _explained(row.assessment or {}),
        "pull_requests": [_pull_request(item, row) for item in pull_requests],
        "releases": [release_row(item) for item in queries.releases_of(pull_requests)],
        "approvals_needed": approvals.need_of_change(row, at=now()).count,
        "approvals": [
            _approval(item) for item in row.approvals.select_related("by", "on_behalf_of", "revision", "lapse").order_by("id")
        ],
        "conditions": [_condition(item) for item in approvals.with_steps(row.conditions.all())],
        "decisions": [decision_row(item) for item in decisions_about(row)],
        "waivers": [_waiver(item) for item in row.waivers.select_related("proposed_by", "chair", "compliance").order_by("id")],
        "verdicts": [verdict_row(item) for item in row.verdicts.order_by("at", "id")],
        "exceptions": [str(item) for item in row.exceptions.exclude(state="cleared").order_by("id")],
        "timeline": [
            {
                "kind": item.kind,
                "actor": item.actor,
                "at": item.at,
                "fact": dict(item.fact),
                "redacted": item.redacted,
                "hash": item.hash,
            }
            for item in entries
        ],
    }


def _explained(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """The gates as last judged, each with why."""
    version = str(kept.get("policy", ""))
    return [{**gate, "explain": asdict(explanation(gate, policy_version=version))} for gate in kept.get("gates", [])]


def _choice(row: ClassChoice) -> dict[str, Any]:
    names = ("name", "was", "value", "lowers", "reason", "at")
    return {**{name: getattr(row, name) for name in names}, "by": row.by.name}


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
        "on_behalf_of": row.on_behalf_of.name if row.on_behalf_of else "",
        "via": row.via,
        "verdict": row.verdict,
        "revision": row.revision.number,
        "head_sha": row.head_sha,
        "note": row.note,
        "at": row.at,
        "lapsed": row.lapse.reason if hasattr(row, "lapse") else "",
    }


def _condition(row: Condition) -> dict[str, Any]:
    """``state`` is open, to_confirm, done, or lapsed when the approval with which it was set no longer counts."""
    state = progress(steps=approvals.steps_of(row), to_confirm=row.to_confirm)
    return {
        "text": row.text,
        "owner": row.owner.name,
        "before": row.before,
        "due_at": row.due_at,
        "set_by": row.set_by.name,
        "set_at": row.set_at,
        "state": state if approvals.is_standing(row) else "lapsed",
        "steps": [{"kind": step.kind, "by": step.by.name, "note": step.note, "at": step.at} for step in row.steps.all()],
    }


def _waiver(row: Waiver) -> dict[str, Any]:
    """``decided`` is true once chair and compliance manager have both signed."""
    return {
        "reason": row.reason,
        "nobody": row.nobody,
        "proposed_by": row.proposed_by.name,
        "proposed_at": row.proposed_at,
        "chair": row.chair.name if row.chair else "",
        "chair_at": row.chair_at,
        "compliance": row.compliance.name if row.compliance else "",
        "compliance_at": row.compliance_at,
        "decided": bool(row.chair and row.compliance),
        "head_sha": row.head_sha,
        "review_at": row.review_at,
        "withdrawn_at": row.withdrawn_at,
        "lapsed": row.lapse_reason,
        "review": row.review_note,
    }


def decision_row(row: Decision) -> dict[str, Any]:
    """A decision of the meeting, or of a written vote. ``lapsed`` is why it counts no more; empty while nothing ended it."""
    lapse = getattr(row, "lapse", None)
    return {
        "number": row.number,
        "outcome": row.outcome,
        "reason": row.reason,
        "meeting": row.meeting.number if row.meeting is not None else None,
        "revision": row.revision.number if row.revision is not None else None,
        "digest": row.digest,
        "conditions": row.conditions,
        "tally": row.tally,
        "by": row.by.name,
        "at": row.at,
        "expires_at": row.expires_at,
        "lapsed": lapse.reason if lapse is not None else "",
    }


def verdict_row(row: Verdict) -> dict[str, Any]:
    """A frozen verdict, with what today's rules say about the same facts."""
    names = ("moment", "subject", "outcome", "gates", "facts_digest", "rules_version", "policy_version", "at")
    parameters = parameters_at(now())
    facts = None if is_present(row.rules_version, row.policy_version, parameters) else row.facts
    return {**{name: getattr(row, name) for name in names}, "today": today_of(row, facts=facts, parameters=parameters).as_json()}


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

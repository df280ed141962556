"""Exceptions: found once, answered with a note, cleared by evidence, opened again; every step stays."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from changes.delivery.models import Repository
from changes.exceptions import actions
from changes.exceptions.actions import Found
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord
from changes.proposals import submitting
from portal.ledger.queries import entries_about
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


def found(**more):
    values = {"kind": "no_review", "subject": "#7", "key": "acme/web#7:no_review", "sentence": "x", "happened_at": AT}
    return Found(**{**values, "confirmed": False, **more})


def opened(repository, **more):
    return actions.open_exception(repository=repository, found=found(**more), at=AT)


def kinds(record):
    return [entry.kind for entry in reversed(entries_about(stream=f"exception:{record.pk}"))]


def test_every_kind_names_a_clause():
    assert all(kind.clause in Clause for kind in KINDS.values())


def test_what_is_found_twice_is_one_record_and_gains_what_it_lacked(repository):
    record = opened(repository)
    ann = person("Ann")
    change = submitting.submit(
        given={"title": "x", "why": "y", "rollback": "z", "category": "standard", "size": "normal"}, by=ann, ready=True, at=AT
    )

    assert opened(repository) is None
    assert opened(repository, confirmed=True, change=change) is None

    record.refresh_from_db()
    assert (record.confirmed, record.change, record.state) == (True, change, "open")
    assert kinds(record) == ["exception.found"]


def test_another_worker_that_finds_it_in_the_same_moment_wins(repository, monkeypatch):
    def taken(*_, **__):
        raise IntegrityError

    monkeypatch.setattr(ExceptionRecord, "save", taken)

    assert opened(repository) is None


def test_later_evidence_clears_it_and_finding_it_again_opens_it(repository):
    record = opened(repository)

    actions.clear(record=record, reason="a review came in", at=AT)
    actions.clear(record=record, reason="once more", at=AT)
    again = opened(repository)

    assert again.state == "open"
    assert kinds(record) == ["exception.found", "exception.cleared", "exception.reopened"]


def test_an_answer_needs_a_note_and_a_state_that_takes_it(repository):
    record, ann = opened(repository), person("Ann")
    with pytest.raises(Refused, match="note"):
        actions.answer(record=record, outcome="explained", note="  ", by=ann, at=AT)
    with pytest.raises(Stale):
        actions.answer(record=record, outcome="accepted", note="fine", by=ann, at=AT)

    actions.answer(record=record, outcome="explained", note="reviewed since", by=ann, at=AT)
    actions.answer(record=record, outcome="repaired", note="reverted", by=ann, at=AT)
    with pytest.raises(Stale):
        actions.answer(record=record, outcome="explained", note="again", by=ann, at=AT)

    assert [step.outcome for step in record.steps.order_by("id")] == ["explained", "repaired"]


def test_a_look_opens_what_it_finds_and_clears_what_it_no_longer_finds(repository):
    other = found(kind="no_staging", key="acme/web#7:no_staging")
    first = actions.reconcile(repository=repository, found=[found(), other], looked_at=["acme/web#7:"], at=AT)

    second = actions.reconcile(repository=repository, found=[other], looked_at=["acme/web#7:"], at=AT)

    assert (len(first), second) == (2, [])
    assert ExceptionRecord.objects.get(kind="no_review").state == "cleared"
    assert ExceptionRecord.objects.get(kind="no_staging").state == "open"


def test_commits_that_a_pull_request_accounts_for_by_now_are_cleared(repository):
    direct = found(kind="direct_push", key="k", evidence={"branch": "main", "commit": "a" * 40})
    told_by_push = found(kind="direct_push", key="p", evidence={"after": "b" * 40})
    actions.reconcile_population(repository=repository, found=[direct], at=AT)
    actions.open_exception(repository=repository, found=told_by_push, at=AT)

    actions.reconcile_population(repository=repository, found=[], at=AT)

    assert ExceptionRecord.objects.get(key="k").state == "cleared"
    assert ExceptionRecord.objects.get(key="p").state == "open"

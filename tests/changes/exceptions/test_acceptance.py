"""Acceptance: two people, exactly that text, until a day; then the exception opens again by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.delivery.models import Repository
from changes.exceptions import acceptance, actions
from changes.exceptions.actions import Found
from changes.exceptions.models import Acceptance
from changes.exceptions.tasks import open_again
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def record():
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    thing = Found(
        kind="no_staging", subject="#7", key="k", sentence="x", happened_at=AT, confirmed=True, evidence={"merged_by": "ann-codes"}
    )
    return actions.open_exception(repository=repository, found=thing, at=AT)


def propose(record, by, **more):
    return acceptance.propose(
        **{"record": record, "until": AT + 30 * DAY, "reason": "Staging is rebuilt.", "by": by, "at": AT, **more}
    )


def confirm(row, by, **more):
    return acceptance.confirm(**{"acceptance": row, "digest": row.digest, "by": by, "at": AT, **more})


def kinds(record):
    return [entry.kind for entry in reversed(entries_about(stream=f"exception:{record.pk}"))]


def test_two_people_accept_it_until_a_day_and_then_it_opens_again(record):
    bob, cleo = person("Bob"), person("Cleo")
    row = propose(record, bob)
    accepted = confirm(row, cleo)

    assert accepted.state == "accepted"
    assert acceptance.open_again(at=AT + 29 * DAY) == 0
    assert acceptance.open_again(at=AT + 30 * DAY) == 1
    assert acceptance.open_again(at=AT + 31 * DAY) == 0
    record.refresh_from_db()
    assert record.state == "open"
    assert kinds(record) == ["exception.found", "exception.acceptance_proposed", "exception.accepted", "exception.reopened"]
    assert "Bob and Cleo" in record.steps.get(outcome="accepted").note


def test_the_task_opens_what_is_over(record):
    confirm(propose(record, person("Dev")), person("Mia"))

    assert open_again() == 0


def test_an_acceptance_that_somebody_ended_earlier_only_ends(record):
    mia = person("Mia")
    confirm(propose(record, person("Bob")), mia)
    actions.answer(record=record, outcome="open", note="no longer", by=mia, at=AT)

    assert acceptance.open_again(at=AT + 30 * DAY) == 1

    assert kinds(record)[-1] == "exception.acceptance_ended"


@pytest.mark.parametrize(
    ("name", "may"), [("Ann", False), ("Bob", True), ("Dev", True), ("Cleo", True), ("Mia", True), ("Rex", False)]
)
def test_who_proposes(record, name, may):
    by = person(name)
    if may:
        assert propose(record, by).proposed_by == by
    else:
        with pytest.raises(Refused):
            propose(record, by)


@pytest.mark.parametrize("name", ["Ann", "Dev", "Cleo", "Mia", "Rex"])
def test_who_confirms(record, name):
    row, by = propose(record, person("Bob")), person(name)
    if name in ("Cleo", "Mia"):
        assert confirm(row, by).state == "accepted"
    else:
        with pytest.raises(Refused):
            confirm(row, by)


def test_nobody_confirms_the_own_proposal_and_the_database_refuses_it_too(record):
    cleo = person("Cleo")
    row = propose(record, cleo)

    with pytest.raises(Refused, match="yourself"):
        confirm(row, cleo)
    with pytest.raises(IntegrityError), transaction.atomic():
        Acceptance.objects.filter(pk=row.pk).update(confirmed_by=cleo, confirmed_at=AT)


def test_those_whose_doing_it_is_neither_propose_nor_confirm(record):
    cleo, mia = person("Cleo"), person("Mia")
    linked(cleo, 11, "ann-codes")

    with pytest.raises(Refused, match="took part"):
        propose(record, cleo)
    row = propose(record, mia)
    with pytest.raises(Refused, match="took part"):
        confirm(row, cleo)


@pytest.mark.parametrize("wrong", [{"until": AT}, {"until": AT + 400 * DAY}, {"reason": " "}])
def test_an_acceptance_has_a_reason_and_a_day_within_a_year(record, wrong):
    with pytest.raises(Refused):
        propose(record, person("Mia"), **wrong)


def test_one_proposal_waits_at_a_time_and_lapses_after_three_days(record):
    bob, mia = person("Bob"), person("Mia")
    row = propose(record, bob)
    with pytest.raises(Stale, match="waits"):
        propose(record, mia)
    with pytest.raises(Stale):
        confirm(row, mia, at=AT + 3 * DAY)

    second = propose(record, mia, at=AT + 3 * DAY)

    assert second.pk != row.pk
    assert "exception.acceptance_expired" in kinds(record)


def test_another_text_than_the_one_read_is_not_confirmed(record):
    row = propose(record, person("Bob"))

    with pytest.raises(Stale, match="read"):
        confirm(row, person("Mia"), digest="0" * 64)


def test_a_proposal_is_taken_back_by_its_proposer_or_by_who_decides(record):
    bob, dev, mia = person("Bob"), person("Dev"), person("Mia")
    row = propose(record, bob)
    with pytest.raises(Refused):
        acceptance.withdraw(acceptance=row, by=dev, at=AT)
    acceptance.withdraw(acceptance=row, by=bob, at=AT)
    acceptance.withdraw(acceptance=propose(record, dev), by=mia, at=AT)

    with pytest.raises(Stale):
        acceptance.withdraw(acceptance=row, by=bob, at=AT)


def test_what_is_repaired_or_accepted_needs_no_acceptance(record):
    mia, bob = person("Mia"), person("Bob")
    row = propose(record, bob)
    actions.answer(record=record, outcome="repaired", note="done", by=bob, at=AT)

    with pytest.raises(Stale):
        confirm(row, mia)
    with pytest.raises(Stale):
        propose(record, mia)

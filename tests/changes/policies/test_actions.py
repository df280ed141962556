"""Versions of the policy: drafted by those who may, sent once, in force only by a decision and from its day on."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.policies import actions, queries
from portal.ledger.queries import entries_about
from portal.policy.document import built_in
from portal.policy.in_force import parameters_at, version_at
from portal.policy.models import PolicyVersion
from portal.policy.parameters import DEFAULT
from portal.policy.plain import WrongParameter
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def dev():
    return person("Dev")


def save(by, *, seen=0, at=AT, **more):
    given = {"text": built_in(), "parameters": {"large_changed_lines": 400}, "summary": "Smaller is large", "material": True}
    return actions.save_draft(seen=seen, by=by, at=at, **{**given, **more})


def sent(by, **more):
    row = save(by, **more)
    return actions.send(effective_at=AT + 7 * DAY, seen=row.version, by=by, at=AT)


def kinds():
    return [entry.kind for entry in reversed(entries_about(stream="policy"))]


def test_in_the_beginning_the_built_in_version_holds(dev):
    assert (version_at(AT), parameters_at(AT)) == (None, DEFAULT)
    assert queries.in_force(at=AT).number == 1
    assert [edition.number for edition in queries.editions()] == [1]
    assert queries.edition(1).plain["large_changed_lines"] == 800
    assert queries.edition(2) is None


def test_a_version_holds_from_its_day_on_and_not_before(dev):
    cleo = person("Cleo")
    version = sent(dev)
    assert parameters_at(AT + 30 * DAY) == DEFAULT

    actions.adopt(version=version, decision="Decision 4", by=cleo, at=AT + DAY)

    assert parameters_at(AT + 7 * DAY - timedelta(seconds=1)).large_changed_lines == 800
    assert parameters_at(AT + 7 * DAY).large_changed_lines == 400
    assert parameters_at(AT + 7 * DAY).version == "2"
    assert queries.in_force(at=AT + 8 * DAY).decision == "Decision 4"
    assert kinds() == ["policy.sent", "policy.adopted"]


def test_a_decision_after_the_wanted_day_counts_from_the_decision(dev):
    version = sent(dev)

    adopted = actions.adopt(version=version, decision="Decision 4", by=person("Cleo"), at=AT + 9 * DAY)

    assert adopted.effective_at == AT + 9 * DAY
    with pytest.raises(Stale):
        actions.reject(version=version, decision="Decision 5", by=person("Mia"), at=AT + 9 * DAY)


def test_a_rejected_version_never_holds_and_the_next_gets_its_own_number(dev):
    version = sent(dev)
    actions.reject(version=version, decision="Decision 4", by=person("Cleo"), at=AT)

    following = sent(dev)

    assert (version.number, following.number) == (2, 3)
    assert parameters_at(AT + 30 * DAY) == DEFAULT
    assert queries.review_due_at(installed_at=AT - 400 * DAY, every=365 * DAY) == AT + 365 * DAY
    assert queries.waiting() == following


def test_without_a_decision_the_review_is_due_after_the_beginning():
    assert queries.review_due_at(installed_at=AT, every=365 * DAY) == AT + 365 * DAY


def test_a_withdrawn_version_becomes_the_draft_again(dev):
    version = sent(dev)

    actions.withdraw(version=version, by=dev, at=AT)

    row = queries.draft()
    assert (row.text.strip(), row.parameters) == (built_in().strip(), {"large_changed_lines": 400})
    assert kinds()[-1] == "policy.withdrawn"


def test_a_withdrawn_version_does_not_overwrite_a_draft(dev):
    version = sent(dev)
    save(dev, summary="Another one")

    actions.withdraw(version=version, by=dev, at=AT)

    assert queries.draft().summary == "Another one"


@pytest.mark.parametrize("name", ["Ann", "Bob", "Rex"])
def test_only_the_architecture_team_and_compliance_draft(name):
    with pytest.raises(Refused, match="may not draft"):
        save(person(name))


def test_two_who_write_at_once_do_not_overwrite_each_other(dev):
    row = save(dev)
    save(person("Mia"), seen=row.version)

    with pytest.raises(Stale):
        save(dev, seen=row.version)
    with pytest.raises(Stale):
        save(dev)
    with pytest.raises(Stale):
        actions.drop_draft(seen=1, by=dev, at=AT)
    with pytest.raises(Stale):
        actions.send(effective_at=AT + DAY, seen=1, by=dev, at=AT)
    actions.drop_draft(seen=2, by=dev, at=AT)
    actions.drop_draft(seen=2, by=dev, at=AT)
    assert queries.draft() is None


def test_a_draft_keeps_unfinished_text_but_no_impossible_parameter(dev):
    save(dev, text="Not yet \x00 a policy")
    assert queries.draft().text == "Not yet  a policy"
    with pytest.raises(WrongParameter):
        save(dev, seen=1, parameters={"staging_soak": "a while"})


@pytest.mark.parametrize(
    ("draft", "days", "words"),
    [
        ({"text": "nothing"}, 7, "P-01 is missing"),
        ({"summary": " "}, 7, "summary is empty"),
        ({"parameters": {}}, 7, "in force already"),
        ({}, 0, "within a year"),
        ({}, 400, "within a year"),
    ],
)
def test_a_draft_that_cannot_be_decided_on_is_not_sent(dev, draft, days, words):
    row = save(dev, **draft)

    with pytest.raises(Refused, match=words):
        actions.send(effective_at=AT + days * DAY, seen=row.version, by=dev, at=AT)
    assert queries.draft() is not None


def test_nothing_is_sent_without_a_draft_and_one_waits_at_a_time(dev):
    with pytest.raises(Refused, match="no draft"):
        actions.send(effective_at=AT + DAY, seen=0, by=dev, at=AT)
    sent(dev)
    row = save(dev)
    with pytest.raises(Refused, match="waits for a meeting already"):
        actions.send(effective_at=AT + DAY, seen=row.version, by=dev, at=AT)


def test_the_database_refuses_to_change_a_version_or_to_skip_its_entry(dev):
    version = sent(dev)

    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(text="other")
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(state="adopted", effective_at=AT)
    assert version.digest == actions.digest_for(number=2, text=version.text, parameters=version.parameters)

"""Somebody changes the domain tables and leaves the ledger alone: the rows are named."""

import pytest
from django.db import transaction

from portal.ledger.report import Problem
from portal.ledger.verification import verify
from tests.portal.ledger.conftest import AT, REHASH, tamper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE changes_change SET state = 'approved'", "the row was changed without an entry: state"),
        (
            "UPDATE changes_change SET category = 'emergency', size = 'large'",
            "the row was changed without an entry: category, size",
        ),
        (
            "DELETE FROM changes_searchtext; DELETE FROM changes_revision; DELETE FROM changes_change",
            "the row is gone, but the ledger has an entry about it",
        ),
    ],
)
def test_an_edited_or_removed_row_of_the_domain_is_found(ledger, where, statement, sentence):
    tamper(statement)

    found = [problem for problem in verify(where=where, full=True).problems if problem.place.startswith("changes_change")]
    assert found == [Problem(f"changes_change:{ledger.pk}", sentence)]


def test_an_edited_text_of_a_revision_is_found(ledger, where):
    revision = ledger.revisions.get()
    tamper("UPDATE changes_revision SET rollback = 'none needed'")

    assert verify(where=where).problems[0] == Problem(
        f"changes_revision:{revision.pk}", "the row was changed without an entry: rollback"
    )


def test_a_row_that_was_slipped_in_is_found(ledger, where, person):
    ann = person()
    tamper(
        "INSERT INTO changes_signoff (change_id, commit_sha, by_id, note, at) "
        f"VALUES ({ledger.pk}, 'abc', {ann.pk}, '', '{AT.isoformat()}')"
    )

    problem = verify(where=where).problems[0]
    assert problem.place.startswith("changes_signoff:")
    assert problem.sentence == "the row has no entry in the ledger: it was slipped in"


def test_a_row_whose_last_entry_lost_its_text_is_found(ledger, where):
    tamper("DELETE FROM portal_ledgerbody WHERE payload LIKE '%proposed%'")

    assert Problem(f"changes_change:{ledger.pk}", "the last entry about the row has lost its text") in verify(where=where).problems


def test_a_column_that_a_migration_removed_is_no_tampering(ledger, where):
    with transaction.atomic():
        tamper('UPDATE portal_ledgerbody SET payload = replace(payload, \'"state":\', \'"condition":"x","state":\')', REHASH)

    assert not [problem for problem in verify(where=where, full=True).problems if problem.place.startswith("changes_")]

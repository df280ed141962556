"""An account at a forge is written into the ledger after its own forge; pages read that, and what was written before."""

from datetime import UTC, datetime

import pytest

from changes.delivery.models import PullRequest, Repository
from changes.desk.timeline import happenings
from changes.proposals.following import join
from portal.ledger.actions import append
from portal.ledger.queries import entries_about

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def joined(forge):
    repository = Repository.objects.create(forge=forge, name="acme/web", in_scope_from=AT)
    values = {"title": "Work", "state": "open", "head_ref": "topic", "head_sha": "a" * 40, "base_ref": "main"}
    moments = {"opened_at": AT, "touched_at": AT, "reported_at": AT}
    row = PullRequest.objects.create(repository=repository, number=1, author_uid=7, author_login="ann-dev", **values, **moments)
    [change] = join(pull_request=row, at=AT, settled=True)
    return change


def said(change):
    return {item.who for item in happenings(change=change, pull_requests=[], releases=[])}


@pytest.mark.parametrize("forge", ["github", "gitea", "gitlab"])
def test_the_account_that_opened_a_change_is_named_after_its_forge(forge):
    change = joined(forge)

    actors = {entry.actor for entry in entries_about(stream=f"change:{change.number}")}

    assert actors == {f"{forge}:7:ann-dev"}
    assert said(change) == {"ann-dev"}


def test_what_was_written_before_is_read_as_well():
    change = joined("gitlab")
    for actor in ("github:7:bob-dev", "github:7:", "gitea::", "portal", "shell:root"):
        append(stream=f"change:{change.number}", kind="change.noted", actor=actor, fact={}, rows=[])

    assert said(change) == {"ann-dev", "bob-dev", "GitHub", "Gitea", "Countersign", "root at the command line"}

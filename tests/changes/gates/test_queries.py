"""Facts are loaded as the rules expect them: what is not known stays not known."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery.models import PullRequest, Repository
from changes.gates.queries import facts_of
from changes.proposals.actions import approve, lapse_approvals, link, open_change
from tests.changes.people import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


@pytest.fixture
def change():
    return open_change(texts={"title": "Raise memory"}, source="form", at=AT, actor="shell:test", state="proposed")


@pytest.fixture
def pull_request(change):
    """Link one to the change, with these paths."""
    web = Repository.objects.create(name="acme/web", in_scope_from=AT)

    def linked(number, paths, role="work"):
        row = PullRequest.objects.create(
            repository=web,
            number=number,
            title="Work",
            state="open",
            head_ref=f"work/{number}",
            base_ref="main",
            head_sha=f"{number:040}",
            paths=paths,
            opened_at=AT,
            reported_at=AT,
            touched_at=AT,
        )
        link(change=change, pull_request=row, role=role, reason="test", actor="shell:test", at=AT)

    return linked


MIGRATION = ["app/migrations/0002_price.py"]
PATHS = {
    "no pull request": ([], None),
    "not read": ([(None, "work")], None),
    "read, without a migration": ([(["app/web.py"], "work")], False),
    "read, with a migration": ([(["app/web.py", *MIGRATION], "work")], True),
    "one of two not read": ([(MIGRATION, "work"), (None, "work")], None),
    "a promotion does not matter beside its work": ([(["app/web.py"], "work"), (None, "promotion")], False),
    "a promotion alone": ([(MIGRATION, "promotion")], True),
}


@pytest.mark.parametrize(("rows", "expected"), PATHS.values(), ids=PATHS.keys())
def test_a_migration_is_known_once_the_paths_of_all_work_are(change, pull_request, rows, expected):
    for number, (paths, role) in enumerate(rows, start=1):
        pull_request(number, paths, role)

    assert facts_of(change, at=AT).has_migration is expected


def test_an_approval_that_lapsed_says_why_and_when(change, pull_request):
    pull_request(1, [])
    approve(change=change, by=person("Bob"), verdict="yes", note="", authenticated_at=AT, at=AT)

    standing = facts_of(change, at=LATER).approvals
    lapse_approvals(change=change, reason="a new push", at=LATER)
    lapsed = facts_of(change, at=LATER).approvals

    assert [(item.lapsed, item.lapsed_at) for item in (*standing, *lapsed)] == [("", None), ("a new push", LATER)]

"""What rows of populations say about releases, commits, registers and people, over small worlds."""

from datetime import timedelta

import pytest
from django.db import transaction

from audits.populations.facts import Asked
from audits.populations.kinds import KINDS
from audits.populations.queries import href_of
from audits.populations.reading.code import BEFORE, BY_PULL_REQUEST, GONE, PUSHED
from audits.populations.reading.registers import of_limitation
from audits.populations.sheet import count_at_source
from changes.delivery.models import BranchCommit, Repository
from changes.entitlements.reviews.actions import answer as answer_entries
from changes.entitlements.reviews.actions import open_review
from changes.entitlements.segregation.models import Limitation
from changes.exceptions.actions import Found, answer, open_exception, step
from changes.exceptions.detect import about_releases
from changes.exceptions.models import ExceptionState
from portal.access.scope import EVERYTHING, Scope
from tests.changes.entitlements.world import held
from tests.changes.entitlements.world import take as take_rights
from tests.changes.outcomes.world import AT, HOUR, in_production, pull, released, repository
from tests.changes.people import person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def rows(code, *, scope=EVERYTHING, since=AT - DAY, until=AT + DAY, at=AT + DAY):
    """The rows of a kind by their keys."""
    return {row["key"]: row for row in KINDS[code].read(Asked(since=since, until=until, scope=scope, at=at))}


def test_releases_have_their_exceptions_by_key_and_none_without_a_commit_is_of_a_known_change():
    in_production(person("Ann"), pull(4))
    fly, bare = released("4", 12, at=AT, app="web-prod"), released("", 13, at=AT, app="web-prod")
    key = f"release:{fly.pk}:7:released_in_freeze"
    frozen = Found("released_in_freeze", "web-prod v12 in Year end", key, "It went out in Year end.", AT, confirmed=True)
    frozen_out = open_exception(repository=repository(), found=frozen, at=AT)
    records = [
        open_exception(repository=repository(), found=found, at=AT)
        for _, many in about_releases(repository=repository(), releases=[fly, bare])
        for found in many
    ]

    said = rows("releases")

    assert [record.subject for record in records] == ["web-prod v12", "web-prod v13"]
    first, second = (said[f"release-{release.pk}"] for release in (fly, bare))
    assert (first["exceptions"], second["exceptions"]) == (f"EXC-{frozen_out.pk}, EXC-{records[0].pk}", f"EXC-{records[1].pk}")
    assert (first["outcome"], second["outcome"]) == ("Of a known change", "Of no known change")


def commit(letter, position, *, at=AT):
    return BranchCommit.objects.create(
        repository=repository(),
        branch="prod",
        sha=letter * 40,
        position=position,
        committed_at=at,
        seen_at=AT,
        paths=[],
        co_authors=[],
    )


def test_a_commit_that_no_pull_request_brought_is_said_to_be_pushed_with_an_exception_or_without():
    pull(1, merge="b")
    for position, (letter, at) in enumerate((("a", AT - HOUR), ("b", AT), ("c", AT + HOUR), ("d", AT + HOUR)), start=1):
        commit(letter, position, at=at)
    BranchCommit.objects.filter(sha="d" * 40).update(gone_at=AT + HOUR)

    said = rows("commits")

    assert {row["commit"][0]: (row["outcome"], row["exceptions"]) for row in said.values()} == {
        "a": (BEFORE, ""),
        "b": (BY_PULL_REQUEST, ""),
        "c": (PUSHED, ""),
        "d": (GONE, ""),
    }


def test_a_merge_that_holds_what_nobody_reviewed_is_said_to_with_its_exception():
    pull(1, merge="b")
    rows_ = [commit(letter, position) for position, letter in enumerate("abcd", start=1)]
    for row, content in zip(rows_[1:], ("own", "same", ""), strict=True):
        BranchCommit.objects.filter(pk=row.pk).update(parents=["e" * 40, "f" * 40], merge_content=content)
    key = f"{repository().key}:merge:{'b' * 40}:merge_with_own_content"
    found = Found("merge_with_own_content", "#1", key, "It holds more.", AT, confirmed=True)
    record = open_exception(repository=repository(), found=found, at=AT)

    said = rows("commits")

    assert {row["commit"][0]: (row["merge"], row["exceptions"]) for row in said.values()} == {
        "a": ("", ""),
        "b": ("Content that neither side has", f"EXC-{record.pk}"),
        "c": ("What Git makes of its two sides", ""),
        "d": ("Not compared yet", ""),
    }


def test_an_exception_that_was_opened_again_keeps_its_last_answer():
    found = Found("no_review", "#1", "x:no_review", "Nobody reviewed it.", AT, confirmed=True)
    record, ann = open_exception(repository=repository(), found=found, at=AT), person("Ann")
    answer(record=record, outcome="explained", note="The reviewer was ill.", by=ann, at=AT + HOUR)
    with transaction.atomic():
        record.refresh_from_db()
        step(record=record, outcome=ExceptionState.OPEN, note="Ill all year?", by=None, at=AT + 2 * HOUR)

    [said] = rows("exceptions").values()

    assert (said["outcome"], said["answer"], said["answered_by"]) == ("Open", "The reviewer was ill.", "Ann")


@pytest.mark.parametrize(
    ("confirmed", "withdrawn", "hours", "outcome"),
    [
        (None, None, 1, "Not confirmed"),
        (AT, None, 1, "In force"),
        (AT, None, 2, "Run out"),
        (AT, AT + HOUR, 1, "Withdrawn"),
    ],
)
def test_a_limitation_runs_out(confirmed, withdrawn, hours, outcome):
    row = Limitation(until=AT + 2 * HOUR, confirmed_at=confirmed, withdrawn_at=withdrawn)

    assert of_limitation(row, AT + hours * HOUR) == outcome


def test_entries_of_access_reviews_are_those_of_the_repositories_and_systems_in_scope():
    for number, (forge, name) in enumerate((("github", "acme/web"), ("gitlab", "acme/old"), ("github", "acme/api")), start=1):
        Repository.objects.create(forge=forge, vendor_id=max(number - 1, 1), name=name, in_scope_from=AT)
    for key in ("github.repository:1", "github.branch:2:prod", "github.team:1", "gitlab.repository:1", "fly.organization:1"):
        take_rights(held(key, thing=key), things=(key,), source=key.partition(".")[0], at=AT)
    mia = person("Mia")
    review = open_review(by=mia, at=AT)
    answer_entries(review=review, entries=[review.entries.get(thing="github.team:1").pk], verdict="keep", by=mia, at=AT + HOUR)
    web, old = (Scope(repositories=frozenset({name})) for name in ("acme/web", "acme/old"))
    fly = Scope(systems=frozenset({"fly", "portal"}))

    found = {}
    for name, scope in (("all", EVERYTHING), ("web", web), ("old", old), ("fly", fly)):
        found[name] = {row["account"] for row in rows("access_reviews", scope=scope).values()}
        asked = Asked(since=AT - DAY, until=AT + DAY, scope=scope, at=AT + DAY)
        assert count_at_source(KINDS["access_reviews"], asked) == len(found[name])

    words = {row["account"]: (row["outcome"], row["answered_by"]) for row in rows("access_reviews").values()}
    assert (words["github.team:1"], words["fly.organization:1"]) == (("Keep", "Mia"), ("Not answered", ""))
    everywhere = {"github.team:1", "fly.organization:1"}
    assert found == {
        "all": everywhere | {"github.repository:1", "github.branch:2:prod", "gitlab.repository:1"},
        "web": everywhere | {"github.repository:1"},
        "old": everywhere | {"gitlab.repository:1"},
        "fly": {"fly.organization:1"},
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [("CHG-7", "/changes/7/"), ("EXC-12", "/exceptions/12/"), ("EXC-12, EXC-13", ""), ("release-3", "/deploys/3/"), ("no-7", "")],
)
def test_an_id_in_a_cell_leads_to_its_page(text, address):
    assert href_of(text) == address

"""Drafts: private to their author, limited in size, gone once they are sent."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from changes.proposals import submitting
from changes.proposals.drafts import LONGEST, MOST, NEW, NotKept, draft_of, drafts_of, drop_draft, save_draft
from changes.proposals.models import Draft
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 14, 2, 11, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


def saved(by, key=None, about=NEW, at=AT, **fields):
    return save_draft(person=by, about=about, form_key=key or uuid4(), fields={"title": "Split", **fields}, at=at)


def test_a_draft_is_kept_and_overwritten_by_the_same_form():
    ann, key = person("Ann"), uuid4()

    saved(ann, key)
    saved(ann, key, at=AT + timedelta(seconds=3), why="slow\x00er")

    draft = Draft.objects.get()
    assert (draft.fields, draft.saved_at) == ({"title": "Split", "why": "slower"}, AT + timedelta(seconds=3))


def test_nobody_else_finds_a_draft():
    ann, bob, key = person("Ann"), person("Bob"), uuid4()
    saved(ann, key)

    drop_draft(person=bob, form_key=key)

    assert draft_of(person=bob, form_key=key) is None
    assert drafts_of(person=bob, about=NEW) == []
    assert draft_of(person=ann, form_key=key) is not None


def test_another_person_with_the_same_key_keeps_a_draft_of_their_own():
    ann, bob, key = person("Ann"), person("Bob"), uuid4()
    saved(ann, key, why="mine")
    saved(bob, key, why="theirs")

    assert draft_of(person=ann, form_key=key).fields["why"] == "mine"


def test_two_windows_keep_two_drafts_newest_first():
    ann = person("Ann")
    first, second = saved(ann), saved(ann, at=AT + timedelta(minutes=1))
    saved(ann, about="1001")

    assert drafts_of(person=ann, about=NEW) == [second, first]
    assert [draft.about for draft in drafts_of(person=ann, about="1001")] == ["1001"]


def test_a_draft_that_is_too_long_is_refused_and_the_one_before_stays():
    ann, key = person("Ann"), uuid4()
    saved(ann, key, why="short")

    with pytest.raises(NotKept, match="2,000,000 can be kept"):
        saved(ann, key, why="x" * LONGEST)

    assert draft_of(person=ann, form_key=key).fields["why"] == "short"


def test_a_person_keeps_only_so_many_drafts_and_still_saves_those_there_are():
    ann = person("Ann")
    drafts = [saved(ann) for _ in range(MOST)]

    saved(ann, drafts[0].form_key, why="more")
    with pytest.raises(NotKept, match=f"you have {MOST} drafts already"):
        saved(ann)

    assert Draft.objects.count() == MOST


def test_sending_drops_the_draft_and_a_save_that_comes_late_is_told():
    ann, key = person("Ann"), uuid4()
    saved(ann, key)

    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT, form_key=key)

    assert not Draft.objects.exists()
    with pytest.raises(NotKept, match=f"became {change} revision 1"):
        saved(ann, key)


def test_a_draft_that_a_late_save_left_behind_is_not_offered():
    ann, key = person("Ann"), uuid4()
    submitting.submit(given=GIVEN, by=ann, ready=True, at=AT, form_key=key)
    Draft.objects.create(person=ann, about=NEW, form_key=key, fields={}, saved_at=AT)

    assert drafts_of(person=ann, about=NEW) == []

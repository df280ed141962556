"""Many rows at once: what comes back from the database is what was given, whatever it is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, DataError, transaction

from changes.delivery.models import PullRequest, Repository
from changes.proposals.models import Change, Revision
from portal.rows import insert_rows, reload_rows, update_rows
from tests.database import cover

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, 0, 7, tzinfo=UTC)
TEXTS = ("", 'why\n\t\\. "\\N" ,{}', "ü 😀 \u2028", "x" * 30_000)


def pulls(repository, **more):
    given = {"repository": repository, "state": "open", "head_ref": "b", "base_ref": "main", "reported_at": AT, "touched_at": AT}
    return [PullRequest(number=number, title=text, body=text, **{**given, **more}) for number, text in enumerate(TEXTS)]


def test_rows_come_back_as_they_were_given(django_assert_num_queries):
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    people = [{"login": 'ä"b', "uid": None, "n": 1}]
    rows = pulls(
        repository,
        labels=["a,b", '{"', "", "NULL"],
        paths=[],
        commit_people=people,
        additions=2**31 - 1,
        author_uid=2**60,
        draft=True,
    )
    rows[1].paths, rows[1].clocks = None, {"title": "2026|1"}

    with django_assert_num_queries(2):
        insert_rows(rows)

    found = list(PullRequest.objects.order_by("number"))
    names = [field.attname for field in PullRequest._meta.concrete_fields]
    assert [[getattr(row, name) for name in names] for row in found] == [[getattr(row, name) for name in names] for row in rows]
    assert [row._state.adding for row in rows] == [False] * 4

    for row in rows:
        row.title, row.labels, row.clocks = row.title[::-1], ["z"], {}
    with django_assert_num_queries(1):
        update_rows(rows, names={"title", "labels", "clocks"})
    update_rows(rows, names=())
    insert_rows([])

    assert [*PullRequest.objects.order_by("number").values_list("title", "labels", "clocks", "draft")] == [
        (text[::-1], ["z"], {}, True) for text in TEXTS
    ]


def test_a_number_of_another_kind_comes_back():
    change = Change.objects.create(number=7, title="x", opened_at=AT, moved_at=AT + timedelta(days=1))
    given = {"change": change, "digest": "d", "source": "form", "at": AT}
    texts = [Revision(number=number, form_key=key, **given) for number, key in ((1, None), (2, UUID(int=7)))]

    insert_rows(texts)
    cover(change, *texts)

    found = Revision.objects.order_by("number").values_list("pk", "form_key", "at")
    assert [*found] == [(row.pk, row.form_key, AT) for row in texts]


@pytest.mark.parametrize("text", ["nul \x00", "half \ud83d"])
def test_a_text_that_the_database_cannot_hold_is_refused_and_the_connection_goes_on(text):
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)

    with pytest.raises((DataError, UnicodeEncodeError)), transaction.atomic():
        insert_rows(pulls(repository, base_ref=text))
    with pytest.raises(DatabaseError, match="too long"), transaction.atomic():
        insert_rows(pulls(repository, state="x" * 11))

    assert PullRequest.objects.count() == 0


def test_rows_show_what_is_on_record_now_and_one_that_is_gone_is_not_passed_over(django_assert_num_queries):
    web = Repository.objects.create(name="acme/web", in_scope_from=AT)
    insert_rows(rows := pulls(web)[:3])
    web.name = "kept in memory alone"
    PullRequest.objects.filter(number=1).update(title="Another")
    with django_assert_num_queries(1):
        reload_rows(rows[::-1], of=PullRequest.objects.all())

    assert [row.title for row in rows] == [TEXTS[0], "Another", TEXTS[2]]
    with django_assert_num_queries(1):
        assert rows[0].repository.name == "acme/web"
    with django_assert_num_queries(1):
        reload_rows(rows[:1], of=PullRequest.objects.select_related("repository"))
        assert rows[0].repository.name == "acme/web"
    with django_assert_num_queries(0):
        reload_rows([], of=PullRequest.objects.all())
    PullRequest.objects.filter(number=2).delete()
    with pytest.raises(ObjectDoesNotExist, match=f"pull request {rows[2].pk} is gone"):
        reload_rows(rows, of=PullRequest.objects.all())

"""Cursors name a row and nothing else; what is no cursor of the list is a bad request."""

from datetime import UTC, datetime

import pytest
from django.test import RequestFactory

from portal.access.models import User
from portal.ui.paging import BadCursor, Page, cursor_of, links, listed, page_of, read_cursor
from tests.portal.access.people import person

AT = datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("key", [AT, 0, 1042, -7])
def test_a_cursor_is_read_as_it_was_made(key):
    assert read_cursor(cursor_of(key, 12)) == (key, 12)


@pytest.mark.parametrize("text", ["", "x", "%%%", "bjEy", "bngxfDE", "MjAyNi0wMS0wMVQwMDowMDowMHwx", "é"])
def test_what_no_list_made_is_refused(text):
    with pytest.raises(BadCursor):
        read_cursor(text)


@pytest.mark.django_db
def test_a_cursor_of_another_order_is_refused():
    with pytest.raises(BadCursor, match="sorted by something else"):
        page_of(User.objects.all(), by="joined_at", older_than=cursor_of(3, 1))
    with pytest.raises(BadCursor, match="sorted by something else"):
        page_of(User.objects.all(), by="id", older_than=cursor_of(AT, 1))


@pytest.mark.django_db
def test_a_plain_list_gets_its_rows_and_addresses_that_keep_the_filter():
    people = [person(name) for name in ("Ann", "Bob", "Cleo")]
    request = RequestFactory().get("/", {"older": cursor_of(people[2].pk, people[2].pk)})

    context = listed(request, User.objects.all(), by="id", kept={"state": "new", "other": ""}, size=1)

    assert context["rows"] == [people[1]]
    assert context["older"] == f"?state=new&older={cursor_of(people[1].pk, people[1].pk)}"
    assert context["newer"] == f"?state=new&newer={cursor_of(people[1].pk, people[1].pk)}"
    assert links(Page([], "", ""), {}) == {"older": "", "newer": ""}

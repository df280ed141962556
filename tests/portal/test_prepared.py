"""A long question is planned once by each connection."""

import pytest
from django.db import connection

from portal.prepared import prepared

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_question_is_prepared_once_by_a_connection_and_anew_by_the_next(django_assert_num_queries):
    asked = []

    def statement():
        asked.append(1)
        return "SELECT $1 + 1"

    def answer(value):
        with connection.cursor() as cursor:
            cursor.execute(prepared("one_more", statement), [value])
            return cursor.fetchone()[0]

    assert answer(4) == 5
    with django_assert_num_queries(1):
        assert answer(-8) == -7
    assert len(asked) == 1

    connection.close()

    assert answer(6) == 7
    assert len(asked) == 2

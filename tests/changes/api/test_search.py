"""`?q=` of the API takes what the search box of the list takes."""

import pytest

from portal.access.permissions import P
from tests.changes.api.test_api import bearer
from tests.changes.people import person, sign_in
from tests.changes.proposals.catalogue import made, many

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client):
    ann = person("Ann")
    made("Raise memory of the cache", by=ann)
    made("Drop a column")
    sign_in(client, ann)
    return ann


def found(answer):
    return [row["number"] for row in answer.json()["items"]]


@pytest.mark.parametrize(
    ("question", "numbers"), [("cache", [1001]), ("author:ann", [1001]), ("is:mine", [1001]), ("zeppelin", [])]
)
def test_a_question_finds_what_the_list_finds(client, ann, question, numbers):
    token = bearer(ann, P.CHANGE_SEE)

    assert found(client.get("/api/v1/changes", {"q": question})) == numbers
    client.logout()
    assert found(client.get("/api/v1/changes", {"q": question}, headers=token)) == numbers


def test_what_cannot_be_read_is_said(client, ann):
    answer = client.get("/api/v1/changes", {"q": "colour:red"})

    assert answer.status_code == 422
    assert "There is no “colour:”" in answer.json()["detail"]


def test_a_search_goes_on_from_its_cursor(client, ann):
    many(5)

    first = client.get("/api/v1/changes", {"q": "cache", "limit": 4}).json()
    second = client.get("/api/v1/changes", {"q": "cache", "limit": 4, "cursor": first["next"]}).json()

    assert [row["number"] for row in first["items"] + second["items"]] == [1007, 1006, 1005, 1004, 1003, 1001]
    assert second["next"] == ""

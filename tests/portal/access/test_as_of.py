"""Who could do something on a day: by the dated grants, on the page and as a file."""

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from portal.access import actions
from portal.access.models import PersonKind, User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.roster.as_of import who_could
from portal.access.roster.leaving import leave
from portal.spreadsheet import harmless
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import everybody, hold, now, person

pytestmark = pytest.mark.django_db
THIRD_OF_MARCH = date(2026, 3, 3)
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def could(day: date = THIRD_OF_MARCH, permission: P = P.CHANGE_APPROVE) -> list[tuple[str, str, bool]]:
    return [(held.user.name, held.role, held.whole_day) for held in who_could(permission=permission, day=day)]


def test_only_grants_of_that_day_count_and_parts_of_it_are_said():
    hold(person("Early"), Role.APPROVER, since=NOON - 9 * DAY, until=NOON - DAY)
    hold(person("Late"), Role.APPROVER, since=NOON + DAY)
    hold(person("Morning"), Role.APPROVER, since=NOON - 9 * DAY, until=NOON)
    hold(person("Whole"), Role.CHAIR, since=NOON - 9 * DAY, until=NOON + DAY)
    hold(person("Evening"), Role.ARCHITECT, since=NOON)
    hold(person("Other"), Role.ENGINEER, since=NOON - 9 * DAY)

    assert could() == [("Evening", "Architect", False), ("Morning", "Approver", False), ("Whole", "Chair", True)]


def test_end_at_midnight_and_start_at_midnight_belong_to_the_right_day():
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    hold(person("Ends"), Role.APPROVER, since=midnight - DAY, until=midnight)
    hold(person("Begins"), Role.APPROVER, since=midnight, until=midnight + DAY)

    assert could(date(2026, 3, 2)) == [("Ends", "Approver", True)]
    assert could(date(2026, 3, 3)) == [("Begins", "Approver", True)]
    assert could(date(2026, 3, 4)) == []


def test_role_that_was_taken_back_before_it_began_never_counted():
    team = everybody()
    grant = hold(person("Pia"), Role.APPROVER, since=now() + DAY)

    actions.revoke(grant=grant, by=team["Rex"], reason="Not needed", at=now())

    assert "Pia" not in {name for name, _, _ in could((now() + DAY).date())}


def test_nobody_could_after_they_left_and_everything_before_stays():
    team = everybody()
    leave(user=team["Bob"], by=team["Rex"], reason="Leaves", at=NOON)
    without_an_end = person("Pia", Role.APPROVER)
    User.objects.filter(pk=without_an_end.pk).update(is_active=False, left_at=NOON)

    def there(day: date) -> set[str]:
        return {name for name, _, _ in could(day)}

    assert there(THIRD_OF_MARCH - DAY) == there(THIRD_OF_MARCH) == {"Bob", "Cleo", "Dev", "Pia"}
    assert there(THIRD_OF_MARCH + DAY) == {"Cleo", "Dev"}


def test_answer_is_one_question_to_the_database(django_assert_num_queries):
    everybody()

    with django_assert_num_queries(1):
        assert [held.given for held in who_could(permission=P.CHANGE_APPROVE, day=THIRD_OF_MARCH)] == [
            "at the command line by tests"
        ] * 3


def test_page_answers_for_overseers_and_says_who_stands_behind_each_role():
    team = everybody()
    pia = person("Pia")
    proposal = actions.propose_role(user=pia, role=Role.APPROVER, by=team["Rex"], reason="On call", at=now())
    actions.confirm_role(proposal=proposal, digest=proposal.digest, by=team["Mia"], at=now())

    page = sign_in(Client(), team["Cleo"]).get(reverse("who-could"))

    assert page.status_code == 200
    words = page.content.decode()
    assert "4 people could approve changes for production" in words
    assert "given by Rex, confirmed by Mia" in words
    assert "On call" in words


@pytest.mark.parametrize(("name", "status"), [("Ann", 403), ("Bob", 403), ("Dev", 200), ("Mia", 200), ("Rex", 200)])
def test_page_is_for_overseers_and_administrators(name, status):
    assert sign_in(Client(), everybody()[name]).get(reverse("who-could")).status_code == status


@pytest.mark.parametrize("asked", [{"day": "3 March"}, {"day": ""}, {"may": "everything"}])
def test_question_that_cannot_be_read_comes_back_with_the_mistake(asked):
    answer = sign_in(Client(), everybody()["Mia"]).get(reverse("who-could"), asked)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_file_says_the_same_and_runs_nothing():
    team = everybody()
    User.objects.filter(pk=team["Bob"].pk).update(name="=cmd()", kind=PersonKind.CONTRACTOR, employer="Ash, Ltd")

    answer = sign_in(Client(), team["Mia"]).get(reverse("who-could"), {"day": "2026-03-03", "file": "csv"})

    rows = list(csv.reader(StringIO(answer.content.decode().lstrip("\ufeff"))))
    assert "who-could-change-approve-2026-03-03.csv" in answer["Content-Disposition"]
    assert rows[0][0].startswith("Confidential: who could approve changes for production on 3 March 2026 (UTC); 3 roles;")
    assert [row[0] for row in rows[2:]] == ["'=cmd()", "Cleo", "Dev"]
    assert rows[2][2:5] == ["Contractor", "Ash, Ltd", "Approver"]
    assert rows[2][7:] == ["yes", "at the command line by tests", "For a test."]
    assert (harmless(" +1"), harmless("\0=1"), harmless("Ann")) == ("' +1", "'\0=1", "Ann")

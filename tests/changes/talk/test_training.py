"""Reminders of training and of access reviews as notices: to each person, and to compliance about who is late."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.models import Source
from changes.entitlements.reviews.actions import hand_over, open_review, set_owner
from changes.entitlements.reviews.reminding import remind
from changes.talk import news, telling
from changes.talk.models import Notice
from changes.talk.review_news import review_words
from changes.talk.training_news import late_words, reminder_of
from changes.training import reminding
from portal.outbox.models import Effect
from tests.changes.entitlements.world import held, take
from tests.changes.people import person
from tests.changes.training.world import DAY, publish

pytestmark = pytest.mark.django_db(transaction=True)
DUE = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "title"),
    [
        (-5, "Due in 5 days: training on policy 3"),
        (-1, "Due tomorrow: training on policy 3"),
        (-0.1, "Due today: training on policy 3"),
        (4, "Late since 10 Mar 2026: training on policy 3"),
    ],
)
def test_the_title_begins_with_when_it_is_due(days, title):
    fact = {"due_at": DUE.isoformat(), "policy": 3, "reminder": "due", "name": "Ann"}

    assert reminder_of(fact, at=DUE + timedelta(days=days))[0] == title
    assert reminder_of({**fact, "reminder": "asked"}, at=DUE)[1].startswith("The compliance manager asks you")
    assert late_words(fact) == ("Ann has not signed policy 3", "It was due on 10 Mar 2026, and you oversee training.")


def test_people_get_a_notice_and_a_mail_and_compliance_hears_of_who_is_late(seal):
    mia, ann = person("Mia"), person("Ann")
    at = datetime.now(UTC)
    seal()
    news.make_notices(at=at)
    publish(by=mia, at=at - 40 * DAY)

    reminding.remind(at=at)
    seal()
    news.make_notices(at=at)
    telling.tell_now(at=at)

    titles = sorted((row.person.name, row.title.partition(" since ")[0]) for row in Notice.objects.select_related("person"))
    assert titles == [
        ("Ann", "Late"),
        ("Mia", "Ann has not signed policy 1"),
        ("Mia", "Late"),
        ("Mia", "Mia has not signed policy 1"),
    ]
    mails = [row.payload["to"][0] for row in Effect.objects.filter(kind="mail")]
    assert mails.count(ann.email) == 1
    assert mails.count(mia.email) == 3


def test_reviewers_are_told_by_mail_and_slack_and_who_is_asked_instead_hears_of_it(seal):
    mia, bob, cleo = person("Mia"), person("Bob"), person("Cleo")
    at = datetime.now(UTC)
    Source.objects.create(name="slack", kind="slack", api_url="https://slack.com/api", token_encrypted=b"x", connected_at=at)
    take(held("zed", account_id="9"), at=at)
    seal()
    news.make_notices(at=at)
    set_owner(source="github", thing="", person=bob, by=mia, at=at)
    review = open_review(by=mia, at=at)
    remind(review=review, at=at)
    hand_over(review=review, entries=[review.entries.get().pk], to=cleo, reason="On leave.", by=bob, at=at)

    seal()
    news.make_notices(at=at)
    telling.tell_now(at=at)

    told = [(row.person.name, row.title, row.why) for row in Notice.objects.select_related("person").order_by("pk")]
    assert told == [
        ("Bob", f"Due {review.due_at:%-d %b %Y}: access review 1", "1 right is not answered yet (P-19)."),
        ("Cleo", "Access review 1: 1 right is yours to review now", "Bob handed them over: On leave."),
    ]
    for kind in ("mail", "slack.message"):
        assert Effect.objects.filter(kind=kind).count() == 2, kind
    assert (
        review_words({"due_at": DUE.isoformat(), "reminder": "late", "review": 1}, left=2)[0]
        == "Late since 10 Mar 2026: access review 1"
    )

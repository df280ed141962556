"""Comments, notices and choices over HTTP."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.desk.panels.comments import threads
from changes.talk import actions, news
from changes.talk.models import Comment, Following, Notice, NoticeHours
from tests.changes.outcomes.world import in_production, pull
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def change(ann):
    return in_production(ann, pull(7, merge="a"))


def text(answer):
    return answer.content.decode()


def test_a_comment_is_written_shown_and_corrected(client, change, ann):
    sign_in(client, ann)
    url = reverse("comment", args=[change.number])

    answer = client.post(url, {"text": "Is it **there**? <script>x</script>"})
    row = Comment.objects.get()
    page = text(client.get(reverse("change", args=[change.number])))
    assert answer["Location"].endswith(f"#comment-{row.pk}")
    assert "<strong>there</strong>" in page
    assert "<script>x" not in page
    assert "Correct it" in page

    client.post(reverse("correct-comment", args=[change.number, row.pk]), {"text": "It is there."})
    page = text(client.get(reverse("change", args=[change.number])))
    assert "It is there." in page
    assert "What it said before" in page


def test_an_empty_comment_and_one_that_is_too_late_keep_what_was_typed(client, change, ann):
    sign_in(client, ann)
    row = actions.comment(change=change, text="old", by=ann, at=timezone.now() - timedelta(minutes=11))

    empty = client.post(reverse("comment", args=[change.number]), {"text": " "})
    late = client.post(reverse("correct-comment", args=[change.number, row.pk]), {"text": "typed words"})
    nothing = client.post(reverse("correct-comment", args=[change.number, row.pk]), {"text": ""})

    assert [answer.status_code for answer in (empty, late, nothing)] == [422, 422, 422]
    assert "Write something" in text(empty)
    assert "typed words" in text(late)
    assert "older than ten minutes" in text(late)


def test_following_is_a_button(client, change):
    bob = person("Bob")
    sign_in(client, bob)
    assert "Follow" in text(client.get(reverse("change", args=[change.number])))

    client.post(reverse("follow", args=[change.number]), {"wanted": "yes"})
    page = text(client.get(reverse("change", args=[change.number])))
    client.post(reverse("follow", args=[change.number]), {"wanted": "no"})

    assert "Stop following" in page
    assert Following.objects.get().wanted is False


def test_who_may_not_comment_reads_and_writes_nothing(client, change, ann):
    actions.comment(change=change, text="Hello", by=ann, at=timezone.now())
    sign_in(client, person("Rex"))

    page = text(client.get(reverse("change", args=[change.number])))

    assert "Hello" in page
    assert 'name="text"' not in page
    assert client.post(reverse("comment", args=[change.number]), {"text": "x"}).status_code == 403


def test_notices_are_listed_counted_and_marked_as_read(client, change, ann, seal):
    news.make_notices(at=timezone.now())
    seal()
    news.make_notices(at=timezone.now())
    bob = person("Bob")
    actions.comment(change=change, text="@bob", by=ann, at=timezone.now())
    seal()
    news.make_notices(at=timezone.now())
    sign_in(client, bob)

    page = text(client.get(reverse("notices")))
    count = text(client.get(reverse("unread-notices")))
    client.post(reverse("read-notices"))

    assert f"Ann mentioned you: {change} Work" in page
    assert "New" in page
    assert count.strip().startswith("1")
    assert text(client.get(reverse("unread-notices"))).strip() == ""
    assert Notice.objects.get(person=bob).read_at is not None


def choices(**more):
    kinds = ("mention", "comment", "decision", "progress", "emergency", "exception", "meeting", "training")
    kinds = (*kinds, "access", "audit", "task")
    given = {f"mail_{kind}": "off" for kind in kinds} | {"digest": "on", "digest_at": "07:30"}
    return {**given, "quiet_from": "22:00", "quiet_to": "07:00", **more}


def test_choices_are_kept_and_a_half_quiet_night_is_refused(client, ann):
    sign_in(client, ann)
    url = reverse("notice-choices")
    assert client.get(url).status_code == 200

    half = client.post(url, choices(quiet_to=""))
    done = client.post(url, choices(slack_mention="on"))

    assert half.status_code == 422
    assert "or neither" in text(half)
    assert done.status_code == 302
    hours = NoticeHours.objects.get()
    assert (str(hours.quiet_from), str(hours.digest_at)) == ("22:00:00", "07:30:00")
    page = text(client.get(url))
    assert 'value="22:00' in page
    assert 'href="/me/notices/"' in text(client.get("/me/"))


def test_threads_put_corrections_into_their_comment():
    at = timezone.now()
    rows = [
        {"id": 1, "by_id": 7, "text": "a", "corrects_id": None, "at": at.isoformat()},
        {"id": 2, "by_id": 8, "text": "b", "corrects_id": None, "at": (at - timedelta(hours=1)).isoformat()},
        {"id": 3, "by_id": 7, "text": "c", "corrects_id": 1, "at": at.isoformat()},
        {"id": 4, "by_id": 7, "text": "lost", "corrects_id": 99, "at": at.isoformat()},
    ]

    first, second = threads(rows, reader=7, at=at)

    assert (first["text"], first["before"], first["may_correct"]) == ("c", ["a"], True)
    assert (second["text"], second["may_correct"]) == ("b", False)

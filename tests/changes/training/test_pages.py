"""The pages of training over HTTP: mine, course, quiz, signature, certificate, everybody's, the draft; who may."""

import io
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from changes.training import queries, reminding
from changes.training.models import Acknowledgement, Attempt, Course, CourseDraft, TrainingReminder
from portal.access.models import Invitation, User
from portal.home.inbox import items_for
from portal.policy.refusal import Refused
from tests.audits.engagements.opened import admitted
from tests.changes.entitlements.world import held
from tests.changes.entitlements.world import take as rights_taken
from tests.changes.people import linked, person, sign_in
from tests.changes.training.world import DAY, PAGES, QUESTIONS, STATEMENT, adopt, publish, read, take, trained
from tests.portal.access.people import hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return person("Mia")


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def now():
    return timezone.now()


def text(answer):
    return answer.content.decode()


def joiner(at):
    """Somebody who came after the first course."""
    return person("Jo", "engineer", since=at)


def test_without_a_course_the_page_says_so_and_nobody_is_asked(client, ann, now):
    sign_in(client, ann)

    assert "There is no course yet" in text(client.get("/training/"))
    assert not [item for item in items_for(user=ann, at=now) if "course" in item.title]


def test_a_course_is_written_looked_at_and_published(client, mia):
    sign_in(client, mia)
    given = {"policy_version": "1", "title": "The way", "pages": PAGES, "questions": "? Half", "draw": "2", "pass_mark": "80"}

    client.post("/training/draft/", {**given, "statement": STATEMENT, "seen": "0"})
    half = client.get("/training/draft/")
    refused = client.post("/training/draft/publish/", {"seen": "1"})
    over = client.post("/training/draft/", {**given, "seen": "0"})
    wrong = client.post("/training/draft/", {**given, "seen": "1", "draw": "0"})
    client.post("/training/draft/", {**given, "questions": QUESTIONS, "statement": STATEMENT, "seen": "1"})
    whole = client.get("/training/draft/")
    published = client.post("/training/draft/publish/", {"seen": "2"})

    assert "Question in line 1: it has 0 choices" in text(half)
    assert (refused.status_code, over.status_code, wrong.status_code) == (422, 409, 422)
    assert "Your text is kept below" in text(over)
    assert "2 of 3 questions in each quiz" in text(whole)
    assert published.headers["Location"] == "/training/courses/1/"
    assert "Bank of questions" in text(client.get("/training/courses/1/"))
    again = text(client.get("/training/draft/"))
    assert "? Who approves your own change?" in again
    client.post("/training/draft/", {**given, "seen": "0"})
    client.post("/training/draft/drop/", {"seen": "1"})
    assert (Course.objects.count(), CourseDraft.objects.count()) == (1, 0)
    assert "You dropped a draft" in text(client.get("/training/draft/"))
    client.post("/training/draft/take-back/")
    assert CourseDraft.objects.get().pages == PAGES
    assert b"no dropped draft any more" in client.post("/training/draft/take-back/", follow=True).content


def test_a_joiner_reads_fails_passes_and_signs(client, mia, now):
    course = publish(by=mia, at=now - DAY)
    jo = joiner(now - timedelta(hours=1))
    sign_in(client, jo)

    mine = text(client.get("/training/"))
    assert "You are not trained yet" in mine
    assert "About 2 minutes" in mine
    assert [item.title for item in items_for(user=jo, at=timezone.now()) if item.href == "/training/"] == [
        "Take the course on the policy"
    ]
    assert "First every page is read" in text(client.get("/training/courses/1/sign/"))
    assert client.post("/training/courses/1/quiz/").status_code == 422
    assert client.get("/training/courses/1/pages/3/").status_code == 404
    assert client.post("/training/courses/1/pages/1/").headers["Location"] == "/training/courses/1/pages/2/"
    assert client.post("/training/courses/1/pages/2/").headers["Location"] == "/training/courses/1/"

    failed = taken(client, course, right=False)
    assert "Not passed: 0 of 2 right" in failed
    passed = taken(client, course, right=True)
    assert "Passed: 2 of 2 right" in passed

    wrong = client.post("/training/courses/1/sign/", {"seen": course.digest, "agreed": "on", "typed_name": "Joe"})
    assert (wrong.status_code, "The name is not the one of your account" in text(wrong)) == (422, True)
    signed = client.post("/training/courses/1/sign/", {"seen": course.digest, "agreed": "on", "typed_name": "jo"})
    page = text(client.get(signed.headers["Location"]))
    row = Acknowledgement.objects.get()
    assert row.digest in page
    assert "Jo is trained on the policy" in page
    found = text(client.get(f"/verify/{row.digest}/"))
    assert "Signature of Jo on version 1 of the policy" in found
    assert "Course 1 on version 1" in text(client.get(f"/verify/{course.digest}/"))
    assert "You are up to date" in text(client.get("/training/"))


def taken(client, course, *, right):
    """A whole quiz through its pages; nothing is told before it is handed in."""
    address = client.post(f"/training/courses/{course.number}/quiz/").headers["Location"]
    attempt = Attempt.objects.latest("pk")
    assert client.post(address, {}).status_code == 422
    for place, item in enumerate(attempt.drawn, start=1):
        asked = course.questions[item["question"]]
        page = text(client.get(f"/training/quiz/{attempt.pk}/{place}/"))
        assert asked["because"] == "" or asked["because"] not in page
        good = [choice for choice in item["choices"] if (choice in asked["right"]) == right]
        chosen = good if right else good[:1]
        client.post(f"/training/quiz/{attempt.pk}/{place}/", {"chosen": [str(choice) for choice in chosen]})
    before = text(client.get(f"/training/quiz/{attempt.pk}/"))
    assert "Wrong" not in before
    assert "Right" not in before
    client.post(f"/training/quiz/{attempt.pk}/hand-in/")
    client.post(f"/training/quiz/{attempt.pk}/hand-in/")
    assert client.get(f"/training/quiz/{attempt.pk}/1/").status_code == 302
    return text(client.get(f"/training/quiz/{attempt.pk}/"))


def test_after_its_time_the_quiz_says_so_and_begins_anew(client, mia, ann, now):
    course = publish(by=mia, at=now - 9 * DAY)
    read(course, by=ann, at=now - 3 * DAY)
    sign_in(client, ann)
    client.post("/training/courses/1/quiz/")
    old = Attempt.objects.get()
    late = now + 2 * DAY

    with pytest.MonkeyPatch.context() as patch:
        for module in ("quiz_views", "views"):
            patch.setattr(f"changes.desk.training.{module}.time_of", lambda request: late)
        answer = client.post(f"/training/quiz/{old.pk}/1/", {"chosen": "0"})
        page = text(client.get(f"/training/quiz/{old.pk}/"))
        again = client.post("/training/courses/1/quiz/")

    assert answer.status_code == 409
    assert "It does not count as failed" in text(answer)
    assert "The time is over" in page
    assert again.status_code == 302
    assert Attempt.objects.filter(submitted_at=None).count() == 2
    assert Attempt.objects.get(pk=old.pk).passed is None


def test_somebody_elses_quiz_is_not_found_and_a_stale_sign_in_is_asked_anew(client, mia, ann, now):
    course = publish(by=mia, at=now - DAY)
    read(course, by=ann, at=now)
    take(course, by=ann, at=now)
    sign_in(client, person("Bob"), fresh=False)

    assert client.get(f"/training/quiz/{Attempt.objects.get().pk}/").status_code == 404
    answer = client.get("/training/courses/1/sign/")
    assert answer.headers["Location"].startswith("/account/reauthenticate/?next=%2Ftraining%2Fcourses%2F1%2Fsign%2F")


def test_a_signature_after_the_version_was_replaced_says_so_on_the_form(client, mia, ann, now):
    course = publish(by=mia, at=now - 9 * DAY)
    read(course, by=ann, at=now - 3 * DAY)
    take(course, by=ann, at=now - 3 * DAY)
    adopt(at=now - timedelta(seconds=1))
    sign_in(client, ann)

    answer = client.post("/training/courses/1/sign/", {"seen": course.digest, "agreed": "on", "typed_name": "Ann"})

    assert answer.status_code == 422
    assert "was replaced by version 2" in text(answer)
    assert 'value="Ann"' in text(answer)
    assert "has no course yet" in text(client.get("/training/"))
    assert [item.title for item in items_for(user=mia, at=timezone.now()) if "Publish a course" in item.title]


@pytest.fixture
def roster(mia, ann, now):
    """Mia and Ann there before the course, forty days ago; Bob signed in time, Jo joined and is in time, Kim is late."""
    course = publish(by=mia, at=now - 40 * DAY)
    trained(course, by=person("Bob"), at=now - 30 * DAY)
    trained(course, by=mia, at=now - 3 * DAY)
    joiner(now - DAY)
    person("=Kim", "engineer", since=now - 20 * DAY)
    return course


def test_those_who_oversee_see_gaps_first_and_remind(client, roster, mia, now):
    sign_in(client, mia)

    page = text(client.get("/training/people/"))
    client.post("/training/people/remind/", {"everybody": "1"})
    client.post("/training/people/remind/", {"everybody": "1"})

    assert "2 of 5 people trained" in page
    names = [page.index(name) for name in (">Ann<", ">=Kim<", ">Jo<", ">Bob<")]
    assert names == sorted(names)
    asked = TrainingReminder.objects.filter(by=mia)
    assert sorted(row.person.name for row in asked) == ["=Kim", "Ann", "Jo"]
    assert "=Kim" not in text(client.get("/training/people/?state=trained&role=approver")).split("Who was late")[0]
    assert "0 of 0" in text(client.get("/training/people/?role=chair"))
    assert "nobody had anything to sign" in text(client.get("/training/people/?on=2026-02-01"))
    assert client.get("/training/people/?on=nonsense&from=9&role=x&state=y").status_code == 200


def test_the_file_has_everybody_and_no_formula(client, roster, mia):
    sign_in(client, mia)

    lines = text(client.get("/training/people/list.csv")).splitlines()

    assert lines[0].startswith("\ufeffConfidential: training records of Countersign; 5 rows; as of ")
    assert lines[1].startswith("Person,Mail,Roles,Teams,Joined")
    assert len(lines) == 2 + 5
    assert lines[2].startswith("Ann,ann@northwind.example,Engineer,")
    assert lines[2].endswith(",Late," + lines[2].split(",")[-3] + ",has never signed the policy,10")
    assert lines[3].startswith("'=Kim,")


def test_teams_come_gaps_first_with_their_versions_and_who_only_has_access_counts(client, roster, mia, ann, now):
    """Ann and Kim in a team of GitHub, Zoe there without a role here, Bob in another; the list reminds as it is filtered."""
    zoe = User.objects.create(email="zoe@northwind.example", name="Zoe", joined_at=now - 30 * DAY)
    people = {"1": ann, "2": User.objects.get(name="=Kim"), "3": zoe, "4": User.objects.get(name="Bob")}
    for uid, user in people.items():
        linked(user, uid, user.name)
    web, ops = "github.team:1", "github.team:2"
    rights = [held(uid, thing=ops if uid == "4" else web, thing_name="ops" if uid == "4" else "web") for uid in people]
    rights_taken(*rights, things=(web, ops), at=now - 20 * DAY)
    sign_in(client, mia)

    page = text(client.get("/training/people/?team=web"))
    lines = text(client.get("/training/people/list.csv?team=web&version=0")).splitlines()
    client.post("/training/people/remind/", {"everybody": "1", "team": "web", "state": "late"})

    assert "3 of 6" not in page
    assert "2 of 6 people trained" in page
    table = page.split("By team and version")[1].split("</table>")[0]
    places = [table.index(name) for name in (">web<", ">ops<", ">In no team<")]
    assert places == sorted(places)
    assert "0 of 3" in table
    assert "no role here" in page
    assert {line.split(",")[0] for line in lines[2:]} == {"Ann", "'=Kim", "Zoe"}
    assert all(",web," in line for line in lines[2:])
    assert {row.person.name for row in TrainingReminder.objects.filter(by=mia)} == {"Ann", "=Kim", "Zoe"}
    _who_only_has_access_is_invited_to_learn_and_keeps_their_days(client, zoe, now)


def _who_only_has_access_is_invited_to_learn_and_keeps_their_days(client, zoe, now):
    before = queries.member(zoe, at=now)
    User.objects.filter(pk=zoe.pk).update(password=make_password(None))
    page = text(client.get("/training/people/?role=none"))
    assert ("Invite everybody without a role to learn (1)" in page, "Choose Ann" in page) == (True, False)
    assert client.post("/training/people/invite/", {}).status_code == 302
    assert not Invitation.objects.exists()

    client.post("/training/people/invite/", {"person": [str(zoe.pk)]})

    [letter] = Invitation.objects.all()
    assert (letter.email, letter.roles) == (zoe.email, ["learner"])
    hold(zoe, "learner", since=now)
    after = queries.member(zoe, at=now)
    assert (after.roles, after.joined_at, after.standing) == (("learner",), before.joined_at, before.standing)


def test_an_auditor_sees_the_population_and_who_was_late(client, roster, mia):
    uma, _ = admitted()
    sign_in(client, uma)

    page = text(client.get("/training/people/"))
    own = text(client.get("/training/"))

    assert "Who was late, and by how long" in page
    assert "10 days" in page
    assert "Remind" not in page
    assert "Take the quiz" not in own
    assert client.post("/training/courses/1/pages/1/").status_code == 403


@pytest.mark.parametrize("name", ["Ann", "Bob", "Rex"])
def test_everybody_else_does_not_see_the_roster(client, roster, name, ann):
    sign_in(client, User.objects.filter(name=name).first() or person(name))

    assert client.get("/training/people/").status_code == 403
    assert client.post("/training/people/remind/").status_code == 403


def test_the_list_is_paged_and_asks_as_many_queries_for_many_as_for_few(client, roster, mia, now, django_assert_max_num_queries):
    for number in range(60):
        person(f"P {number:03}", "engineer", since=now - 20 * DAY)
    sign_in(client, mia)
    client.get("/training/people/")

    with django_assert_max_num_queries(24):
        page = text(client.get("/training/people/"))

    assert "1 to 50 of 65" in page
    assert "51 to 65 of 65" in text(client.get("/training/people/?from=50"))
    assert "Further down" in page


def test_reminders_come_once_each_and_compliance_hears_of_who_is_late(mia, ann, now):
    publish(by=mia, at=now - 40 * DAY)

    first = [reminding.remind(at=now - 40 * DAY + day * DAY) for day in (1, 2, 22, 24, 25, 30, 31, 37, 38)]

    assert first == [2, 0, 0, 2, 0, 2, 0, 2, 0]
    kinds = list(TrainingReminder.objects.filter(person=ann).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["assigned", "before", "due", "escalated"]
    with pytest.raises(Refused, match="may not remind"):
        reminding.ask(people=[mia.pk], by=ann, at=now)


def test_signing_again_and_reading_are_offered_when_a_year_is_nearly_over(client, now):
    mia, ann = person("Mia", since=now - 400 * DAY), person("Ann", since=now - 400 * DAY)
    course = publish(by=mia, at=now - 360 * DAY)
    trained(course, by=ann, at=now - 350 * DAY)
    sign_in(client, ann)

    page = text(client.get("/training/"))

    assert "Until then what you signed before counts" in page
    assert "0 of 2 pages read" in page
    assert reverse("certificate", args=[Acknowledgement.objects.get().pk]) in page


def test_certificate_is_a_paper_that_comes_out_the_same(client, now):
    mia, ann = person("Mia", since=now - 400 * DAY), person("Ann", since=now - 400 * DAY)
    course = publish(by=mia, at=now - 360 * DAY)
    trained(course, by=ann, at=now - 350 * DAY)
    signed = Acknowledgement.objects.get()
    sign_in(client, mia)

    first, second = (client.get(reverse("certificate-paper", args=[signed.pk])) for _ in range(2))

    assert (first["Content-Type"], first.content) == ("application/pdf", second.content)
    said = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(first.content)).pages).split())
    assert "Annistrainedonthepolicy" in said
    assert signed.digest in said
    assert reverse("certificate-paper", args=[signed.pk]) in text(client.get(reverse("certificate", args=[signed.pk])))

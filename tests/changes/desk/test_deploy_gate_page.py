"""The page of the deploy gate: every answer for the auditor, and opening a gate by two people."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.delivery.models import Repository
from changes.exceptions.asking import ask_gate
from changes.gates import modes
from changes.gates.models import GateAnswer, GateMode
from portal.access.permissions import P
from portal.access.tokens import make_token
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import WEB, somebody, text
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
PAGE = "/deploys/gate/"


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def repository(at):
    return Repository.objects.create(name=WEB, in_scope_from=at)


def asked(by, at, commit="abcdef1", repository=WEB, **values):
    given = {"environment": "production", "token": None} | values
    return ask_gate(repository=repository, commit=commit, by=by, at=at, **given)[1]


def test_every_answer_stands_there_with_who_asked_by_which_token(client, repository, at):
    ann = person("Ann")
    _, secret = make_token(user=ann, name="pipeline", scopes=[P.CHANGE_SEE], expires_at=at + DAY, by="shell:test", at=at)
    answer = client.get("/api/v1/gate?repository=acme/web&commit=abcdef1", headers={"Authorization": f"Bearer {secret}"}).json()
    sign_in(client, ann)

    page = text(client.get(PAGE))

    kept = GateAnswer.objects.get()
    assert (answer["answer"], answer["allow"], answer["failed_open"], answer["changes"]) == (kept.pk, False, False, [])
    assert kept.token.name == "pipeline"
    for words in ("No change is known for commit abcdef1 of acme/web.", "token pipeline", "Denied", "Ann"):
        assert words in page


def test_answers_are_filtered(client, repository, at):
    ann = person("Ann")
    asked(ann, at, "abcdef1")
    asked(ann, at, "abcdef2", environment="development")
    asked(ann, at, "abcdef3", repository="acme/nothing")
    sign_in(client, ann)

    def shown(query):
        page = text(client.get(f"{PAGE}?{query}", headers={"HX-Request": "true"}))
        return [commit for commit in ("abcdef1", "abcdef2", "abcdef3") if f'title="{commit}"' in page]

    assert shown("") == ["abcdef1", "abcdef2", "abcdef3"]
    assert shown("said=allowed") == ["abcdef2"]
    assert shown("said=denied") == ["abcdef1", "abcdef3"]
    assert shown("said=doubts") == []
    assert shown(f"repository={WEB}") == ["abcdef1", "abcdef2"]


def test_an_auditor_reads_the_answers_in_scope_and_asks_nothing(client, repository, at):
    uma, _ = admitted(repositories=[WEB])
    ann = person("Ann")
    asked(ann, at)
    asked(ann, at, repository="acme/secret")
    sign_in(client, uma)

    page = text(client.get(PAGE))

    assert (WEB in page, "acme/secret" in page) == (True, False)
    assert "Let doubts pass" not in page
    assert client.get("/api/v1/gate?repository=acme/web&commit=abcdef1").status_code == 403
    assert GateAnswer.objects.count() == 2


def form(at, **values):
    given = {"repository": WEB, "environment": "production", "until": f"{(at + DAY).date()}", "reason": "Fly cannot be read"}
    return given | values


def test_chair_and_compliance_open_a_gate_and_one_of_them_closes_it(client, repository, at):
    mia, cleo, ann = person("Mia"), person("Cleo"), person("Ann")
    sign_in(client, mia)
    assert client.post(reverse("ask-to-open-gate"), form(at)).status_code == 302
    row = GateMode.objects.get()
    assert "Confirm: let doubts pass" not in text(client.get(PAGE))
    assert client.post(reverse("confirm-open-gate", args=[row.pk]), {"digest": row.digest}).status_code in (403, 422)
    sign_in(client, cleo)
    assert "Decide on an open deploy gate" in text(client.get("/"))
    assert client.post(reverse("confirm-open-gate", args=[row.pk]), {"digest": "x"}).status_code == 409
    assert client.post(reverse("confirm-open-gate", args=[row.pk]), {"digest": row.digest}).status_code == 302

    assert asked(ann, timezone.now()).failed_open
    page = text(client.get(PAGE))
    assert "acme/web to production lets doubts pass" in page
    assert "Passed on a doubt" in page
    assert client.post(reverse("close-gate", args=[row.pk]), {"reason": ""}).status_code == 422
    assert client.post(reverse("close-gate", args=[row.pk]), {"reason": "Read again"}).status_code == 302
    assert "lets doubts pass</b>" not in text(client.get(PAGE))
    assert not asked(ann, timezone.now()).allow


UNFIT = {
    "no reason": ({"reason": ""}, "Say in a sentence why"),
    "too long": ({"until": "2099-01-01"}, "Choose a day from today until"),
    "in the past": ({"until": "2020-01-01"}, "Choose a day from today until"),
    "no day": ({"until": ""}, "Choose the last day"),
    "nowhere": ({"environment": "development"}, "Select a valid choice."),
}


@pytest.mark.parametrize(("values", "words"), UNFIT.values(), ids=UNFIT.keys())
def test_an_opening_that_cannot_be_is_answered_in_words(client, repository, at, values, words):
    sign_in(client, person("Mia"))

    answer = client.post(reverse("ask-to-open-gate"), form(at, **values))

    assert (answer.status_code, words in text(answer)) == (422, True)
    assert not GateMode.objects.exists()


@pytest.mark.parametrize("name", ["Ann", "Bob", "Dev", "Rex"])
def test_nobody_else_opens_a_gate(client, repository, at, name):
    sign_in(client, person(name))

    assert client.post(reverse("ask-to-open-gate"), form(at)).status_code == 403


def test_the_page_asks_few_queries_however_many_answers_there_are(client, repository, at, django_assert_max_num_queries):
    mia = person("Mia")
    for number in range(8):
        asked(mia, at, f"abcdef{number}")
    row = modes.ask_to_open(
        repository=repository, environment="production", until=at + DAY, reason="x", by=mia, at=at - timedelta(minutes=1)
    )
    modes.confirm_open(gate_mode=row, digest=row.digest, by=somebody("Cleo"), at=at - timedelta(minutes=1))
    sign_in(client, mia)
    client.get(PAGE)

    with django_assert_max_num_queries(12):
        client.get(PAGE)


def test_the_answer_is_as_its_description_says(client, repository, at):
    ann = person("Ann")
    _, secret = make_token(user=ann, name="pipeline", scopes=[P.CHANGE_SEE], expires_at=at + DAY, by="shell:test", at=at)
    headers = {"Authorization": f"Bearer {secret}"}

    described = client.get("/api/v1/openapi.json", headers=headers).json()["components"]["schemas"]["GateAnswerOut"]
    answer = client.get("/api/v1/gate?repository=acme/web&commit=abcdef1", headers=headers).json()

    assert set(answer) == set(described["properties"]) == set(described["required"])
    assert client.get("/api/v1/gate?repository=acme/web", headers=headers).status_code == 422
    assert client.get("/api/v1/gate?repository=%00&commit=%00&environment=%00", headers=headers).json()["allow"] is False

"""/api/v1/: same facts and permissions as the pages; bearer tokens with scopes; closed on doubt."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.access.permissions import P
from portal.access.tokens import make_token
from tests.changes.people import person, sign_in
from tests.changes.stories import read_story, told

pytestmark = pytest.mark.django_db(transaction=True)
ALL = (P.CHANGE_SEE, P.EXCEPTION_SEE, P.RELEASE_SEE, P.LEDGER_SEE, P.INBOX_SEE)
PATHS = ["changes", "exceptions", "releases", "inbox", "ledger/checkpoints", "gate?repository=acme/web&commit=abcdef1"]


def bearer(user, *scopes):
    at = timezone.now()
    _, text = make_token(user=user, name="ci", scopes=scopes, expires_at=at + timedelta(days=1), by="shell:test", at=at)
    return {"Authorization": f"Bearer {text}"}


def get(client, path, headers):
    return client.get(f"/api/v1/{path}", headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_without_a_token_or_a_session(client, path):
    assert client.get(f"/api/v1/{path}").status_code == 401
    assert get(client, path, {"Authorization": "Bearer cs_wrong"}).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_token_needs_the_scope_and_its_owner_the_role(client, path):
    mia = person("Mia")

    assert get(client, path, bearer(mia, P.PERSON_SEE)).status_code == 403
    assert get(client, path, bearer(mia, *ALL)).status_code == 200


def test_a_signed_in_person_reads_what_the_pages_show(client):
    sign_in(client, person("Ann"))

    assert client.get("/api/v1/changes").status_code == 200
    assert client.get("/api/v1/inbox").status_code == 403


def test_the_openapi_description_is_there(client):
    answer = get(client, "openapi.json", bearer(person("Mia"), *ALL))

    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert {"/api/v1/changes", "/api/v1/changes/{number}", "/api/v1/gate", "/api/v1/ledger/checkpoints"} <= set(paths)


def test_changes_are_found_by_repository_pull_request_commit_and_state(client):
    told(client, "dev.standard-change")
    key = bearer(person("Mia"), *ALL)

    def ids(query):
        return [row["id"] for row in get(client, f"changes?{query}", key).json()["items"]]

    assert ids("") == ["CHG-1001"]
    assert ids("repository=acme/web&pull_request=18") == ["CHG-1001"]
    assert ids("commit=c21ca16") == ["CHG-1001"]
    assert ids("state=released&category=standard") == ["CHG-1001"]
    assert ids("repository=acme/other") == ids("pull_request=99") == ids("state=draft") == []


def test_one_change_comes_with_gates_verdicts_releases_and_timeline(client):
    told(client, "dev.standard-change")

    found = get(client, "changes/CHG-1001", bearer(person("Mia"), *ALL)).json()

    assert [gate["number"] for gate in found["gates"]] == list(range(1, 13))
    assert {verdict["moment"] for verdict in found["verdicts"]} == {"merge", "release"}
    assert [row["role"] for row in found["pull_requests"]] == ["work", "promotion"]
    assert {row["environment"] for row in found["releases"]} == {"staging", "production"}
    assert found["timeline"][-1]["kind"] == "change.opened"
    assert found["exceptions"] == []


def test_exceptions_and_the_rollback_are_told(client):
    told(client, "dev.violations", "dev.emergency-with-rollback")
    key = bearer(person("Mia"), *ALL)

    found = {row["finding"] for row in get(client, "exceptions?repository=acme/web", key).json()["items"]}
    back = [row for row in get(client, "releases", key).json()["items"] if row["rollback"]]

    assert found == set(read_story("dev.violations")["expect"]["violations"])
    assert [row["rolls_back_commit"] for row in back] == [read_story("dev.emergency-with-rollback")["expect"]["failed_deploy"]]


def test_pages_follow_the_cursor_without_loss(client):
    told(client, "dev.violations", "dev.standard-change")
    key = bearer(person("Mia"), *ALL)

    seen, cursor = [], ""
    while True:
        page = get(client, f"inbox?limit=7&cursor={cursor}", key).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if not cursor:
            break

    assert len(seen) == len(set(seen)) == 33


@pytest.mark.parametrize(("query", "word"), [("cursor=%20bad", "cursor"), ("limit=0", "limit"), ("limit=100000", "limit")])
def test_bad_questions_get_a_clear_answer(client, query, word):
    answer = get(client, f"changes?{query}", bearer(person("Mia"), *ALL))

    assert answer.status_code == 422
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("number", ["7", "CHG-7", "nonsense", "9" * 40])
def test_a_change_that_is_not_there_is_404(client, number):
    assert get(client, f"changes/{number}", bearer(person("Mia"), *ALL)).status_code == 404


def test_the_deploy_gate_is_closed_on_any_doubt(client):
    told(client, "dev.violations")
    key = bearer(person("Mia"), *ALL)

    def gate(**asked):
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return get(client, f"gate?{query}", key).json()

    assert gate(repository="acme/nothing", commit="abcdef1")["allow"] is False
    assert gate(repository="acme/web", commit="abcdef1")["reasons"] == ["No change is known for commit abcdef1 of acme/web."]
    assert gate(repository="acme/web", commit="xyz")["allow"] is False
    assert gate(repository="acme/web", commit="123a742", environment="moon")["allow"] is False
    hot = gate(repository="acme/web", commit="123a742")
    assert hot["allow"] is False
    assert any("Review" in reason for reason in hot["reasons"])


def test_a_change_tells_its_classes_its_risk_and_why_each_gate_says_what_it_says(client):
    told(client, "dev.standard-change")
    headers = bearer(person("Mia"), *ALL)

    row = get(client, "changes/1001", headers).json()

    assert (row["risk_level"], row["routine"], row["class_choices"]) == ("low", False, [])
    assert {"points": 0, "text": "The questionnaire was not answered."} in row["risk"]["reasons"]
    review = next(gate for gate in row["gates"] if gate["code"] == "review")
    assert review["explain"]["next"] == "Nothing: the gate is done."
    assert any("approved on" in fact for fact in review["explain"]["looked_at"])
    assert review["explain"]["parameters"][0]["words"] == "Machines that count as contributors"


def test_a_frozen_verdict_has_todays_word_beside_it(client):
    told(client, "dev.standard-change")
    headers = bearer(person("Mia"), *ALL)

    first = get(client, "changes/1001", headers).json()["verdicts"][0]

    assert first["today"] == {
        "rules_version": first["rules_version"],
        "policy_version": first["policy_version"],
        "outcome": first["outcome"],
        "differences": [],
        "problem": "",
    }

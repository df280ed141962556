"""The policy over HTTP: read, compared, drafted, sent, imported, exported; its impact shown before it holds."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from changes.desk.policy.forms import PREFIX, typed, untyped
from changes.desk.policy.impact import impact_of
from changes.policies import actions, queries
from changes.proposals import submitting
from portal.access.scope import Scope
from portal.policy.document import built_in
from portal.policy.parameters import DEFAULT
from portal.policy.plain import WrongParameter, names, parameters_from, plain
from tests.architecture.test_secrets import GIVEN_OUT
from tests.changes.outcomes.world import AT, in_production, pull
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dev():
    return person("Dev")


def text(answer):
    return answer.content.decode()


def fields(**changed):
    values = {**plain(DEFAULT), **changed}
    return {f"{PREFIX}{name}": typed(values[name]) for name in names()}


def draft(**more):
    given = {"seen": "0", "summary": "Smaller is large", "material": "on", "text": built_in()}
    return {**given, **fields(large_changed_lines=400), **more}


def day(days=7):
    return (timezone.now() + timedelta(days=days)).date()


def adopted(dev):
    row = actions.save_draft(
        text=built_in(), parameters={"large_changed_lines": 400}, summary="x", material=True, seen=0, by=dev, at=timezone.now()
    )
    version = actions.send(effective_at=timezone.now() + timedelta(days=1), seen=row.version, by=dev, at=timezone.now())
    return actions.adopt(version=version, decision="Decision 4", by=dev, at=timezone.now())


@pytest.mark.parametrize("name", ["Ann", "Mia", "Rex"])
def test_everybody_reads_the_policy_with_its_clauses_and_its_interpretation(client, name):
    sign_in(client, person(name))

    page = text(client.get(reverse("policy")))

    assert "Policy, version 1" in page
    assert 'id="p-31"' in page
    assert "Changed lines from which a change is large" in page


def test_a_secret_is_kept_neither_in_a_parameter_nor_from_a_file(client, dev):
    sign_in(client, dev)
    token = GIVEN_OUT["GitLab"]
    lists = [name for name, value in plain(DEFAULT).items() if isinstance(value, list)]

    typed_in = client.post(reverse("policy-edit"), draft(**{f"{PREFIX}{lists[0]}": f"{token}\n"}))
    file = SimpleUploadedFile("policy.md", f"{built_in()}\n{token}\n".encode())
    brought = client.post(reverse("policy-import"), {"file": file})

    for answer in (typed_in, brought):
        assert (answer.status_code, text(answer).count("looks like a secret (GitLab)") > 0) == (422, True)
    assert queries.draft() is None


def test_versions_and_what_differs_between_them(client, dev):
    adopted(dev)
    sign_in(client, dev)

    version = text(client.get(reverse("policy-version", args=[2])))
    inline = text(client.get(reverse("policy-difference", args=[1, 2])))
    side = text(client.get(reverse("policy-difference", args=[1, 2]) + "?view=side&whole=1"))

    assert "Adopted" in version
    assert "Decision 4" in version
    assert "1 parameter changed by Decision 4" in inline
    assert "<ins" in side
    assert client.get(reverse("policy-version", args=[9])).status_code == 404


def test_it_is_exported_and_imported_as_one_file(client, dev):
    sign_in(client, dev)
    raw = client.get(reverse("policy-export", args=[1])).content
    changed = raw.replace(b"large_changed_lines = 800", b"large_changed_lines = 500")

    client.post(reverse("policy-import"), {"file": SimpleUploadedFile("policy.md", changed)})

    assert queries.draft().parameters == {"large_changed_lines": 500}
    bad = client.post(reverse("policy-import"), {"file": SimpleUploadedFile("policy.md", b"# Nothing")})
    binary = client.post(reverse("policy-import"), {"file": SimpleUploadedFile("policy.md", b"\xff\xfe\x00")})
    none = client.post(reverse("policy-import"), {})
    assert [answer.status_code for answer in (bad, binary, none)] == [422, 422, 422]
    assert "P-01 is missing" in text(bad)
    assert "no UTF-8" in text(binary)
    assert queries.draft().parameters == {"large_changed_lines": 500}


def test_a_draft_is_saved_compared_and_sent(client, dev):
    sign_in(client, dev)
    assert "Draft of the next version" in text(client.get(reverse("policy-edit")))

    assert client.post(reverse("policy-edit"), draft()).status_code == 302
    page = text(client.get(reverse("policy-edit")))
    assert "Differs from version 1" in page
    late = client.post(reverse("policy-send"), {"seen": "1", "effective_on": "never"})
    client.post(reverse("policy-send"), {"seen": "1", "effective_on": day()})

    assert late.status_code == 422
    assert queries.waiting().parameters["large_changed_lines"] == 400
    assert "waits for a meeting" in text(client.get(reverse("policy")))


def test_sending_needs_a_fresh_sign_in_and_the_right(client, dev):
    sign_in(client, dev, fresh=False)
    client.post(reverse("policy-edit"), draft())
    assert client.post(reverse("policy-send"), {"seen": "1", "effective_on": day()}).status_code == 302
    assert queries.waiting() is None
    sign_in(client, person("Ann"))
    assert client.get(reverse("policy-edit")).status_code == 403


def test_a_wrong_parameter_is_told_at_its_field_and_nothing_is_lost(client, dev):
    sign_in(client, dev)

    answer = client.post(
        reverse("policy-edit"),
        draft(**{f"{PREFIX}staging_soak": "a while", f"{PREFIX}approval_rules": "{", f"{PREFIX}sign_off_needed": "maybe"}),
    )

    assert answer.status_code == 422
    assert "length of time" in text(answer)
    assert "this is no JSON" in text(answer)
    assert "write yes or no" in text(answer)
    assert "Smaller is large" in text(answer)
    assert queries.draft() is None


def test_somebody_who_was_slower_is_told_and_keeps_the_text(client, dev):
    sign_in(client, dev)
    client.post(reverse("policy-edit"), draft())

    slower = client.post(reverse("policy-edit"), draft(summary="My own words"))
    again = client.post(reverse("policy-edit"), draft(seen="1", summary="My own words"))

    assert slower.status_code == 409
    assert "My own words" in text(slower)
    assert again.status_code == 302
    assert queries.draft().summary == "My own words"


def test_a_draft_is_dropped_and_a_version_withdrawn(client, dev):
    sign_in(client, dev)
    client.post(reverse("policy-edit"), draft())
    client.post(reverse("policy-send"), {"seen": "1", "effective_on": day()})
    client.post(reverse("policy-withdraw"))
    assert queries.draft().parameters == {"large_changed_lines": 400}

    client.post(reverse("policy-drop"), {"seen": str(queries.draft().version)})

    assert queries.draft() is None
    assert "You dropped a draft" in text(client.get(reverse("policy-edit")))
    client.post(reverse("policy-take-back"))
    assert (queries.draft().parameters, queries.draft().saved_by) == ({"large_changed_lines": 400}, dev)
    assert client.post(reverse("policy-take-back"), follow=True).content.count(b"no dropped draft any more") == 1
    assert "You dropped a draft" not in text(client.get(reverse("policy-edit")))
    client.post(reverse("policy-drop"), {"seen": str(queries.draft().version)})
    client.post(reverse("policy-edit"), draft())
    assert client.post(reverse("policy-take-back")).status_code == 409
    client.post(reverse("policy-drop"), {"seen": str(queries.draft().version)})
    assert client.post(reverse("policy-withdraw")).status_code == 409
    assert client.post(reverse("policy-drop"), {"seen": "x"}).status_code == 302


def test_the_impact_names_the_changes_that_would_be_judged_otherwise(client, dev):
    ann = person("Ann")
    row = pull(7, title="Big", additions=500, deletions=0, paths=["app/a.py"], base="main")
    change = submitting.submit(
        given={"title": "Big", "why": "y", "rollback": "z", "category": "standard", "size": "normal"}, by=ann, ready=True, at=AT
    )
    in_production(ann, pull(8, merge="b"))
    from_link = {"change": change, "pull_request": row, "role": "work", "reason": "x", "actor": "portal", "at": AT}
    actions_link(**from_link)
    then = parameters_from({"large_changed_lines": 400}, version="2", base=DEFAULT)

    found = impact_of(now=DEFAULT, then=then, at=AT, scope=Scope())
    none = impact_of(now=DEFAULT, then=then, at=AT, scope=Scope(repositories=frozenset({"acme/api"})))

    assert [item.change for item in found.changes] == [change]
    assert ("Size", "normal", "large") in found.changes[0].differences
    assert (found.looked_at, found.open_count, none.looked_at) == (2, 2, 0)
    sign_in(client, dev)
    client.post(reverse("policy-edit"), draft())
    assert "Size" in text(client.get(reverse("policy-impact")))


def actions_link(**given):
    from_here = submitting.actions.link
    return from_here(**given)


@pytest.mark.parametrize(
    ("typed_text", "like", "value"),
    [("yes", True, True), ("No", True, False), ("12", 3, 12), ("a\n\nb", ["x"], ["a", "b"]), ("x", "y", "x"), ("[1]", [[1]], [1])],
)
def test_what_is_typed_becomes_a_value_of_the_same_kind(typed_text, like, value):
    assert untyped(typed_text, like) == value


def test_a_number_that_is_none_is_told():
    with pytest.raises(WrongParameter, match="whole number"):
        untyped("many", 3)

"""SCIM 2.0 as directories speak it (RFC 7643, 7644): over HTTP, with the shapes that Okta and Microsoft send."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.roster.leaving import leave
from portal.access.scim import actions
from portal.access.scim.documents import ENTERPRISE, USER
from portal.access.scim.models import DirectoryEntry, ScimToken
from portal.access.scim.patching import SCHEMA as PATCH
from portal.access.scim.tokens import make_token, revoke_token
from portal.access.tokens import make_token as make_api_token
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import everybody, hold, now, person, soon

pytestmark = pytest.mark.django_db
USERS = "/scim/v2/Users"
PIA = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "00u1",
    "userName": "Pia.Park@Northwind.example",
    "name": {"givenName": "Pia", "familyName": "Park"},
    "emails": [{"value": "pia.park@northwind.example", "type": "work", "primary": True}],
    "active": True,
    ENTERPRISE: {"department": "Payments"},
}


@pytest.fixture
def team():
    return everybody()


class Directory:
    """A company's directory with a token."""

    def __init__(self, by: User) -> None:
        self.token, self.text = make_token(name="Okta", expires_at=soon(days=30), by=by, at=now())

    def ask(self, method: str, path: str, body=None, *, status: int = 200):
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/scim+json"}
        answer = Client(enforce_csrf_checks=True).generic(method, path, **sent, headers={"Authorization": f"Bearer {self.text}"})
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/scim+json"
        return json.loads(answer.content) if answer.content else None

    def patch(self, pk, *operations, status: int = 200):
        return self.ask("PATCH", f"{USERS}/{pk}", {"schemas": [PATCH], "Operations": list(operations)}, status=status)


@pytest.fixture
def okta(team):
    return Directory(team["Rex"])


def names(answer) -> list[str]:
    return [user["userName"] for user in answer["Resources"]]


# Who may ask


def test_token_opens_provisioning_and_nothing_else_and_no_other_token_opens_it(team, okta):
    _, api = make_api_token(
        user=team["Rex"], name="x", scopes=[P.PERSON_SEE], expires_at=soon(days=9), by=f"user:{team['Rex'].pk}", at=now()
    )
    without, other = Client().get(USERS), Client().get(USERS, headers={"Authorization": f"Bearer {api}"})
    elsewhere = Client().get("/api/v1/changes", headers={"Authorization": f"Bearer {okta.text}"})
    signed_in = sign_in(Client(), team["Rex"], minutes_ago=1).get(USERS)

    assert [answer.status_code for answer in (without, other, elsewhere, signed_in)] == [401] * 4
    assert without["WWW-Authenticate"].startswith("Bearer")
    assert without.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert without.json()["status"] == "401"


def test_token_ends_when_revoked_when_over_and_with_whoever_made_it(team):
    hold(person("Pia"), Role.ADMINISTRATOR)
    revoked, over, left = (Directory(team["Rex"]) for _ in range(3))
    _, over.text = make_token(name="x", expires_at=soon(days=-1), by=team["Rex"], at=soon(days=-9))
    revoke_token(token=revoked.token, by=team["Rex"], at=now())
    revoked.ask("GET", USERS, status=401)
    over.ask("GET", USERS, status=401)
    left.ask("GET", USERS)

    ended = leave(user=team["Rex"], by=team["Mia"], reason="Leaves", at=now())

    left.ask("GET", USERS, status=401)
    assert ended["provisioning_tokens"] == 2
    with pytest.raises(Stale):
        revoke_token(token=revoked.token, by=User.objects.get(name="Pia"), at=now())


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Mia", "Uma"])
def test_only_administrators_connect_a_directory(name, team):
    with pytest.raises(Refused, match="may not connect the company"):
        make_token(name="Okta", expires_at=soon(days=30), by=team[name], at=now())


@pytest.mark.parametrize("wish", [{"name": " "}, {"expires_at": soon(days=-1)}, {"expires_at": soon(days=366)}])
def test_token_has_a_name_and_an_end_within_a_year(wish, team):
    with pytest.raises(Refused):
        make_token(**{"name": "Okta", "expires_at": soon(days=30), "by": team["Rex"], "at": now(), **wish})


def test_token_is_kept_as_a_digest_and_its_use_is_noted(okta):
    okta.ask("GET", USERS)

    kept = ScimToken.objects.get()
    assert okta.text not in json.dumps(list(ScimToken.objects.values()), default=str)
    assert (kept.last_used_at is not None, str(kept)) == (True, f"Okta ({okta.text[:11]}…)")


# Make known and find


def test_joiner_is_made_known_found_and_read(okta):
    made = okta.ask("POST", USERS, PIA, status=201)

    user = User.objects.get(email="pia.park@northwind.example")
    found = okta.ask("GET", f'{USERS}?filter=userName eq "PIA.park@northwind.example"')
    assert (user.name, user.team, user.has_usable_password(), user.grants.exists()) == ("Pia Park", "Payments", False, False)
    assert (made["id"], made["userName"], made["externalId"], made["active"]) == (str(user.pk), PIA["userName"], "00u1", True)
    assert made["name"] == {"formatted": "Pia Park", "givenName": "Pia", "familyName": "Park"}
    assert (found["totalResults"], found["Resources"]) == (1, [made])
    assert okta.ask("GET", f"{USERS}/{user.pk}") == made
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{user.pk}")
    (entry,) = entries_about(stream=f"person:{user.pk}")
    assert (entry.kind, entry.actor) == ("person.provisioned", f"scim:{okta.token.pk}")


@pytest.mark.parametrize(
    "change",
    [
        {"userName": "ANN@northwind.example", "emails": []},
        {"userName": "x", "emails": [{"value": "Ann@Northwind.example"}]},
    ],
)
def test_same_address_in_another_case_is_the_same_person(change, okta):
    error = okta.ask("POST", USERS, {**PIA, **change}, status=409)

    assert error["scimType"] == "uniqueness"
    assert User.objects.filter(email__iexact="ann@northwind.example").count() == 1


def test_same_name_of_the_directory_is_the_same_person(okta):
    okta.ask("POST", USERS, {**PIA, "userName": "ppark"}, status=201)

    other = {**PIA, "userName": "PPark", "emails": [{"value": "other@northwind.example"}]}

    assert okta.ask("POST", USERS, other, status=409)["scimType"] == "uniqueness"
    assert names(okta.ask("GET", f'{USERS}?filter=userName eq "pPARK"')) == ["ppark"]


def test_people_who_were_here_before_are_found_by_their_address(team, okta):
    assert names(okta.ask("GET", f'{USERS}?filter=userName eq "Bob@northwind.example"')) == ["bob@northwind.example"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('externalId eq "00u1"', 1),
        ('externalId eq ""', 0),
        ('emails.value eq "PIA.park@northwind.example"', 1),
        ('id eq "0"', 0),
        ('id eq "x"', 0),
        ("active eq true", 8),
        ("active eq false", 0),
        ("", 8),
    ],
)
def test_filters_that_directories_ask(query, count, okta):
    okta.ask("POST", USERS, PIA, status=201)

    assert okta.ask("GET", f"{USERS}?filter={query}")["totalResults"] == count


@pytest.mark.parametrize(
    "query", ["userName", 'userName co "a"', "userName eq true", 'password eq "x"', 'userName eq "a" or id eq "1"']
)
def test_filter_that_is_not_understood_is_refused(query, okta):
    assert okta.ask("GET", f"{USERS}?filter={query}", status=400)["scimType"] == "invalidFilter"


def test_pages_begin_at_one(okta):
    pages = [okta.ask("GET", f"{USERS}?startIndex={start}&count=3") for start in (1, 4, 7, 8, -5)]

    assert [(page["startIndex"], page["itemsPerPage"], page["totalResults"]) for page in pages] == [
        (1, 3, 7),
        (4, 3, 7),
        (7, 1, 7),
        (8, 0, 7),
        (1, 3, 7),
    ]
    assert okta.ask("GET", f"{USERS}?count=-1")["Resources"] == []
    assert okta.ask("GET", f"{USERS}?count=many", status=400)["scimType"] == "invalidValue"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"schemas": []}, "invalidSyntax"),
        ({"userName": None}, "invalidValue"),
        ({"userName": 7}, "invalidValue"),
        ({"userName": "pia", "emails": []}, "invalidValue"),
        ({"emails": "pia@northwind.example"}, "invalidValue"),
        ({"name": "Pia"}, "invalidValue"),
        ({"active": "perhaps"}, "invalidValue"),
        ({ENTERPRISE: "Payments"}, "invalidValue"),
    ],
)
def test_user_that_cannot_be_is_refused_and_nobody_is_made(change, kind, okta):
    assert okta.ask("POST", USERS, {**PIA, **change}, status=400)["scimType"] == kind
    assert not DirectoryEntry.objects.exists()


def test_names_and_kinds_come_from_where_directories_write_them(okta):
    contractor = {"schemas": [USER], "USERNAME": "q@northwind.example", "DisplayName": "Quin", "UserType": "Contractor"}
    okta.ask("POST", USERS, contractor, status=201)
    okta.ask("POST", USERS, {"schemas": [USER], "userName": "una@northwind.example", "userType": "Member"}, status=201)
    okta.ask("POST", USERS, {"schemas": [USER], "userName": "gone@northwind.example", "active": False}, status=201)

    people = {user.email.partition("@")[0]: (user.name, user.kind, user.is_active) for user in User.objects.all()}
    assert people["q"] == ("Quin", "contractor", True)
    assert people["una"] == ("una", "employee", True)
    assert people["gone"] == ("gone", "employee", False)


# Replace and change


def test_put_replaces_what_is_written_and_keeps_the_days(okta):
    pk = okta.ask("POST", USERS, PIA, status=201)["id"]
    User.objects.filter(pk=pk).update(leaves_on=soon(days=90).date())

    shown = okta.ask("PUT", f"{USERS}/{pk}", {"schemas": [USER], "userName": "pia@northwind.example", "displayName": "Pia P."})

    user = User.objects.get(pk=pk)
    assert (user.name, user.email, user.team, user.leaves_on is not None) == ("Pia P.", "pia@northwind.example", "", True)
    assert "externalId" not in shown
    assert "person.readdressed" in [entry.kind for entry in entries_about(stream=f"person:{pk}")]


def test_put_without_active_does_not_bring_somebody_back(team, okta):
    leave(user=team["Bob"], by=team["Rex"], reason="Leaves", at=now())

    shown = okta.ask("PUT", f"{USERS}/{team['Bob'].pk}", {"schemas": [USER], "userName": "bob@northwind.example"})

    assert shown["active"] is False


@pytest.mark.parametrize(
    ("operation", "field", "value"),
    [
        ({"op": "replace", "path": "displayName", "value": "Pia P."}, "name", "Pia P."),
        ({"op": "Replace", "path": "name.familyName", "value": "Parker"}, "name", "Pia Parker"),
        ({"op": "replace", "path": "name.formatted", "value": "P. Park"}, "name", "P. Park"),
        ({"op": "replace", "value": {"name": {"givenName": "Pina"}}}, "name", "Pina Park"),
        ({"op": "add", "path": f"{ENTERPRISE}:department", "value": "Web"}, "team", "Web"),
        ({"op": "add", "path": ENTERPRISE, "value": {"Department": "Ops"}}, "team", "Ops"),
        ({"op": "replace", "value": {f"{ENTERPRISE}:organization": "Park Ltd"}}, "employer", "Park Ltd"),
        ({"op": "remove", "path": f"{ENTERPRISE}:department"}, "team", ""),
        ({"op": "replace", "path": "userType", "value": "third_party"}, "kind", "third_party"),
        ({"op": "replace", "path": f"{USER}:userType", "value": "Contractor"}, "kind", "contractor"),
        ({"op": "replace", "path": 'emails[type eq "work"].value', "value": "p@northwind.example"}, "email", "p@northwind.example"),
        (
            {"op": "replace", "path": "emails[primary eq true]", "value": {"value": "q@northwind.example"}},
            "email",
            "q@northwind.example",
        ),
        (
            {"op": "add", "path": "emails", "value": [{"value": "r@northwind.example", "primary": True}]},
            "email",
            "r@northwind.example",
        ),
        (
            {"op": "add", "path": 'emails[type eq "home"].value', "value": "h@northwind.example"},
            "email",
            "pia.park@northwind.example",
        ),
        ({"op": "add", "path": "phoneNumbers", "value": [{"value": "1"}]}, "name", "Pia Park"),
        ({"op": "replace", "path": USER, "value": {"displayName": "Pia Q."}}, "name", "Pia Q."),
    ],
)
def test_patch_changes_what_it_names(operation, field, value, okta):
    pk = okta.ask("POST", USERS, PIA, status=201)["id"]

    okta.patch(pk, operation)

    assert getattr(User.objects.get(pk=pk), field) == value


def test_patch_removes_an_element_of_a_list(okta):
    pk = okta.ask("POST", USERS, {**PIA, "userName": "p.p@northwind.example"}, status=201)["id"]

    okta.patch(pk, {"op": "remove", "path": 'emails[type eq "work"]'})

    assert User.objects.get(pk=pk).email == "p.p@northwind.example"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "move", "path": "displayName"}, "invalidSyntax"),
        ("replace", "invalidSyntax"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "value": "Pia"}, "invalidValue"),
        ({"op": "replace", "path": "display name", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "userName.value", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'name[type eq "x"].value', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "id", "value": "1"}, "mutability"),
        ({"op": "replace", "path": 'emails[type eq "fax"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type eq "work"]', "value": "x"}, "invalidValue"),
        ({"op": "remove", "path": "userName"}, "invalidValue"),
        ({"op": "replace", "path": ENTERPRISE, "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": "x"}, "invalidValue"),
    ],
)
def test_patch_that_cannot_be_changes_nothing_of_what_came_before(operation, kind, okta):
    pk = okta.ask("POST", USERS, PIA, status=201)["id"]

    error = okta.patch(pk, {"op": "replace", "path": "displayName", "value": "Changed"}, operation, status=400)

    assert error["scimType"] == kind
    assert User.objects.get(pk=pk).name == "Pia Park"


@pytest.mark.parametrize("body", [{"schemas": []}, {"schemas": [PATCH]}, {"schemas": [PATCH], "Operations": []}, [1]])
def test_patch_has_its_form(body, okta):
    pk = okta.ask("POST", USERS, PIA, status=201)["id"]

    assert okta.ask("PATCH", f"{USERS}/{pk}", body, status=400)["scimType"] == "invalidSyntax"


def test_name_and_address_of_somebody_else_are_refused(team, okta):
    pk = okta.ask("POST", USERS, PIA, status=201)["id"]

    named = okta.patch(pk, {"op": "replace", "path": "userName", "value": "BOB@northwind.example"}, status=409)
    addressed = okta.patch(pk, {"op": "replace", "path": "emails", "value": [{"value": "bob@northwind.example"}]}, status=409)

    assert (named["scimType"], addressed["scimType"]) == ("uniqueness", "uniqueness")


def test_name_that_somebody_takes_in_the_same_moment_is_refused(okta, monkeypatch):
    okta.ask("POST", USERS, PIA, status=201)
    monkeypatch.setattr(actions, "named", lambda name: User.objects.none())

    error = okta.ask("POST", USERS, {**PIA, "emails": [{"value": "other@northwind.example"}]}, status=409)

    assert error["scimType"] == "uniqueness"
    assert not User.objects.filter(email="other@northwind.example").exists()


def test_directory_does_not_take_over_a_privileged_account_by_its_address(team, okta):
    error = okta.patch(team["Mia"].pk, {"op": "replace", "path": "emails", "value": [{"value": "eve@evil.example"}]}, status=403)

    assert "holds a privileged role" in error["detail"]
    assert User.objects.get(pk=team["Mia"].pk).email == "mia@northwind.example"


# Let go


@pytest.mark.parametrize("value", [False, "False"])
def test_deactivating_cuts_somebody_off_on_the_next_request(value, team, okta):
    browser = sign_in(Client(), team["Bob"])
    assert browser.get(reverse("people")).status_code == 200

    shown = okta.patch(team["Bob"].pk, {"op": "Replace", "path": "active", "value": value})

    assert (shown["active"], browser.get(reverse("people")).status_code) == (False, 302)
    assert team["Bob"].grants.get().valid_until is not None
    left = next(entry for entry in entries_about(stream=f"person:{team['Bob'].pk}") if entry.kind == "person.left")
    assert left.actor == f"scim:{okta.token.pk}"
    assert okta.patch(team["Bob"].pk, {"op": "replace", "path": "active", "value": True})["active"] is True
    team["Bob"].refresh_from_db()
    assert not team["Bob"].has_usable_password()


def test_deleted_person_has_left_and_nothing_of_them_is_erased(team, okta):
    okta.ask("DELETE", f"{USERS}/{team['Bob'].pk}", status=204)

    okta.ask("GET", f"{USERS}/{team['Bob'].pk}", status=404)
    okta.ask("DELETE", f"{USERS}/{team['Bob'].pk}", status=404)
    okta.patch(team["Bob"].pk, {"op": "replace", "path": "active", "value": True}, status=404)
    assert okta.ask("GET", f'{USERS}?filter=userName eq "bob@northwind.example"')["totalResults"] == 0
    bob = User.objects.get(pk=team["Bob"].pk)
    assert (bob.name, bob.is_active, bob.grants.count()) == ("Bob", False, 1)
    again = {"schemas": [USER], "userName": "bob@northwind.example", "displayName": "Bob Barr"}
    assert okta.ask("POST", USERS, again, status=201)["id"] == str(bob.pk)
    bob.refresh_from_db()
    assert (bob.is_active, bob.name) == (True, "Bob Barr")


@pytest.mark.parametrize("name", ["Rex", "Mia"])
def test_last_holder_is_not_let_go_by_a_directory(name, team, okta):
    error = okta.patch(team[name].pk, {"op": "replace", "path": "active", "value": False}, status=403)
    okta.ask("DELETE", f"{USERS}/{team[name].pk}", status=403)

    assert f"{name} would be the last" in error["detail"]
    assert User.objects.get(pk=team[name].pk).is_active


# What the service says of itself, and what it does not have


def test_service_describes_itself(okta):
    config = okta.ask("GET", "/scim/v2/ServiceProviderConfig")
    types = okta.ask("GET", "/scim/v2/ResourceTypes")
    schemas = okta.ask("GET", "/scim/v2/Schemas")

    assert (config["patch"]["supported"], config["bulk"]["supported"], config["filter"]["supported"]) == (True, False, True)
    assert [kind["endpoint"] for kind in types["Resources"]] == ["/Users"]
    assert [schema["id"] for schema in schemas["Resources"]] == [USER, ENTERPRISE]
    assert okta.ask("GET", "/scim/v2/ResourceTypes/User") == types["Resources"][0]
    assert okta.ask("GET", f"/scim/v2/Schemas/{USER}") == schemas["Resources"][0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/scim/v2/Groups", 404),
        ("POST", "/scim/v2/Bulk", 404),
        ("GET", "/scim/v2/Me", 404),
        ("GET", "/scim/v2/Schemas/urn:nothing", 404),
        ("GET", f"{USERS}/999999999", 404),
        ("DELETE", USERS, 405),
        ("POST", "/scim/v2/ServiceProviderConfig", 405),
    ],
)
def test_what_is_not_here_is_said_in_its_form(method, path, status, okta):
    error = okta.ask(method, path, status=status)

    assert (error["status"], "scimType" in error) == (str(status), False)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_is_refused(raw, okta):
    answer = Client().post(USERS, data=raw, content_type="application/scim+json", headers={"Authorization": f"Bearer {okta.text}"})

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax")


# The administrators' page


def test_token_is_made_shown_once_and_revoked_on_the_page(team):
    rex = sign_in(Client(), team["Rex"], minutes_ago=1)

    empty = rex.get(reverse("provisioning")).content.decode()
    made = rex.post(reverse("make-scim-token"), {"name": "Okta", "days": "365"})
    listed = rex.get(reverse("provisioning")).content.decode()
    token = ScimToken.objects.get()
    revoked = rex.post(reverse("revoke-scim-token", args=[token.pk]))
    wrong = rex.post(reverse("make-scim-token"), {"name": "", "days": "365"})

    assert "No directory is connected" in empty
    assert "cst_" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert token.prefix in listed
    assert made.context["text"] not in listed
    assert (revoked.status_code, wrong.status_code) == (302, 422)
    assert sign_in(Client(), team["Mia"]).get(reverse("provisioning")).status_code == 403

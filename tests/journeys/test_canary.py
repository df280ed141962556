"""The canary test: every secret that the portal is ever given is a word of its own, and none of them is found anywhere it writes.

Looked through: every column of every table (so also queue, ledger, read log, sessions, and what a backup holds), every line of the
log, the pages of those who see most, feeds, lists, metrics, health, errors, an export of the ledger, an evidence pack, the bill of
materials and what the doctor says. A secret counts as found in clear, URL-quoted, hexadecimal or Base64.
"""

import base64
import io
import logging
import secrets
import socket
import time
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes.calendar.entries import KINDS
from changes.calendar.feeds import make_feed
from changes.connectors import actions as connect
from changes.connectors import polling
from changes.connectors.door import forget
from changes.connectors.github.signature import sign
from changes.connectors.models import Delivery, Source
from changes.connectors.slack.signature import sign as sign_for_slack
from portal.access.invitations import invite
from portal.access.permissions import EVERYBODY, P
from portal.access.roles import Role, permissions_of
from portal.access.scim.tokens import make_token as make_scim_token
from portal.access.tokens import make_token
from portal.ledger.places import places
from portal.runtime.doctor.run import examine
from portal.ui.logs import Formatter
from tests.architecture.test_matrix import BY_TOKEN, LEAVES, LIVE, RULES, address_of, ask
from tests.audits.packs.made import asked, built, content_of, furnished
from tests.changes.people import sign_in, who
from tests.portal.access.test_signin import give_totp

pytestmark = pytest.mark.django_db
SEE_MOST = {"Rex": Role.ADMINISTRATOR, "Mia": Role.COMPLIANCE}


KEPT_AS_IT_IS = {
    "django_session.session_key": "Django finds a session by it: twelve hours at most, in no backup, closed to auditors",
    "usersessions_usersession.session_key": "the list of one's browsers ends one by it; the same holds for it",
}


class Canaries(dict):
    """Kind of secret → its value. Asking for a new kind makes one, in no vendor's form: no mask by form could hide it."""

    def __missing__(self, kind):
        self[kind] = f"kanarie{secrets.token_hex(12)}"
        return self[kind]

    def found_in(self, text):
        """The kinds of what is found in a text."""
        return {kind for kind, value in self.items() if any(form in text for form in forms_of(value))}


def forms_of(value):
    """A secret as it may be written. Base64 of it begins anywhere, so its three shifts are cut to what they share."""
    raw = value.encode()
    shifted = [base64.b64encode(b"x" * shift + raw).decode()[4 if shift else 0 : -4] for shift in range(3)]
    return {value, quote(value, safe=""), raw.hex(), *shifted}


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def logged():
    """Every line that the portal would log while it debugs, through its own formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def nowhere():
    """An address on this machine where nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def given(canaries, settings, tmp_path, monkeypatch):
    """Everything that the environment gives."""
    settings.DATA_DIR = tmp_path
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    settings.SECRET_KEY = canaries["secret key"]
    settings.METRICS_TOKEN = canaries["metrics"]
    settings.EMAIL_HOST_PASSWORD = canaries["mail"]
    key = base64.urlsafe_b64encode(canaries["encryption key"].encode()[:32].ljust(32, b"k")).decode()
    settings.ENCRYPTION_KEYS = [key, Fernet.generate_key().decode()]
    settings.SOCIAL_AUTH_GITHUB_SECRET = canaries["link github"]
    settings.CELERY_BROKER_URL = f"redis://:{canaries['broker']}@127.0.0.1:1/0"
    app = {
        "provider_id": "company",
        "name": "x",
        "client_id": "x",
        "secret": canaries["oidc"],
        "settings": {"server_url": "https://x"},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    monkeypatch.setenv("COUNTERSIGN_BACKUP_URL", f"postgresql://u:{canaries['backup']}@127.0.0.1:1/x")
    forget()
    return canaries


def connected(canaries, nowhere):
    """All vendors, each with a token and what signs its deliveries."""
    at = timezone.now()
    branches = {"main": "main", "prod": "prod", "at": at}
    for kind, end in (("github", "/api/v3"), ("gitea", "/api/v1"), ("gitlab", "/api/v4")):
        getattr(connect, f"connect_{kind}")(
            repository=f"acme/{kind}",
            secret=canaries[f"{kind} webhook"],
            token=canaries[kind],
            api_url=nowhere + end,
            clone_url=f"{nowhere}/{kind}.git",
            **branches,
        )
    apps = {"web": ("production", "acme/github")}
    connect.connect_fly(org="acme", token=canaries["fly"], apps=apps, api_url=nowhere, at=at)
    connect.connect_slack(
        token=canaries["slack"], signing_secret=canaries["slack webhook"], channel="C0123456", api_url=nowhere, at=at
    )
    places_of = {"environments": {"prd": "production"}, "api_url": nowhere, "at": at}
    connect.connect_doppler(token=canaries["doppler"], secret=canaries["doppler webhook"], **places_of)
    places_of["environments"] = {"acme.example": "production"}
    connect.connect_cloudflare(account="ab" * 16, token=canaries["cloudflare"], **places_of)
    assert Source.objects.count() == 7


def delivered(canaries):
    """To each door a delivery that is genuine, and one whose sender puts the secret itself where a signature belongs."""
    body, client, stamp = b'{"zen": "x"}', Client(raise_request_exception=False), str(int(time.time()))
    signed = {kind: sign(body=body, secret=canaries[f"{kind} webhook"]) for kind in ("github", "gitea", "doppler")}
    headers = {
        "github": (
            {"x-hub-signature-256": signed["github"], "x-github-delivery": "1", "x-github-event": "ping"},
            "x-hub-signature-256",
        ),
        "gitea": ({"x-hub-signature-256": signed["gitea"], "x-gitea-delivery": "1", "x-gitea-event": "push"}, "x-gitea-signature"),
        "gitlab": (
            {"x-gitlab-token": canaries["gitlab webhook"], "x-gitlab-event-uuid": "1", "x-gitlab-event": "Push Hook"},
            "authorization",
        ),
        "slack": (
            {
                "x-slack-signature": sign_for_slack(body=body, stamp=stamp, secret=canaries["slack webhook"]),
                "x-slack-request-timestamp": stamp,
            },
            "x-slack-signature",
        ),
        "doppler": ({"x-doppler-signature": signed["doppler"]}, "x-doppler-signature"),
    }
    for kind, (good, where) in headers.items():
        address = f"/hooks/{kind}/"
        taken = client.post(address, body, content_type="application/json", headers=good).status_code
        forged = client.post(
            address, body, content_type="application/json", headers={where: canaries[f"{kind} webhook"]}
        ).status_code
        assert (taken in {200, 202}, forged) == (True, 401), kind


def people(canaries):
    """Passwords, second factors, sessions, tokens and letters; each is used, rightly and wrongly. The client that signed in."""
    rex, mia, now = who("Rex"), who("Mia"), timezone.now()
    later = now + timedelta(days=1)
    mia.set_password(canaries["password"])
    mia.save(update_fields=["password"])
    canaries["second factor"] = give_totp(rex)
    _, canaries["personal token"] = make_token(user=mia, name="x", scopes=[P.CHANGE_SEE], expires_at=later, by="test", at=now)
    _, canaries["provisioning token"] = make_scim_token(name="x", expires_at=later, by=rex, at=now)
    wanted = {"name": "x", "kinds": list(KINDS)[:1], "environments": [], "repositories": [], "expires_at": later, "at": now}
    _, canaries["feed"] = make_feed(user=who("Ann"), **wanted)
    _, canaries["invitation"] = invite(email="pia@northwind.example", name="Pia", roles=[], by=rex, at=now)
    client = Client(raise_request_exception=False)
    for word in (canaries["password"] + "x", canaries["password"]):
        signed = client.post("/account/login/", {"login": mia.email, "password": word})
    assert signed.status_code == 302
    canaries["session"] = client.cookies["session"].value
    for kind, address in (("personal token", "/api/v1/changes"), ("provisioning token", "/scim/v2/Users"), ("metrics", "/metrics")):
        for text in (canaries[kind], canaries[kind] + "x"):
            client.get(address, headers={"Authorization": f"Bearer {text}"})
    for token in (canaries["feed"], canaries["feed"] + "x"):
        client.get("/calendar.ics", {"token": token})
    outside = Client(raise_request_exception=False)
    for token in (canaries["invitation"], canaries["invitation"] + "x"):
        outside.get(reverse("invitation", args=[token]))
    return client


def asked_of_vendors():
    """Every vendor is read, and tested; none answers."""
    done = polling.poll_due(now=timezone.now)
    rex = sign_in(Client(raise_request_exception=False), who("Rex"))
    for source in Source.objects.all():
        rex.post(reverse("test-source", args=[source.pk]))
    assert done == 0
    assert Source.objects.exclude(last_error="").count() >= 4


def rows():
    """(table.column, text) of everything that the database keeps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea')"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f"SELECT coalesce(string_agg({text}, ' '), '') FROM \"{table}\"")
            if f"{table}.{column}" not in KEPT_AS_IT_IS:
                yield f"{table}.{column}", cursor.fetchone()[0]


def shown():
    """(address, text) of what those who see most can open, and of what answers without signing in."""
    for name, role in SEE_MOST.items():
        client, allowed = sign_in(Client(raise_request_exception=False), who(name)), permissions_of([role]) | EVERYBODY
        for route, rule in RULES.items():
            if "<" in route.pattern or route.name in LIVE | LEAVES or (rule.permission and rule.permission not in allowed):
                continue
            answer = ask(client, "GET", address_of(route))
            yield f"{name} {route.pattern}", str(answer.headers) + ("" if answer.streaming else answer.content.decode())
    nobody = Client(raise_request_exception=False)
    for address in ("/readyz", "/status/", "/account/login/", "/nowhere/", *(address_of(route) for route in BY_TOKEN)):
        answer = nobody.get(address)
        yield address, str(answer.headers) + answer.content.decode()


def taken_out(folder):
    """(name, text) of what leaves the portal as files, and of what is said at the shell."""
    uma, engagement = furnished()
    pack = zipfile.ZipFile(io.BytesIO(content_of(built(asked(engagement, uma), places()))))
    for name in pack.namelist():
        yield f"pack {name}", pack.read(name).decode(errors="replace")
    call_command("ledger", "export", str(folder), stdout=io.StringIO())
    for path in folder.rglob("*"):
        if path.is_file():
            yield f"export {path.name}", path.read_bytes().decode(errors="replace")
    said = io.StringIO()
    call_command("sbom", stdout=said)
    yield "sbom", said.getvalue()
    yield "doctor", " ".join(finding.text + finding.mend for finding in examine())
    with pytest.raises(CommandError) as failed:
        call_command("backup", str(folder / "copies"), stdout=io.StringIO())
    yield "backup", str(failed.value)
    for path in (folder / "copies").glob("*"):
        yield f"backup {path.name}", path.read_bytes().decode(errors="replace")


def test_no_secret_is_in_any_table_log_page_file_or_error(given, nowhere, logged, tmp_path):
    connected(given, nowhere)
    delivered(given)
    client = people(given)
    asked_of_vendors()
    with broken(given):
        failing = client.get("/changes/")

    looked_at = [*shown(), *taken_out(tmp_path / "out"), *rows(), ("log", logged()), ("error", failing.content.decode())]

    found = {place: given.found_in(text) for place, text in looked_at}
    assert {place: kinds for place, kinds in found.items() if kinds} == {}
    assert failing.status_code == 500
    assert len(given) >= 25, sorted(given)
    assert len(looked_at) > 700
    assert Delivery.objects.count() >= 4
    assert "RuntimeError" in logged()


@contextmanager
def broken(canaries):
    """A page that breaks with a secret among its variables."""
    with pytest.MonkeyPatch.context() as patch:

        def fails(person):
            token = canaries["github"]
            raise RuntimeError(len(token))

        patch.setattr("changes.desk.list_views.furniture_of", fails)
        yield


@pytest.mark.parametrize(
    "written", [str, quote, lambda text: text.encode().hex(), lambda text: base64.b64encode(b"a:" + text.encode()).decode()]
)
def test_a_secret_that_is_written_somewhere_is_found(canaries, written):
    value = canaries["planted"]

    assert canaries.found_in(f"asked with {written(value)}, in vain") == {"planted"}
    assert canaries.found_in("asked with [hidden], in vain") == set()

"""Connecting a vendor on the pages: tested, in scope as chosen, filled back; then tested again, disconnected; keys rotated."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from changes.connectors.checked import Checked
from changes.connectors.checks import check, try_source
from changes.connectors.connecting.models import Connecting
from changes.connectors.door import forget
from changes.connectors.models import Fetch, HookSecret, Source
from changes.connectors.wellbeing import judge
from changes.delivery.models import Repository
from portal import keyring, vault
from portal.access.roles import Role
from portal.ledger.queries import entries_about
from portal.standins.github.shapes import people
from tests.architecture.test_secrets import GIVEN_OUT
from tests.changes.people import person, sign_in
from tests.standins import cloudflare_standin, doppler_standin, fly_standin, github_standin, northwind, slack_standin

__all__ = ["cloudflare_standin", "doppler_standin", "fly_standin", "github_standin", "northwind", "slack_standin"]
pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _here(settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    forget()


def source(kind, vendor, token, **more):
    return Source(name=kind, kind=kind, api_url=vendor.api_url, token_encrypted=vault.seal(token), **more)


@pytest.mark.parametrize(
    ("days", "words"),
    [(30, "Works. It ends on 2 Dec 2026."), (3, "Works. It ends soon, on 5 Nov 2026."), (-1, "Works. It ended 1 Nov 2026.")],
)
def test_the_end_of_a_token_is_said(days, words):
    assert Checked(True, "Works", expires_at=AT + timedelta(days=days)).sentence(at=AT) == words


def test_what_works_and_what_is_missing_is_said_of_every_vendor(
    northwind, fly_standin, slack_standin, doppler_standin, cloudflare_standin, monkeypatch
):
    now = timezone.now()
    fly_standin.create_app(name="northwind-web-prod", org="northwind-production")
    slack_standin.set_scopes(scopes=["chat:write", "users:read", "channels:read"])
    doppler_standin.add_user(email="rex@northwind.example")
    doppler_standin.add_project(name="shop", by="rex@northwind.example")
    cloudflare_standin.add_zone(name="northwind.example", by="rex@northwind.example")
    app, account = {"app_id": northwind.app_id}, {"account": cloudflare_standin.account}
    asked = {
        "app": source("github", northwind, northwind.app_private_key, **app),
        "person": source("github", northwind, northwind.token_of("rex")),
        "fly": source("fly", fly_standin, fly_standin.token),
        "slack": source("slack", slack_standin, slack_standin.token),
        "doppler": source("doppler", doppler_standin, doppler_standin.token),
        "cloudflare": source("cloudflare", cloudflare_standin, cloudflare_standin.token, settings=account),
    }

    found = {name: check(source=row, at=now) for name, row in asked.items()}

    assert all(one.works for one in found.values()), found
    assert (found["app"].words, found["app"].offers) == ("The App countersign sees 1 repository", ("northwind/web",))
    assert (found["app"].installation_id, found["app"].missing) == (northwind.installation_id, ())
    monkeypatch.setattr(people, "EVENTS", [event for event in people.EVENTS if event not in ("team", "merge_group", "status")])
    assert check(source=asked["app"], at=now).words.endswith("sees 1 repository, and is not subscribed to status, team")
    assert found["person"].words.startswith("GitHub answers as rex, who sees 1 repository")
    assert found["fly"].offers == ("northwind-production/northwind-web-prod",)
    assert "commands" in found["slack"].missing
    assert [one.partition(" ")[2] for one in found["slack"].offers] == ["#emergencies", "#production-changes"]
    assert (found["doppler"].offers, found["doppler"].missing) == (("dev", "prd", "stg"), ())
    assert (found["cloudflare"].offers, found["cloudflare"].missing) == (("northwind.example",), ())
    for name, row in asked.items():
        row.token_encrypted = vault.seal("wrong-wrong-wrong")
        refused = check(source=row, at=now)
        assert not refused.works, name
        assert "wrong-wrong" not in refused.words


def text(answer):
    return answer.content.decode()


def test_github_is_connected_step_by_step_left_resumed_and_filled_back(client, northwind, settings):
    """The secret of the webhook is shown once; the token never; another administrator goes on; a wrong token is said."""
    rex, rae = person("Rex"), person("Rae", Role.ADMINISTRATOR)
    settings.CONNECT_ADDRESSES = [f"github={northwind.api_url}"]
    sign_in(client, rex)
    begun = client.post("/integrations/connect/github/begin/")
    at = begun.headers["Location"]
    empty = client.post(f"{at}credential/", {"api_url": northwind.api_url})
    foreign = client.post(f"{at}credential/", {"api_url": "https://elsewhere.example", "token": "t"})
    shown = text(client.post(f"{at}credential/", {"api_url": northwind.api_url, "token": "ghp_not-a-token"}))
    secret = re.search(r"data-secret>([0-9a-f]{64})<", shown)[1]
    wrong = text(client.post(f"{at}test/", follow=True))

    sign_in(client, rae)
    resumed = client.post("/integrations/connect/github/begin/")
    again = text(client.post(f"{at}credential/", {"api_url": northwind.api_url, "token": northwind.token_of("rex")}, follow=True))
    tested = text(client.post(f"{at}test/", follow=True))
    unchosen = client.post(f"{at}scope/", {"main": "main", "prod": "main", "approved_by": "portal"})
    given = {"repositories": ["northwind/web"], "main": "main", "prod": "prod", "approved_by": "portal"}
    done = text(client.post(f"{at}scope/", given, follow=True))

    assert (empty.status_code, foreign.status_code, unchosen.status_code) == (422, 422, 422)
    assert "Give the credential" in text(empty)
    assert "Bad credentials" in wrong
    assert resumed.headers["Location"] == at
    assert "GitHub answers as rex" in tested
    assert "two branches" in text(unchosen)
    for later in (wrong, again, tested, done):
        assert secret not in later
        assert northwind.token_of("rex") not in later
    row, repository = Source.objects.get(), Repository.objects.get()
    assert (repository.name, repository.approved_by, row.app_id) == ("northwind/web", "portal", "")
    assert vault.open(bytes(HookSecret.objects.get().secret_encrypted)) == secret
    assert (Fetch.objects.get().days, Fetch.objects.get().asked_by) == (90, rae)
    draft = Connecting.objects.get()
    assert (draft.step, bytes(draft.token_encrypted), bytes(draft.secret_encrypted)) == ("done", b"", b"")
    assert "Waiting: 0 of 4 steps, 0 things read." in done
    begun = {"began_at": timezone.now() - timedelta(minutes=4), "moved_at": timezone.now(), "todo": Fetch.objects.get().todo[2:]}
    Fetch.objects.update(**begun)
    assert "2 of 4 steps, 0 things read, about 4 minutes left." in text(client.get(at))
    [connected] = [one for one in entries_about(stream=f"repository:{repository.pk}") if one.kind == "repository.connected"]
    assert connected.actor == f"user:{rae.pk}"
    assert [one.kind for one in entries_about(stream=f"connecting:{draft.pk}")] == ["source.connect_begun"]
    assert client.post(f"{at}scope/", given).status_code == 404


def test_the_others_are_connected_with_what_was_chosen(
    client, fly_standin, slack_standin, doppler_standin, cloudflare_standin, settings
):
    vendors = {"fly": fly_standin, "slack": slack_standin, "doppler": doppler_standin, "cloudflare": cloudflare_standin}
    fly_standin.create_app(name="web", org="northwind")
    doppler_standin.add_project(name="shop", by="rex@northwind.example")
    cloudflare_standin.add_zone(name="northwind.example", by="rex@northwind.example")
    Repository.objects.create(name="northwind/web", in_scope_from=AT)
    settings.CONNECT_ADDRESSES = [f"{kind}={vendor.api_url}" for kind, vendor in vendors.items()]
    sign_in(client, person("Rex"))
    channel = slack_standin.channel("production-changes")["channel_id"]
    more = {"cloudflare": {"account": cloudflare_standin.account}, "slack": {"secret": "s1gning"}}
    chosen = {
        "fly": {"place-0": "production", "repository": "northwind/web"},
        "slack": {"channel": f"{channel} #production-changes", "emergencies": f"{channel} #production-changes"},
        "doppler": {"place-1": "production"},
        "cloudflare": {"place-0": "production"},
    }

    for kind, vendor in vendors.items():
        at = client.post(f"/integrations/connect/{kind}/begin/").headers["Location"]
        client.post(f"{at}credential/", {"api_url": vendor.api_url, "token": vendor.token, **more.get(kind, {})})
        client.post(f"{at}test/")
        if kind == "fly":
            assert "at least one app" in text(client.post(f"{at}scope/", {"repository": "northwind/web"}))
        assert client.post(f"{at}scope/", chosen[kind]).status_code == 302, kind

    settings_of = dict(Source.objects.values_list("name", "settings"))
    assert settings_of["fly"] == {"org": "northwind", "apps": {"web": {"environment": "production", "repository": "northwind/web"}}}
    assert settings_of["slack"]["channels"] == {"changes": channel, "emergencies": channel}
    assert settings_of["doppler"]["environments"] == {"prd": "production"}
    assert settings_of["cloudflare"] == {"account": cloudflare_standin.account, "environments": {"northwind.example": "production"}}
    assert Fetch.objects.count() == 4


def test_what_is_left_is_wiped_and_only_administrators_who_just_proved_themselves_connect(client, settings):
    rex, ann = person("Rex"), person("Ann")
    sign_in(client, ann)
    assert client.get("/integrations/connect/").status_code == 403
    sign_in(client, rex, fresh=False)
    assert client.post("/integrations/connect/slack/begin/").headers["Location"].startswith("/account/reauthenticate/")
    sign_in(client, rex)
    assert client.post("/integrations/connect/gitea/begin/").status_code == 404, "its address is a setting"
    assert "COUNTERSIGN_CONNECT_ADDRESSES=gitea" in text(client.get("/integrations/connect/"))
    at = client.post("/integrations/connect/doppler/begin/").headers["Location"]
    client.post(f"{at}credential/", {"api_url": "https://api.doppler.com", "token": "dp.sa.x"})
    first = bytes(Connecting.objects.get().secret_encrypted)
    client.post(f"{at}secret/")
    assert vault.open(first) != vault.open(bytes(Connecting.objects.get().secret_encrypted))
    assert "Go on" in text(client.get("/integrations/connect/"))

    client.post(f"{at}leave/")

    draft = Connecting.objects.get()
    assert (draft.ended_at is not None, bytes(draft.token_encrypted), bytes(draft.secret_encrypted)) == (True, b"", b"")
    assert "Nothing of it is kept" in text(client.get(at))
    wrong = client.get(f"{at}app/made/?code=x&state=y")
    assert wrong.status_code == 404


def test_a_source_is_tested_and_disconnected_with_its_reason_and_connected_again(client, slack_standin):
    channel = slack_standin.channel("production-changes")["channel_id"]
    given = ["connect", "slack", "--signing-secret", "s", "--channel", channel, "--api-url", slack_standin.api_url, "--test"]
    with pytest.raises(CommandError, match="not valid"):
        call_command(*given, "--token", "xoxb-wrong")
    call_command(*given, "--token", slack_standin.token)
    row = Source.objects.get()
    sign_in(client, person("Rex"))

    tested = text(client.post(f"/integrations/{row.pk}/test/", follow=True))
    refused = client.post(f"/integrations/{row.pk}/disconnect/", {"reason": " "})
    secret = client.post(f"/integrations/{row.pk}/disconnect/", {"reason": f"{GIVEN_OUT['Slack']} is known outside."})
    assert (secret.status_code, "looks like a secret (Slack)" in text(secret)) == (422, True)
    page = text(client.post(f"/integrations/{row.pk}/disconnect/", {"reason": "Moved to another workspace."}, follow=True))

    assert "Slack answers for the workspace Northwind Labs" in tested
    assert refused.status_code == 422
    row = Source.objects.get()
    assert (row.has_token, HookSecret.objects.filter(retired_at=None).exists()) == (False, False)
    assert "Disconnected. What was read stays" in page
    kinds = [one.kind for one in entries_about(stream=f"source:{row.pk}")]
    assert kinds[:2] == ["source.disconnected", "source.tested"]
    call_command(*given, "--token", slack_standin.token)
    assert (judge(Source.objects.get(), timezone.now())[0], Source.objects.get().paused_at) == ("stale", None)
    assert try_source(source=Source.objects.get(), actor="shell", at=timezone.now()).works


def test_everything_sealed_is_sealed_anew_under_the_newest_key(client, settings, capsys):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    row = Source.objects.create(
        name="fly", kind="fly", api_url="https://api.fly.io", token_encrypted=vault.seal("t"), connected_at=AT
    )
    HookSecret.objects.create(source=row, secret_encrypted=vault.seal("s"), created_at=AT)
    HookSecret.objects.create(source=row, secret_encrypted=Fernet(Fernet.generate_key()).encrypt(b"lost"), created_at=AT)
    settings.ENCRYPTION_KEYS = [new, old]
    sign_in(client, person("Rex"))
    before = text(client.get("/integrations/"))

    said = text(client.post("/integrations/keys/", follow=True))

    assert "3 credentials are encrypted; 2 of them under an older key, and 1 cannot be opened" in before
    assert "2 sealed anew under the newest key. 1 cannot be opened" in said
    settings.ENCRYPTION_KEYS = [new]
    assert vault.open(bytes(Source.objects.get().token_encrypted)) == "t"
    [entry] = entries_about(stream="keys")
    assert entry.fact["sealed_anew"] == {
        **dict.fromkeys((one.name for one in keyring.counts()), 0),
        "tokens of sources": 1,
        "secrets of webhooks": 1,
    }
    assert entry.fact["newest"] == vault.fingerprint()
    call_command("keys")
    assert "1 cannot be opened" in capsys.readouterr().out
    HookSecret.objects.order_by("-pk").first().delete()
    call_command("keys", "rotate")
    assert "Older keys can be taken out" in capsys.readouterr().out

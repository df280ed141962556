"""How the client proves who asks: a token, or a GitHub App."""

from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from changes.connectors.errors import NotJson, Passing, Unauthorised
from changes.connectors.github.auth import _Kept, app_jwt
from changes.connectors.github.client import GitHub
from portal import vault
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW
from tests.changes.connectors.github.forge import Said

TRADE = "POST /app/installations/5150/access_tokens"
REPO = "GET /repos/northwind/web"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
APP = {"app_id": "4242", "installation_id": "5150"}


def traded(number: int = 1, *, expires_at: str = "2026-02-10T13:00:00Z") -> Said:
    return Said({"token": f"ghs_installation-{number}", "expires_at": expires_at}, 201)


def connected(connect, script, **values):
    return connect({REPO: Said(made.REPOSITORY), **script}, token_encrypted=vault.seal(PEM), **APP, **values)


def later(github: GitHub, **wait: float) -> GitHub:
    return GitHub(source=github.source, repository_name=github.repository_name, at=NOW + timedelta(**wait))


def said_by(proof: str) -> dict:
    """The claims, after their signature was checked with the public key."""
    return jwt.decode(proof, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})


def test_the_apps_proof_is_what_github_asks_for() -> None:
    proof = app_jwt(app_id="4242", private_key=PEM, at=NOW)

    assert said_by(proof) == {"iss": "4242", "iat": int(NOW.timestamp()) - 60, "exp": int(NOW.timestamp()) + 540}
    assert jwt.get_unverified_header(proof)["alg"] == "RS256"


def test_an_app_trades_its_key_for_a_token_and_uses_that(connect) -> None:
    github, forge = connected(connect, {TRADE: traded()})

    github.repository()

    trade, asked = forge.asked
    proof = trade.headers["authorization"].removeprefix("Bearer ")
    assert (
        jwt.decode(proof, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})["iss"]
        == "4242"
    )
    assert trade.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["authorization"] == "Bearer ghs_installation-1"


@pytest.mark.parametrize(("minutes", "trades"), [(0, 1), (54, 1), (55, 2), (70, 2)])
def test_an_installation_token_is_kept_until_five_minutes_before_its_end(connect, minutes: int, trades: int) -> None:
    github, forge = connected(connect, {TRADE: [traded(1), traded(2, expires_at="2026-02-10T15:00:00Z")]})
    github.repository()

    later(github, minutes=minutes).repository()

    assert len([one for one in forge.asked if one.method == "POST"]) == trades
    assert forge.asked[-1].headers["authorization"] == f"Bearer ghs_installation-{trades}"


def test_a_revoked_installation_token_is_dropped_and_asked_for_anew(connect) -> None:
    github, forge = connected(connect, {TRADE: [traded(1), traded(2)]})
    github.repository()
    forge.script[REPO] = [Said({"message": "Bad credentials"}, 401), Said(made.REPOSITORY)]

    with pytest.raises(Passing, match="a new one will be asked for") as caught:
        github.repository()
    github.repository()

    assert caught.value.retry_after == 1.0
    assert forge.asked[-1].headers["authorization"] == "Bearer ghs_installation-2"


def test_a_refused_plain_token_is_for_good(connect) -> None:
    github, _ = connect({REPO: Said({"message": "Bad credentials"}, 401)})

    with pytest.raises(Unauthorised, match="answered 401: Bad credentials"):
        github.repository()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Said({"message": "A JSON web token could not be decoded"}, 401), Unauthorised),
        (Said({"token": ""}, 201), NotJson),
        (Said({"token": "x", "expires_at": "soon"}, 201), NotJson),
        (Said([], 201), NotJson),
        (Said({"message": "down"}, 503), Passing),
    ],
)
def test_a_trade_that_fails_says_so(connect, said: Said, error: type[Exception]) -> None:
    github, _ = connected(connect, {TRADE: said})

    with pytest.raises(error) as caught:
        github.repository()

    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"])
def test_a_key_that_cannot_be_read_is_named_without_being_shown(connect, key: str) -> None:
    github, _ = connect({}, token_encrypted=vault.seal(key), **APP)

    with pytest.raises(Unauthorised, match="private key of the GitHub App cannot be read") as caught:
        github.repository()

    assert caught.value.__cause__ is None
    assert "AAAA" not in str(caught.value)


def test_a_secret_that_no_key_opens_is_named(connect) -> None:
    github, _ = connect({}, token_encrypted=b"sealed elsewhere")

    with pytest.raises(Unauthorised, match="cannot be opened"):
        github.repository()


def test_a_kept_token_is_not_shown() -> None:
    assert "ghs" not in repr(_Kept(token="ghs_secret", good_until=NOW))


def test_a_key_on_one_line_is_read_as_well() -> None:
    proof = app_jwt(app_id="4242", private_key=PEM.replace("\n", "\\n"), at=NOW)

    assert said_by(proof)["iss"] == "4242"


@pytest.mark.parametrize("number", ["", "northwind", "1/../2", "٣"])
def test_an_app_without_its_installations_number_says_so(connect, number: str) -> None:
    github, forge = connect({}, token_encrypted=vault.seal(PEM), app_id="4242", installation_id=number)

    with pytest.raises(Unauthorised, match="installation's number is missing"):
        github.repository()

    assert forge.asked == []

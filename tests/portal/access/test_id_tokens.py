"""Of a provider of OpenID Connect nothing is believed but a token that it signed, for us, on this very way."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from tests.portal.access.test_outside_sign_in import company, joined, through, who

pytestmark = pytest.mark.django_db
__all__ = ["company"]
KID = {"kid": "one"}


def by_another_key(claims, genuine):
    return jwt.encode(claims, rsa.generate_private_key(public_exponent=65537, key_size=2048), algorithm="RS256", headers=KID)


def by_nobody(claims, genuine):
    return jwt.encode(claims, None, algorithm="none", headers=KID)


def by_the_public_key_as_a_secret(claims, genuine):
    pem = genuine.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return jwt.encode(claims, pem, algorithm="HS256", headers=KID)


def with_other_claims(claims, genuine):
    head, _, signature = SIGN(claims).split(".")
    body = jwt.utils.base64url_encode(json.dumps({**claims, "sub": "s-2"}).encode()).decode()
    return f"{head}.{body}.{signature}"


def of_another_way(claims, genuine):
    return SIGN({**claims, "nonce": "of-another-way"})


def without_a_nonce(claims, genuine):
    return SIGN({name: value for name, value in claims.items() if name != "nonce"})


def for_somebody_else(claims, genuine):
    return SIGN({**claims, "aud": "another-client"})


def from_somebody_else(claims, genuine):
    return SIGN({**claims, "iss": "https://elsewhere.example"})


def too_late(claims, genuine):
    return SIGN({**claims, "exp": claims["iat"] - 60})


def about_somebody_else(claims, genuine):
    return SIGN({**claims, "sub": "s-2"})


def none_at_all(claims, genuine):
    return ""


SIGN = None
FORGED = [
    by_another_key,
    by_nobody,
    by_the_public_key_as_a_secret,
    with_other_claims,
    of_another_way,
    without_a_nonce,
    for_somebody_else,
    from_somebody_else,
    too_late,
    about_somebody_else,
    none_at_all,
]


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_token_that_is_not_the_providers_for_us_on_this_way_signs_nobody_in(forge, company, monkeypatch):
    joined()
    monkeypatch.setitem(globals(), "SIGN", company.id_token)
    monkeypatch.setattr(company, "id_token", lambda claims: forge(claims, company._key.public_key()))
    client = Client()

    answer = through(client, company)

    assert (answer.status_code, who(client)) == (401, "nobody")
    assert "did not confirm who you are" in answer.content.decode()


def test_every_way_has_a_nonce_of_its_own(company):
    joined()
    through(Client(), company)
    through(Client(), company)

    first, second = (asked["nonce"] for asked in company.asked)
    assert first != second
    assert min(len(first), len(second)) >= 32

"""Is a delivery really from GitHub (threat T1)?"""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes.connectors.github.signature import is_genuine, sign, verify
from tests.changes.connectors.github import vendor_data

BODY = b"Hello, World!"
SECRET = "It's a Secret to Everybody"
OFFICIAL = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def vectors() -> list:
    path = vendor_data.FOLDER / "vectors.json"
    if not path.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason=vendor_data.ABSENT), id="absent")]
    return json.loads(path.read_bytes())["github"]["vectors"]


@pytest.mark.parametrize("vector", vectors())
def test_an_official_vector_verifies_as_it_says(vector: dict) -> None:
    assert is_genuine(vector["body"].encode(), vector["header"], vector["secret"]) is vector["valid"]


@pytest.mark.parametrize("name", ["standard-change", "violations", "emergency-with-rollback"])
def test_every_delivery_of_a_story_is_genuine_until_one_byte_changes(name: str) -> None:
    story = vendor_data.story(name)

    for delivery in story["deliveries"]:
        header, body = delivery["headers"]["X-Hub-Signature-256"], delivery["body_raw"].encode()
        assert verify(body=body, header=header, secrets=["another", story["secret"]])
        assert not verify(body=body + b" ", header=header, secrets=[story["secret"]])


def test_the_documented_example_verifies() -> None:
    assert is_genuine(BODY, OFFICIAL, SECRET)
    assert sign(body=BODY, secret=SECRET) == OFFICIAL


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        OFFICIAL.removeprefix("sha256="),
        OFFICIAL.upper(),
        OFFICIAL.replace("sha256", "SHA256"),
        f"sha256={OFFICIAL[7:].upper()}",
        OFFICIAL[:-1],
        f"{OFFICIAL}0",
        f" {OFFICIAL}",
        f"{OFFICIAL} ",
        f"{OFFICIAL}\n",
        f"{OFFICIAL}, {OFFICIAL}",
        OFFICIAL.replace("sha256", "sha1"),
        OFFICIAL.replace("sha256", "sha512"),
        OFFICIAL.replace("=", ":"),
        "sha1=d03207e4b030cf234e3447bac4d93add4c6643d8",
        f"sha256={'0' * 64}",
        f"sha256={'٣' * 64}",
        "sha256=é",
    ],
)
def test_anything_but_the_exact_header_is_refused(header: str) -> None:
    assert not is_genuine(BODY, header, SECRET)
    assert not verify(body=BODY, header=header, secrets=[SECRET])


@given(bit=st.integers(0, 255))
def test_one_flipped_bit_of_the_signature_is_refused(bit: int) -> None:
    flipped = bytearray.fromhex(OFFICIAL[7:])
    flipped[bit // 8] ^= 1 << (bit % 8)

    assert not is_genuine(BODY, f"sha256={flipped.hex()}", SECRET)


def test_two_secrets_are_good_during_a_rotation_and_none_is_never() -> None:
    new = sign(body=BODY, secret="new")

    assert verify(body=BODY, header=new, secrets=["old", "new"])
    assert verify(body=BODY, header=new, secrets=["new", "old"])
    assert not verify(body=BODY, header=new, secrets=["old"])
    assert not verify(body=BODY, header=new, secrets=[])


def test_an_empty_secret_signs_nothing() -> None:
    forged = f"sha256={hmac.new(b'', BODY, hashlib.sha256).hexdigest()}"

    assert not is_genuine(BODY, forged, "")
    assert not verify(body=BODY, header=OFFICIAL, secrets=["", ""])
    with pytest.raises(ValueError, match="empty secret"):
        sign(body=BODY, secret="")

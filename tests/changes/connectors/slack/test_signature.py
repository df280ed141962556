"""Is a request really from Slack, and signed lately (threats T1, T2, T4)?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes.connectors.slack.signature import is_fresh, is_genuine, sign
from tests.changes.connectors.slack import vendor_data

SECRET, STAMP, BODY = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618", b"token=xyzz0WbapA4vBCDEFasx0q6G&command=%2Fchange"
GOOD = sign(body=BODY, stamp=STAMP, secret=SECRET)


@pytest.mark.parametrize("vector", vendor_data.vectors())
def test_an_official_vector_verifies_as_it_says(vector):
    header = f"{vector['timestamp']}:{vector['header']}"

    assert is_genuine(vector["body"].encode(), header, vector["signing_secret"]) is vector["valid"]
    assert is_fresh(vector["timestamp"], float(vector["valid_at"])) is vector["valid"]
    assert not is_genuine(vector["body"].encode() + b" ", header, vector["signing_secret"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":",
        GOOD,
        f":{GOOD}",
        f"{STAMP}:",
        f"{STAMP}:{GOOD[3:]}",
        f"{STAMP}:{GOOD.upper()}",
        f"{STAMP}:{GOOD[:-1]}",
        f"{STAMP}:{GOOD}0",
        f"{STAMP}:{GOOD} ",
        f"{STAMP}:{GOOD},{GOOD}",
        f"{STAMP}:v1={GOOD[3:]}",
        f"{STAMP}:v0={'0' * 64}",
        f"1531420619:{GOOD}",
        f"0{STAMP}:{GOOD}",
        f"-{STAMP}:{GOOD}",
        f" {STAMP}:{GOOD}",
        f"{STAMP}.0:{GOOD}",
        f"noon:{GOOD}",
        f"١٥٣١٤٢٠٦١٨:{GOOD}",
        f"{STAMP}:v0={'é' * 64}",
    ],
)
def test_anything_but_the_exact_headers_is_refused(header):
    assert not is_genuine(BODY, header, SECRET)


def test_the_exact_headers_verify_for_this_secret_only():
    assert is_genuine(BODY, f"{STAMP}:{GOOD}", SECRET)
    assert not is_genuine(BODY, f"{STAMP}:{GOOD}", "another")
    assert not is_genuine(BODY, f"{STAMP}:{GOOD}", "")
    with pytest.raises(ValueError, match="empty secret"):
        sign(body=BODY, stamp=STAMP, secret="")


@given(bit=st.integers(0, 255))
def test_one_flipped_bit_is_refused(bit):
    flipped = bytearray.fromhex(GOOD[3:])
    flipped[bit // 8] ^= 1 << (bit % 8)

    assert not is_genuine(BODY, f"{STAMP}:v0={flipped.hex()}", SECRET)


@pytest.mark.parametrize(
    ("stamp", "fresh"),
    [
        ("1000000", True),
        ("999700", True),
        ("999699", False),
        ("1000300", True),
        ("1000301", False),
        ("", False),
        ("noon", False),
        ("1e6", False),
        ("1_000_000", False),
        ("9" * 400, False),
        ("١٠٠٠٠٠٠", False),
    ],
)
def test_a_request_is_good_for_five_minutes_on_either_side_of_its_arrival(stamp, fresh):
    assert is_fresh(stamp, 1_000_000.0) is fresh

"""Logs: JSON lines with the request's reference, and no secret in them whatever its road."""

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from portal.ui.logs import MASK, Formatter, masked

SECRETS = [
    "ghp_" + "a" * 36,
    "github_pat_" + "a1B2" * 10,
    "xoxb-1234567890-abcdefghij",
    "fm2_" + "lJPECAAAAAAAAAAA" * 3,
    "dp.st.prd.AbCdEfGhIjKlMnOp",
    "cs_" + "aB3_" * 10,
    "csf_" + "aB3-" * 10,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "cst_" + "aB3-" * 10,
    "glpat-" + "aB3x" * 6,
    "cfut_" + "aB3x" * 12,
    "AGE-SECRET-KEY-1" + "QPZR" * 14,
    "/account/invitation/" + "kJ3d92hfQmZ81LxP/",
    "/account/password/reset/key/" + "3-c8xq1r-5f0d7c/",
    "Bearer abcdefghijklmnop",
    "https://robot:hunter2hunter2@git.northwind.example/x.git",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
]
HIDDEN = [
    *("ghp_", "github_pat_a", "xoxb-", "fm2_", "dp.st.", "cs_a", "csf_a", "eyJ", "cst_", "glpat-", "cfut_", "QPZR"),
    *("kJ3d92", "c8xq1r", "abcdefghijklmnop", "hunter2", "MIIEow"),
]


@pytest.fixture
def lines():
    """What a handler of ours writes for events of structlog and of the standard library."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    logger = logging.getLogger("portal.test")
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


@pytest.mark.parametrize(("secret", "hidden"), list(zip(SECRETS, HIDDEN, strict=True)))
def test_a_secret_is_masked_in_any_text(lines, secret, hidden):
    log = structlog.get_logger("portal.test")
    log.warning("asked", answer=f"said {secret} to us", deep={"a": [{"b": secret}]})
    logging.getLogger("portal.test").warning("asked %s", secret)
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        log.exception("failed")

    text = json.dumps(lines())

    assert hidden not in text
    assert text.count(MASK.strip("[]")) >= 3


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "client_secret", "api_key", "X-Hub-Signature", "set-cookie", "session_key", "token"]
)
def test_a_value_is_masked_by_its_name(lines, name):
    structlog.get_logger("portal.test").warning("asked", **{name: "plain words"}, headers={name: "plain words"})

    assert "plain words" not in json.dumps(lines())


def test_a_line_has_the_reference_of_its_request(lines):
    with structlog.contextvars.bound_contextvars(request_id="ABCDEFGHJK"):
        logging.getLogger("portal.test").warning("plain")

    assert lines()[0]["request_id"] == "ABCDEFGHJK"
    assert lines()[0]["event"] == "plain"


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_masking_takes_any_value(value):
    json.dumps(masked(value), default=str)


def test_what_is_nested_too_deep_is_masked_whole():
    value = "x"
    for _ in range(20):
        value = [value]

    assert MASK in json.dumps(masked(value))

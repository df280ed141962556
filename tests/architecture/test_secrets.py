"""No secret lies in the repository. What a test shows on purpose is made up in sight, and stands in the list with its reason."""

import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.forms_of_secrets import ANY, FORMS, HIDDEN
from tests.architecture.test_house import ROOT, tracked

BINARY = {".png", ".woff2", ".ico", ".gz", ".pdf", ".zip", ".dump"}
MADE_UP = re.compile(
    r"(.)\1{5}|example|not-a|never|secret|hunter2|password|canary|fake|test|1234|abcd|northwind|pass:word|user:|:pw|TOKEN|…|\{|\$",
    re.IGNORECASE,
)
"""What no issuer would give out: repetitions, rows of letters, words. Of a key the length says more: every one that OpenSSH writes
begins with repetitions."""
LINE = re.compile(r"^[ \t\"']*([A-Za-z0-9+/=]{40,})(?:\\n)?[\"']?$", re.MULTILINE)
KEY_FROM = 100
"""Characters of Base64, in lines as keys have them, from which on something is a key and no sketch of one."""
KNOWN: dict[str, str] = {
    "dp.sa...standin": "the stand-in shows its token cut, as Doppler does",
    "dp.said.bAqhcVzrhy5c": "an example of Doppler's own documentation",
    "a:b": "a test of addresses with a password in them",
    "-----BEGIN RSA PRIVATE KEY-----\\nAAAA": "three bytes that are no key",
    "-----BEGIN RSA PRIVATE KEY-----\\nMIIEow": "the head of every such key and nothing after it",
    "xoxb-from-file": "words in a test of reading from files",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0": "an example of how a JSON web token looks",
}
"""Beginning of what was found → why it is none."""

GIVEN_OUT = {
    "GitHub": "ghp" + "_" + "k3Jd92hfQmZ81LxPq07VbNcYtR5sWgEuA4oI",
    "GitLab": "glpat" + "-" + "k3Jd92hfQmZ81LxPq07V",
    "Slack": "xoxb" + "-" + "17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
    "Fly": "fm2" + "_" + "lJPEk3Jd92hfQmZ81LxPq07VbNcYtR5sWgEuA4oI",
    "Doppler": "dp." + "st.prd.k3Jd92hfQmZ81LxPq07VbNcYtR5sWgEuA4oI",
    "Cloudflare": "cfut" + "_" + "k3Jd92hfQmZ81LxPq07VbNcYtR5sWgEuA4oIk3Jd9f2a4c1b",
    "our own": "cst" + "_" + "k3Jd92hfQmZ81LxPq07VbNcYtR5sWgEuA4oIk3Jd9f2",
    "age": "AGE-SECRET-" + "KEY-1QQPQZ0R9V7LTDX4U8M2K6C3GW5HAJNYESF0R9V7LTDX4U8M2K6C3GW5H",
    "Amazon": "AKIA" + "Q7XW3LZP9VKB2MND",
    "Google": "GOCSPX" + "-" + "k3Jd92hfQmZ81LxPq07VbNcYtR5s",
    "JSON web token": "eyJhbGciOiJFUzI1NiJ9" + ".eyJzdWIiOiI0MiJ9cQ" + ".k3Jd92hfQmZ81LxPq07V",
    "private key": "-----BEGIN " + "EC PRIVATE KEY-----\nMHcCAQEEIIr\n-----END EC PRIVATE KEY-----",
    "password in an address": "https://" + "robot:k3Jd92hfQm" + "@forge.company.net/x.git",
}


def suspicious(text):
    """What looks like a secret and is not plainly made up."""
    return [found[0] for found in ANY.finditer(text) if not _is_made_up(found[0])]


def _is_made_up(found):
    if found.startswith("-----BEGIN") and sum(map(len, LINE.findall(found))) >= KEY_FROM:
        return False
    return MADE_UP.search(found.removeprefix("AGE-SECRET-KEY")) is not None


def test_no_secret_lies_in_the_repository():
    found = {}
    for path in tracked():
        if path.suffix in BINARY or path.is_symlink():
            continue
        for text in suspicious(path.read_text(errors="replace")):
            if not any(text.startswith(known) for known in KNOWN):
                found.setdefault(str(path.relative_to(ROOT)), []).append(text[:60])

    assert found == {}


def test_nothing_secret_is_tracked_by_its_name():
    names = [path.name for path in tracked()]
    secret = re.compile(
        r"^\.env(?:\..*)?$|\.(?:pem|key|p12|pfx|jks|keystore|kdbx)$|^id_(?:rsa|ed25519|ecdsa)$|^(?:secret_key|encryption_keys)$"
    )

    assert [name for name in names if secret.search(name)] == []
    ignored = subprocess.run(
        ["git", "check-ignore", ".env", ".data/secrets/secret_key"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ignored.stdout.split() == [".env", ".data/secrets/secret_key"]


@pytest.mark.parametrize("kind", FORMS)
def test_a_secret_of_each_kind_is_found_and_hidden_in_logs(kind):
    given = GIVEN_OUT[kind]

    assert suspicious(f"token = {given!r}" if "\n" not in given else given) != []
    assert given[8:30] not in HIDDEN.sub("[hidden]", f"asked with {given} today")


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_a_key_is_found_however_it_begins(form):
    key = Ed448PrivateKey.generate() if form == PrivateFormat.PKCS8 else Ed25519PrivateKey.generate()

    assert suspicious(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()) != []


def test_every_exception_is_still_needed_and_has_a_reason():
    texts = [path.read_text(errors="replace") for path in tracked() if path.suffix not in BINARY]

    assert [known for known, reason in KNOWN.items() if len(reason.split()) < 3 or not any(known in text for text in texts)] == []

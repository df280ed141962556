import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger import notes
from portal.ledger.notes import BadNote, Head, PublicKey

# The example of https://pkg.go.dev/golang.org/x/mod/sumdb/note, made by Go's own implementation.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
HEAD = Head("countersign.example/ledger", 7, bytes(range(32)))


@pytest.fixture
def key():
    return Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def public(key):
    return PublicKey(HEAD.origin, key.public_key())


def test_a_key_written_by_go_is_read():
    assert PublicKey.parse(GO_KEY + "\n").text() == GO_KEY


def test_a_signature_made_by_go_holds():
    key = PublicKey.parse(GO_KEY)
    text, _, signature = GO_NOTE.rpartition("\n\n")
    blob = base64.b64decode(signature.split()[2])

    assert blob[:4] == key.key_id
    key.key.verify(blob[4:], (text + "\n").encode())


def test_a_signed_note_opens_with_its_key(key, public):
    note = notes.sign(head=HEAD, key=key)

    assert note.startswith(
        "countersign.example/ledger\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— countersign.example/ledger "
    )
    assert notes.opened(note, [PublicKey.parse(GO_KEY), public]) == HEAD


def test_a_note_may_have_signatures_of_others_too(key, public):
    first, last = notes.sign(head=HEAD, key=key).split("\n\n")
    witness = GO_NOTE.splitlines()[-1]

    assert notes.opened(f"{first}\n\n{witness}\n{last}", [public]) == HEAD


@pytest.mark.parametrize(
    "change", [("\n7\n", "\n8\n"), ("AAEC", "AAED"), ("— countersign", "— other"), ("ledger\n7", "Ledger\n7"), ("— ", "- ")]
)
def test_a_note_that_was_changed_does_not_open(key, public, change):
    with pytest.raises(BadNote):
        notes.opened(notes.sign(head=HEAD, key=key).replace(*change), [public])


def test_a_note_of_another_key_does_not_open(public):
    other = notes.sign(head=HEAD, key=Ed25519PrivateKey.generate())
    with pytest.raises(BadNote, match="checkpoint 7: no signature of a known key"):
        notes.opened(other, [public])


@pytest.mark.parametrize(
    "text", ["", "a\n\n", "a\nb\nc\n\n— a AAAA\n", "a\n-1\n" + "A" * 43 + "=\n\n— a AAAA\n", "a\n1\nAAAA\n\n— a AAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(text, public):
    with pytest.raises(BadNote, match="no checkpoint"):
        notes.opened(text, [public])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no plus",
        "name+c74f20a3+!!",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AQ==",
    ],
)
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(BadNote):
        PublicKey.parse(text)


def test_many_notes_in_one_file_are_told_apart_and_half_a_note_is_left_out(key):
    first = notes.sign(head=HEAD, key=key)
    second = notes.sign(head=Head(HEAD.origin, 8, HEAD.root), key=key)

    assert list(notes.split(f"{first}\n{second}\n{first[:60]}")) == [first, second]

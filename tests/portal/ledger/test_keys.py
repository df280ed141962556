import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.ledger import keys
from portal.ledger.keys import KeyProblem
from portal.ledger.notes import Head, opened
from portal.ledger.places import GIT_VARIABLE, KEY_VARIABLE, places
from tests.portal.ledger.conftest import ORIGIN

HEAD = Head(ORIGIN, 3, bytes(32))


def test_a_key_is_made_for_its_owner_alone_and_can_be_loaded(where):
    made = keys.make(where=where, origin=ORIGIN)

    assert where.key.stat().st_mode & 0o777 == 0o600
    assert where.key.parent.stat().st_mode & 0o777 == 0o700
    assert opened(keys.load(where=where).sign(HEAD), keys.public_keys(where=where)) == HEAD
    assert made.origin == keys.load(where=where).origin == ORIGIN


def test_a_key_is_never_overwritten(where):
    keys.make(where=where, origin=ORIGIN)
    before = where.key.read_text()
    with pytest.raises(FileExistsError):
        keys.make(where=where, origin=ORIGIN)

    assert where.key.read_text() == before


def test_the_old_public_key_stays_known_when_the_key_is_replaced(where):
    old = keys.make(where=where, origin=ORIGIN).sign(HEAD)
    where.key.unlink()
    new = keys.make(where=where, origin=ORIGIN).sign(HEAD)

    known = keys.public_keys(where=where)
    assert len(known) == 2
    assert [opened(note, known) for note in (old, new)] == [HEAD, HEAD]


def test_without_a_key_there_is_no_signer_and_nothing_known(where):
    assert keys.public_keys(where=where) == []
    with pytest.raises(KeyProblem, match="there is no signing key"):
        keys.load(where=where)


def test_a_key_that_others_can_read_is_refused(where):
    keys.make(where=where, origin=ORIGIN)
    where.key.chmod(0o640)
    with pytest.raises(KeyProblem, match="others may read"):
        keys.load(where=where)


def test_a_key_of_another_kind_is_refused(where):
    keys.make(where=where, origin=ORIGIN)
    where.key.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyProblem, match="no Ed25519 key"):
        keys.load(where=where)


def test_a_key_without_its_public_half_is_refused(where):
    keys.make(where=where, origin=ORIGIN)
    where.public_keys.write_text("\n")
    with pytest.raises(KeyProblem, match="does not list"):
        keys.load(where=where)


def test_what_was_signed_last_is_remembered_and_cannot_be_forged(where):
    assert keys.last_signed(where=where) is None
    note = keys.make(where=where, origin=ORIGIN).sign(HEAD)

    keys.remember(where=where, note=note)
    assert keys.last_signed(where=where) == HEAD

    where.state.write_text(note.replace("\n3\n", "\n2\n"))
    with pytest.raises(KeyProblem, match="memory"):
        keys.last_signed(where=where)


def test_places_come_from_the_environment_else_from_the_data_folder(where, monkeypatch, tmp_path):
    assert (where.key, where.git, where.remote) == (tmp_path / "keys" / "ledger.pem", tmp_path / "anchors" / "git", "")

    monkeypatch.setenv(KEY_VARIABLE, "/etc/countersign/key")
    monkeypatch.setenv(GIT_VARIABLE, "/srv/anchor")
    assert (str(places().key), str(places().git), places().remote) == ("/etc/countersign/key", "/srv/anchor", "")
    assert str(places().public_keys) == "/etc/countersign/key.pub"


@pytest.mark.parametrize("remote", ["https://git.example/a.git", "git@git.example:a.git", "file:///srv/a.git"])
def test_a_remote_repository_gets_a_local_one_before_it(where, monkeypatch, remote):
    monkeypatch.setenv(GIT_VARIABLE, remote)

    assert dataclasses.replace(where, remote=remote) == places()

"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet

from portal import vault


def test_sealed_text_opens_and_does_not_show():
    sealed = vault.seal("gho_secret")

    assert b"gho_secret" not in sealed
    assert vault.open(sealed) == "gho_secret"
    assert vault.open(memoryview(sealed)) == "gho_secret"
    assert vault.seal("gho_secret") != sealed


def test_old_key_opens_and_resealing_lets_it_go(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    sealed = vault.seal("hook")
    settings.ENCRYPTION_KEYS = [new, old]

    resealed = vault.reseal(sealed)
    settings.ENCRYPTION_KEYS = [new]

    assert vault.open(resealed) == "hook"
    with pytest.raises(vault.Unreadable):
        vault.open(sealed)


@pytest.mark.parametrize("spoilt", [b"", b"gAAAA", b"\xff" * 100])
def test_spoilt_secret_says_so_and_nothing_else(spoilt):
    with pytest.raises(vault.Unreadable, match="cannot be opened"):
        vault.open(spoilt)


def test_changed_secret_does_not_open():
    sealed = bytearray(vault.seal("hook"))
    sealed[30] ^= 1

    with pytest.raises(vault.Unreadable):
        vault.open(bytes(sealed))


def test_vault_writes_no_log(caplog):
    caplog.set_level(0)
    vault.open(vault.seal("never in a log"))

    assert "never in a log" not in caplog.text

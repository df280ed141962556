"""The key that signs checkpoints, its public half, and what it signed last.

They are files, never rows: whoever rules the database must not be able to sign, nor to make the sealer forget.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from portal.ledger import files, notes
from portal.ledger.notes import BadNote, Head, PublicKey
from portal.ledger.places import Places

OTHERS = 0o077


class KeyProblem(Exception):
    """The signing key cannot be used as it is. The message says why and what to do."""


@dataclass(frozen=True)
class Signer:
    """The private key with the name of the log."""

    origin: str
    key: Ed25519PrivateKey

    def sign(self, head: Head) -> str:
        """The signed note of a checkpoint."""
        return notes.sign(head=head, key=self.key)


def make(*, where: Places, origin: str) -> Signer:
    """Create the key (0600) and its public half. Raises ``FileExistsError`` when there is one."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    files.create(where.key, pem, mode=0o600)
    earlier = where.public_keys.read_text() if where.public_keys.exists() else ""
    files.write_whole(where.public_keys, PublicKey(origin, key.public_key()).text() + "\n" + earlier)
    return Signer(origin, key)


def load(*, where: Places) -> Signer:
    """The key as it is on disk. Raises ``KeyProblem``."""
    if not where.key.exists():
        raise KeyProblem(f"there is no signing key at {where.key}; make one with `manage.py ledger init`")
    if where.key.stat().st_mode & OTHERS:
        raise KeyProblem(f"others may read the signing key; run `chmod 600 {where.key}`")
    key = load_pem_private_key(where.key.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{where.key} is no Ed25519 key")
    mine = [public for public in public_keys(where=where) if public.raw == key.public_key().public_bytes_raw()]
    if not mine:
        raise KeyProblem(f"{where.public_keys} does not list the public half of {where.key}")
    return Signer(mine[0].name, key)


def public_keys(*, where: Places) -> list[PublicKey]:
    """The public keys of this log, newest first; older ones stay, for what they signed. Empty when there is no file."""
    if not where.public_keys.exists():
        return []
    return [PublicKey.parse(line) for line in where.public_keys.read_text().splitlines() if line.strip()]


def last_signed(*, where: Places) -> Head | None:
    """The checkpoint that was signed last, from the sealer's own memory. None before the first.

    Raises ``KeyProblem`` when the memory was tampered with.
    """
    if not where.state.exists():
        return None
    try:
        return notes.opened(where.state.read_text(), public_keys(where=where))
    except BadNote as problem:
        raise KeyProblem(f"the sealer's memory {where.state} is damaged: {problem}") from problem


def remember(*, where: Places, note: str) -> None:
    """Keep what was signed."""
    files.write_whole(where.state, note, mode=0o600)

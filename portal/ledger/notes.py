"""Checkpoints as signed notes: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint. Pure but for Ed25519."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+=*)\Z")
NOTE = re.compile(r"^[^\n]+\n\d+\n[A-Za-z0-9+/]+=*\n(?:[^\n]+\n)*\n(?:— \S+ [A-Za-z0-9+/]+=*\n)+", re.MULTILINE)
ROOT_LENGTH = 32


class BadNote(ValueError):
    """The note is not signed by a known key, or is no checkpoint. The message says which."""


@dataclass(frozen=True)
class Head:
    """What a checkpoint says: this log, with so many entries, has this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class PublicKey:
    """A named Ed25519 key. Its name is the log's origin."""

    name: str
    key: Ed25519PublicKey

    @property
    def raw(self) -> bytes:
        return self.key.public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """Four bytes that say which key signed."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def text(self) -> str:
        """``name+id+base64``, one line, as notes tools write it."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """From one line. Raises ``BadNote``."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            kind_and_key = base64.b64decode(encoded, validate=True)
            key = cls(name, Ed25519PublicKey.from_public_bytes(kind_and_key[1:]))
        except ValueError as problem:
            raise BadNote(f"this is no public key of a note: {text!r}") from problem
        if kind_and_key[:1] != ED25519 or key.key_id.hex() != key_id:
            raise BadNote(f"the id of this public key is wrong: {text!r}")
        return key


def sign(*, head: Head, key: Ed25519PrivateKey) -> str:
    """The signed note; the key's name is the head's origin."""
    public = PublicKey(head.origin, key.public_key())
    signature = base64.b64encode(public.key_id + key.sign(head.text().encode())).decode()
    return f"{head.text()}\n— {head.origin} {signature}\n"


def opened(note: str, keys: Iterable[PublicKey]) -> Head:
    """What the note says, when one of ``keys`` signed it. Raises ``BadNote`` otherwise."""
    text, _, signatures = note.rpartition("\n\n")
    head = _head(text + "\n")
    known = {(key.name, key.key_id): key.key for key in keys if key.name == head.origin}
    for line in signatures.splitlines():
        found = SIGNATURE.match(line)
        if found and _signed(known, found[1], base64.b64decode(found[2] + "=="), text + "\n"):
            return head
    raise BadNote(f"checkpoint {head.size}: no signature of a known key")


def split(text: str) -> Iterator[str]:
    """The notes in a file of many, one after the other with an empty line between; half a note at the end is left out."""
    for found in NOTE.finditer(text):
        yield found[0]


def _head(text: str) -> Head:
    lines = text.split("\n")
    try:
        head = Head(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
    except (IndexError, ValueError, binascii.Error) as problem:
        raise BadNote("this is no checkpoint") from problem
    if len(head.root) != ROOT_LENGTH or head.size < 0:
        raise BadNote("this is no checkpoint")
    return head


def _signed(known: dict[tuple[str, bytes], Ed25519PublicKey], name: str, blob: bytes, text: str) -> bool:
    key = known.get((name, blob[:4]))
    if key is None:
        return False
    try:
        key.verify(blob[4:], text.encode())
    except InvalidSignature:
        return False
    return True

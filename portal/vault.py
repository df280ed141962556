"""Secrets at rest: tokens of vendors, secrets of hooks, second factors. Fernet (AES-128-CBC with HMAC-SHA256).

The keys come from the settings, newest first: the first one seals, each of them opens. Nothing here logs or shows a text.
"""

import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """No key that we have opens this; it was sealed elsewhere, or a key was dropped too early. Says nothing of the content."""


def seal(text: str) -> bytes:
    """Encrypt a text with the newest key."""
    return _keys().encrypt(text.encode())


def open(sealed: bytes | memoryview) -> str:
    """The text that was sealed with one of the keys. Raises ``Unreadable``."""
    try:
        return _keys().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Unreadable("A stored secret cannot be opened with the keys in COUNTERSIGN_ENCRYPTION_KEYS.") from None


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same text sealed with the newest key, so that an old key can be dropped. Raises ``Unreadable``."""
    return seal(open(sealed))


def state_of(sealed: bytes | memoryview) -> str:
    """Under which key it is sealed: ``newest``, ``older``, or ``unreadable`` by any of ours."""
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(bytes(sealed))
    except InvalidToken:
        try:
            _keys().decrypt(bytes(sealed))
        except InvalidToken:
            return "unreadable"
        return "older"
    return "newest"


def fingerprint() -> str:
    """The first twelve digits of the newest key's SHA-256: tells which key it was, and nothing about it."""
    key = settings.ENCRYPTION_KEYS[0]
    return hashlib.sha256(key.encode() if isinstance(key, str) else key).hexdigest()[:12]


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])

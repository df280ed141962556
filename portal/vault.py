"""Secrets at rest: tokens of vendors, secrets of hooks, second factors. Fernet (AES-128-CBC with HMAC-SHA256).

The keys come from the settings, newest first: the first one seals, each of them opens. Nothing here logs or shows a text.
"""

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


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])

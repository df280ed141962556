"""Passwords that are known from other people's break-ins: a file on this machine, so that nothing of a password leaves it.

The file has one line for each password, the SHA-1 of it in capitals, sorted, with or without a colon and a count behind: as such
lists are offered for download, or any part of one (docs/operations.md).
"""

import hashlib
import os
from typing import BinaryIO

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError

from portal.access.models import User

DIGITS = 40
log = structlog.get_logger("portal.access")


class BreachedValidator:
    """Refuses a password that stands in the file of ``COUNTERSIGN_BREACHED_PASSWORDS``; without the setting it says nothing."""

    def validate(self, password: str, user: User | None = None) -> None:
        if not settings.BREACHED_PASSWORDS:
            return
        try:
            with open(settings.BREACHED_PASSWORDS, "rb") as lines:
                known = stands_in(lines, digest=digest_of(password))
        except OSError:
            # The doctor calls it bad. Nobody could choose a password otherwise, not even who comes to mend it.
            log.exception("breached_passwords.unreadable")
            return
        if known:
            raise ValidationError("This password is known from a break-in somewhere else.", code="password_breached")

    def get_help_text(self) -> str:
        return "It is not known from a break-in somewhere else." if settings.BREACHED_PASSWORDS else ""


def digest_of(password: str) -> bytes:
    """How the file names a password. It is no protection of it: the file's makers chose it."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()


def stands_in(lines: BinaryIO, *, digest: bytes) -> bool:
    """Whether a sorted file has a line that begins with ``digest``: some forty places are looked at, however long it is."""
    low, high = 0, lines.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        found = _line_from(lines, middle)
        if found and found < digest:
            low = middle + 1
        else:
            high = middle
    return _line_from(lines, low) == digest


def _line_from(lines: BinaryIO, place: int) -> bytes:
    """The digest of the first line that begins at a place or after it; empty behind the last."""
    lines.seek(max(place - 1, 0))
    if place:
        lines.readline()
    return lines.readline(DIGITS).upper()

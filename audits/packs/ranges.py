"""Which bytes of a file a request asks for (RFC 9110 section 14). Pure."""

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=(\d*)-(\d*)\s*")
LONGEST = 19
"""Digits of a number that still is one."""


@dataclass(frozen=True)
class Bytes:
    """From ``first`` to ``last``, both included. ``whole`` when nothing less was asked for."""

    first: int
    last: int
    whole: bool

    @property
    def length(self) -> int:
        """How many."""
        return self.last - self.first + 1


def asked_for(header: str, *, size: int) -> Bytes | None:
    """The bytes that a ``Range`` header asks for; None when the file does not have them (416).

    What cannot be read, and more than one range, counts as no header: the whole file, as the RFC has it.
    """
    whole = Bytes(0, size - 1, whole=True)
    found = RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "" or max(map(len, found.groups())) > LONGEST:
        return whole
    if not found[1]:
        last = int(found[2])
        return Bytes(max(size - last, 0), size - 1, whole=False) if last else None
    first, last = int(found[1]), min(int(found[2] or size), size - 1)
    if found[2] and int(found[2]) < first:
        return whole
    return Bytes(first, last, whole=False) if first < size else None

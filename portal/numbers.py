"""Whole numbers out of addresses and forms, where anybody can write anything. Pure."""

from collections.abc import Iterable
from typing import TypeVar

Otherwise = TypeVar("Otherwise")


def number_in(text: str, *, below: int, otherwise: Otherwise) -> int | Otherwise:
    """The whole number that ``text`` is, from 0 on, when it has fewer than ``below`` digits; else ``otherwise``.

    A number that the database's columns cannot hold would be an error there: 10 keeps inside an integer, 19 inside a bigint.
    """
    return int(text) if text.isdecimal() and len(text) < below else otherwise


def numbers_in(texts: Iterable[str], *, below: int) -> set[int]:
    """Those of the texts that are such numbers."""
    return {int(text) for text in texts if text.isdecimal() and len(text) < below}

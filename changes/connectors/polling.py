"""Polls."""

from collections.abc import Callable
from datetime import datetime


def poll_due(*, now: Callable[[], datetime]) -> int:
    return 0


def mirror_due(*, now: Callable[[], datetime]) -> int:
    return 0

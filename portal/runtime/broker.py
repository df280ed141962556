"""Asks the broker whether it answers. Never hangs: one that takes connections and then says nothing is as good as gone."""

import threading

from django.conf import settings
from kombu import Connection

ANSWERS = "ok"
OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 1}


def says(*, seconds: int) -> str:
    """``ANSWERS``, or the problem in words, after so many seconds at most. Asked from a thread, which may outlast the question."""
    said: list[str] = []
    thread = threading.Thread(target=_ask, args=(said, seconds), daemon=True)
    thread.start()
    thread.join(seconds)
    return said[0] if said else f"no answer within {seconds} s"


def _ask(said: list[str], seconds: int) -> None:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=OPTIONS) as line:
            line.ensure_connection(max_retries=1, timeout=seconds)
        said.append(ANSWERS)
    except Exception as problem:  # noqa: BLE001  # the answer is the problem, whatever it is
        said.append(str(problem) or repr(problem))

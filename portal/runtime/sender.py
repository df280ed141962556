"""Sends tasks to the broker from a thread of its own, so that a broker that is down or hangs delays nobody else.

What waits is a set, not a queue: a wake-up that was not sent yet need not be sent twice, and an hour without broker costs nothing.
"""

import threading
from collections.abc import Callable, Sequence

from celery import Celery

from portal.schedule import QUEUE, QUEUES

# A wake-up that a worker sees later than this has long been made up for by a sweep.
EXPIRES = 60
RETRY_SECONDS = 1.0
MOST_CAUSES = 5
"""References that one message carries; more would say no more."""


class Sender:
    """Takes names of tasks and sends each once, as soon as the broker takes it."""

    def __init__(self, *, broker: str, say: Callable[[str], None]) -> None:
        self._app = _producer(broker=broker)
        self._say = say
        self._waiting: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, *, task: str, expires: int = EXPIRES, causes: Sequence[str] = ()) -> None:
        """Ask for one run of `task`; returns at once. `causes` are references of requests, for the logs of the worker."""
        with self._changed:
            _, before = self._waiting.get(task, (0, ()))
            self._waiting[task] = expires, tuple(dict.fromkeys([*before, *causes]))[:MOST_CAUSES]
            self._changed.notify()

    def waiting(self) -> set[str]:
        """Names that the broker has not taken yet."""
        with self._changed:
            return set(self._waiting)

    def stop(self) -> None:
        """End the thread; what waits is dropped, the next scheduler's sweep makes up for it."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _run(self) -> None:
        silent = False
        while (job := self._next()) is not None:
            try:
                self._publish(*job)
                silent = self._tell(silent=silent, now=False, why="")
            except Exception as problem:  # noqa: BLE001  # every way in which a broker can fail means the same: try again later
                silent = self._tell(silent=silent, now=True, why=repr(problem))
                self._put_back(*job)

    def _publish(self, task: str, wanted: tuple[int, tuple[str, ...]]) -> None:
        expires, causes = wanted
        headers = {"causes": list(causes)} if causes else None
        queue = QUEUES.get(task, QUEUE)
        self._app.send_task(task, expires=expires, headers=headers, queue=queue, ignore_result=True, retry=False)

    def _next(self) -> tuple[str, tuple[int, tuple[str, ...]]] | None:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            return None if self._ended else self._waiting.popitem()

    def _put_back(self, task: str, wanted: tuple[int, tuple[str, ...]]) -> None:
        with self._changed:
            self._waiting.setdefault(task, wanted)
            self._changed.wait_for(lambda: self._ended, timeout=RETRY_SECONDS)

    def _tell(self, *, silent: bool, now: bool, why: str) -> bool:
        """Say when the broker goes and when it comes back, not each time in between."""
        if now and not silent:
            self._say(f"the broker takes nothing ({why}); trying every {RETRY_SECONDS:.0f} s")
        if silent and not now:
            self._say("the broker takes tasks again")
        return now


def _producer(*, broker: str) -> Celery:
    """Celery without Django and without tasks: it only writes messages."""
    app = Celery("countersign", broker=broker, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_publish_retry=False,
        broker_connection_timeout=1,
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 1, "max_retries": 0},
    )
    return app

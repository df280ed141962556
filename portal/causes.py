"""The reference of a request goes along with the work that it causes, so that one search in the logs finds both.

A request does not publish: it rings (``portal.bell``), with its reference as the word; the scheduler sends the task and puts what
it heard into the message's header ``causes``. Several requests may cause one task, and some have none: then the clock did.
What a process of Django publishes gets the header here.
"""

from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from portal.runtime.sender import MOST_CAUSES

HEADER = "causes"


def present() -> str:
    """The reference of the request that is being answered; empty outside of one."""
    return str(get_contextvars().get("request_id", ""))


def named(words: object) -> list[str]:
    """What of a header looks like references: it came through a broker, so nothing else reaches the logs. Pure."""
    found = words if isinstance(words, list | tuple) else []
    return [word for word in found[:MOST_CAUSES] if isinstance(word, str) and word.isalnum() and len(word) <= 40]


@before_task_publish.connect(dispatch_uid="portal.causes.publish")
def carry(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Celery's signal: put the present request's reference into a message that has none."""
    if headers is not None and present():
        headers.setdefault(HEADER, [present()])


@task_prerun.connect(dispatch_uid="portal.causes.begin")
def begin(task: Any = None, task_id: str = "", **_: Any) -> None:
    """Celery's signal: every line that the task logs names the task and what caused it."""
    clear_contextvars()
    bind_contextvars(task=getattr(task, "name", ""), task_id=task_id)
    causes = named(_of(getattr(task, "request", None)))
    if causes:
        bind_contextvars(request_id=causes[0], causes=causes)


def _of(request: Any) -> object:
    """A worker spreads the message's headers over the request; a task that is applied in place keeps them apart."""
    return getattr(request, HEADER, None) or (getattr(request, "headers", None) or {}).get(HEADER)


@task_postrun.connect(dispatch_uid="portal.causes.end")
def end(**_: Any) -> None:
    """Celery's signal: the next task of this process begins with nothing."""
    clear_contextvars()

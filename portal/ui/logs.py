"""Logs: one line an event, as JSON (or for people while debugging), each with the reference of its request, secrets masked."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from portal.forms_of_secrets import HIDDEN

MASK = "[hidden]"
SECRET_NAMES = re.compile(
    r"pass(word|phrase)|secret|token|authori[sz]ation|cookie|api[-_]?key|private[-_]?key|signature|session[-_]?(id|key)|credential|otp|recovery",
    re.IGNORECASE,
)
"""Names of values that never reach a log. One too many is masked rather than one too few."""

DEEPEST = 6
"""Levels of nested values that are searched; what lies deeper is masked whole."""


def masked(value: Any, depth: int = 0) -> Any:
    """The value with secrets hidden: by the name of a key, and by the form of a text. Pure."""
    if isinstance(value, str):
        return HIDDEN.sub(MASK, value)
    if isinstance(value, bytes):
        return HIDDEN.sub(MASK, value.decode("utf-8", "replace"))
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return value
    if depth >= DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {key: MASK if SECRET_NAMES.search(str(key)) else masked(item, depth + 1) for key, item in value.items()}
    return [masked(item, depth + 1) for item in value]


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """structlog processor: runs last before printing, so it sees tracebacks too."""
    return {key: MASK if SECRET_NAMES.search(key) else masked(value) for key, value in event.items()}


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(allow=()),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    structlog.processors.UnicodeDecoder(),
]
"""What happens to every event, ours and those of libraries."""


class Formatter(structlog.stdlib.ProcessorFormatter):
    """The one formatter of all handlers. ``pretty`` is for people, otherwise one JSON object a line."""

    def __init__(self, *_: Any, pretty: bool = False, **__: Any) -> None:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if pretty else structlog.processors.JSONRenderer(default=str)
        super().__init__(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )


def configure() -> None:
    """Send structlog's events through the standard library, so that one configuration holds for all."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configuration(*, level: str = "INFO", pretty: bool = False) -> dict[str, Any]:
    """Django's LOGGING setting. Levels are names; everything goes to standard error."""
    configure()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "portal.ui.logs.Formatter", "pretty": pretty}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # Refusals and wrong addresses are logged by portal.ui.errors, in one line and without a trace.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.security.csrf": {"level": "ERROR"},
            "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
            "httpx": {"level": "WARNING"},
        },
    }

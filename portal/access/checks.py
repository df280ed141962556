"""Start-up check: every address declares who it answers, and the middleware that enforces it is in place."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from portal.access.walk import routes, rule_of

NEEDED = (
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.access.middleware.access_rules",
    "audits.engagements.middleware.auditor_read_only",
)


@register(Tags.security)
def check_declared(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """One error for each address without a rule, and for each guard that is missing from MIDDLEWARE."""
    silent = [route for route in routes() if rule_of(route.view, route.name) is None]
    absent = [name for name in NEEDED if name not in settings.MIDDLEWARE]
    return [
        *(
            Error(
                f"/{route.pattern} does not say who may see it.",
                hint="Decorate the view with portal.access.guards.requires, or mark it public with a reason.",
                id="portal.E001",
            )
            for route in silent
        ),
        *(Error(f"{name} is missing from MIDDLEWARE.", id="portal.E002") for name in absent),
    ]

"""Addresses of the API. Every one of them checks token or session itself, and answers 401 instead of a sign-in page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from changes.api.auth import TokenOrSession
from changes.api.routes import api
from portal.access.guards import by_token


@by_token
@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """The description of the API (OpenAPI 3.1), for everybody who may call it."""
    if not TokenOrSession()(request):
        return JsonResponse({"detail": "Unauthorized"}, status=401)
    return JsonResponse(api.get_openapi_schema())


def api_urls() -> Any:
    """What ``path`` takes: the operations and their description."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            by_token(pattern.callback)
    return [path("openapi.json", openapi, name="openapi"), *patterns], app, namespace

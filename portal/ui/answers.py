"""Answers of views: a whole page or its piece, a form with problems, a toast; and what an action made of a form."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from portal.policy.refusal import Refused, Stale

Made = TypeVar("Made")
TONES = frozenset({"ok", "info", "warn", "bad"})


def wants_piece(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page. A restored history entry wants the whole page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def page(request: HttpRequest, template: str, context: dict[str, Any], *, piece: str = "", status: int = 200) -> HttpResponse:
    """The page; for htmx only its named partial ``piece`` (``{% partialdef piece %}`` in the same file)."""
    name = f"{template}#{piece}" if piece and wants_piece(request) else template
    return render(request, name, context, status=status)


def invalid(request: HttpRequest, template: str, context: dict[str, Any], *, piece: str, target: str) -> HttpResponse:
    """422: the form again with its problems. For htmx it replaces ``target`` (a selector), not what success would replace."""
    response = page(request, template, context, piece=piece, status=422)
    if wants_piece(request):
        response.headers["HX-Retarget"] = target
        response.headers["HX-Reswap"] = "outerHTML"
    return response


def done(form: forms.Form, act: Callable[[], Made]) -> Made | None:
    """What an action gives. None when nothing was sent, the form has mistakes or the action was refused: the form says why."""
    if not form.is_valid():
        return None
    try:
        return act()
    except (Refused, Stale) as refusal:
        form.add_error(None, refusal.words)
        return None


def status_of(form: forms.BaseForm | None) -> int:
    """422 for a page that shows a form again as it was sent, else 200."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if form is not None and form.is_bound else HTTPStatus.OK


def toast(response: HttpResponse, text: str, tone: str = "ok") -> HttpResponse:
    """Show a short confirmation after this answer arrived by htmx. It never carries the only copy of a message."""
    if tone not in TONES:
        raise ValueError(f"a toast is {sorted(TONES)}, not {tone!r}")
    return trigger(response, "toast", {"text": text, "tone": tone})


def trigger(response: HttpResponse, name: str, detail: dict[str, Any]) -> HttpResponse:
    """Let an event happen on the page when this answer arrives by htmx, beside those that are there already."""
    before = json.loads(response.headers.get("HX-Trigger", "{}"))
    response.headers["HX-Trigger"] = json.dumps({**before, name: detail}, ensure_ascii=True)
    return response


def go(request: HttpRequest, address: str) -> HttpResponse:
    """Send the reader to another page, whether the button used htmx or not."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)

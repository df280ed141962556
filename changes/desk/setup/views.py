"""The guide of the set-up: what is there, what is missing, and the page where each step is done."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from changes.connectors.connecting.finishing import BACK
from changes.desk.setup import actions
from changes.desk.setup.steps import missing, remember, steps_at
from changes.desk.setup.systems import BY_CODE
from portal.access.guards import requires
from portal.access.may import holders_of, may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.runtime.doctor.finding import Level
from portal.runtime.doctor.run import CHECKS, examine
from portal.typed import kept
from portal.ui.answers import page
from portal.ui.clock import time_of


@requires(P.PERSON_INVITE)
@require_GET
def guide(request: HttpRequest) -> HttpResponse:
    """All steps, in the order that builds best; each can be left and gone on with."""
    at, reader = time_of(request), person_of(request)
    steps = steps_at(at=at)
    remember(steps)
    others = {needs: _who(needs, request) for needs in {step.needs for step in steps} if not may(reader, needs)}
    context: dict[str, Any] = {
        "lines": [(step, step.needs not in others, others.get(step.needs, "")) for step in steps],
        "missing": missing(steps),
        "done": sum(step.settled for step in steps),
        "total": len(steps),
        "days": BACK,
        "manages": may(reader, P.SOURCE_MANAGE),
    }
    return page(request, "changes/setup/guide.html", context, piece="steps")


def _who(permission: P, request: HttpRequest) -> str:
    """Names of those who can do it, for somebody who cannot."""
    people = holders_of(permission, at=time_of(request))
    return ", ".join(person.name for person in people[:3])


@requires(P.SOURCE_MANAGE)
@require_GET
def server(request: HttpRequest) -> HttpResponse:
    """What ``manage.py doctor`` says of database, broker, keys, disk and mail: a page, and a part of the guide."""
    findings = [finding for finding in examine(checks=CHECKS) if finding.level is not Level.GOOD]
    return page(request, "changes/setup/server.html", {"findings": findings, "bad": Level.BAD}, piece="findings")


@requires(P.SOURCE_MANAGE)
@require_POST
def leave_system_out(request: HttpRequest, system: str) -> HttpResponse:
    """This organisation does not use it; why goes into the ledger."""
    if system not in BY_CODE:
        raise Http404(f"there is no system {system}")
    actions.leave_out(system=system, reason=kept(request, "reason", longest=500), by=person_of(request), at=time_of(request))
    messages.success(request, f"{BY_CODE[system].title} is left out. You can take it up again at any time.")
    return redirect("setup")


@requires(P.SOURCE_MANAGE)
@require_POST
def take_system_up(request: HttpRequest, system: str) -> HttpResponse:
    """It is used after all."""
    if system not in BY_CODE:
        raise Http404(f"there is no system {system}")
    actions.take_up(system=system, by=person_of(request), at=time_of(request))
    messages.success(request, f"{BY_CODE[system].title} is a step of the set-up again.")
    return redirect("setup")

"""The pages of connecting a vendor. For administrators who have just proved who they are; nothing secret is ever shown again."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.connectors.connecting import app_manifest, drafts
from changes.connectors.connecting.finishing import BACK, finish
from changes.connectors.connecting.forms import CredentialForm, scope_form
from changes.connectors.connecting.guides import GUIDES, addresses_for
from changes.connectors.connecting.models import Connecting
from changes.connectors.errors import Passing, Permanent
from changes.connectors.models import Source
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.ui.answers import page
from portal.ui.clock import time_of
from portal.ui.headers import POLICY, POLICY_OF_PAGE

STEPS = (("credential", "Credential"), ("test", "Test"), ("scope", "In scope"), ("done", "Back-fill"))


@requires(P.SOURCE_MANAGE)
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Which vendor?"""
    begun = {row.kind: row for row in Connecting.objects.filter(ended_at=None).select_related("begun_by")}
    connected = set(Source.objects.values_list("kind", flat=True))
    lines = [(guide, begun.get(guide.kind), guide.kind in connected, addresses_for(guide.kind)) for guide in GUIDES.values()]
    return render(request, "changes/connectors/connecting/choose.html", {"lines": lines})


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """Begin with a vendor, or go on."""
    addresses = addresses_for(kind) if kind in GUIDES else []
    if not addresses:
        raise Http404(f"{kind} cannot be connected here")
    draft = drafts.begin(kind=kind, api_url=addresses[0], by=person_of(request), at=time_of(request))
    return redirect("connecting", pk=draft.pk)


@requires(P.SOURCE_MANAGE)
@require_GET
def connecting(request: HttpRequest, pk: int) -> HttpResponse:
    """Where it stands."""
    return _page(request, get_object_or_404(Connecting, pk=pk))


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def credential(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the credential. The webhook's secret, if it is made now, is shown with the answer and never again."""
    draft = _open(pk)
    form = CredentialForm(request.POST, draft=draft)
    if not form.is_valid():
        return _page(request, draft, credential_form=form, at_step="credential", status=422)
    given = form.cleaned_data
    made = drafts.give(
        draft=draft,
        api_url=given["api_url"],
        token=given["token"].strip(),
        secret=given.get("secret", ""),
        app_id=given.get("app_id", ""),
        installation_id=given.get("installation_id", ""),
        settings=form.settings(),
    )
    return _page(request, draft, secret=made) if made else redirect("connecting", pk=pk)


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def another_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Make another secret for the webhook and show it, this once."""
    draft = _open(pk)
    return _page(request, draft, secret=drafts.new_secret(draft=draft))


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the vendor now."""
    drafts.try_out(draft=_open(pk), at=time_of(request))
    return redirect("connecting", pk=pk)


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def scope(request: HttpRequest, pk: int) -> HttpResponse:
    """Connect it with what was chosen, and fill back."""
    draft = _open(pk)
    form = scope_form(draft, request.POST)
    if not form.is_valid():
        return _page(request, draft, scope_form=form, status=422)
    try:
        finish(draft=draft, chosen=form.cleaned_data, by=person_of(request), at=time_of(request))
    except (ValueError, Refused) as problem:
        form.add_error(None, problem.words if isinstance(problem, Refused) else str(problem))
        return _page(request, _open(pk), scope_form=form, status=422)
    messages.success(request, f"{GUIDES[draft.kind].title} is connected. The last {BACK} days are being read.")
    return redirect("connecting", pk=pk)


@requires(P.SOURCE_MANAGE)
@require_POST
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop; what was given is wiped."""
    drafts.leave(draft=_open(pk), by=person_of(request), at=time_of(request))
    messages.success(request, "Left. What was given so far is wiped.")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE, fresh=True)
@require_http_methods(["POST"])
def to_github(request: HttpRequest, pk: int) -> HttpResponse:
    """A page whose form posts the manifest to GitHub. Only that host, and only this page, is let through by its policy."""
    draft, organisation = _open(pk), request.POST.get("organisation", "").strip()
    if draft.kind != "github" or (organisation and not app_manifest.ORGANISATION.fullmatch(organisation)):
        messages.error(request, "This is no name of an organisation at GitHub.")
        return redirect("connecting", pk=pk)
    place = app_manifest.place_of(api_url=draft.api_url, organisation=organisation, state=app_manifest.new_state(draft))
    manifest = app_manifest.manifest_of(name=_app_name(organisation), back=reverse("connecting-app-made", args=[pk]))
    host = urlsplit(place)
    shown = {"draft": draft, "place": place, "host": host.netloc, "manifest": manifest, "sent": json.dumps(manifest)}
    answer = render(request, "changes/connectors/connecting/to_github.html", shown)
    vars(answer)[POLICY_OF_PAGE] = POLICY.replace("form-action 'self'", f"form-action 'self' {host.scheme}://{host.netloc}")
    return answer


@requires(P.SOURCE_MANAGE, fresh=True)
@require_GET
def app_made(request: HttpRequest, pk: int) -> HttpResponse:
    """Back from GitHub with a code for the App's key. The state proves that it was this journey."""
    draft, code = _open(pk), request.GET.get("code", "")
    if not app_manifest.is_ours(draft, request.GET.get("state", "")) or not app_manifest.CODE.fullmatch(code):
        messages.error(request, "GitHub's answer does not belong to this journey. Begin it again.")
        return redirect("connecting", pk=pk)
    try:
        app_manifest.redeem(draft=draft, code=code)
    except (Passing, Permanent) as problem:
        messages.error(request, f"The App's key was not given: {problem.reason}.")
    else:
        messages.success(request, "GitHub has made the App. Install it, then test.")
    return redirect("connecting", pk=pk)


def _app_name(organisation: str) -> str:
    return f"Countersign {organisation}".strip()[:34]


def _open(pk: int) -> Connecting:
    return get_object_or_404(Connecting, pk=pk, ended_at=None)


def _page(
    request: HttpRequest,
    draft: Connecting,
    *,
    credential_form: CredentialForm | None = None,
    scope_form: Any = None,
    secret: str = "",
    at_step: str = "",
    status: int = 200,
) -> HttpResponse:
    step = at_step or draft.step
    if request.GET.get("step") == "credential" and step in ("test", "scope"):
        step = "credential"
    names = [name for name, _ in STEPS]
    context = {
        "draft": draft,
        "guide": GUIDES[draft.kind],
        "step": step,
        "steps": [(words, names.index(name) < names.index(step), name == step) for name, words in STEPS],
        "secret": secret,
        "hook": request.build_absolute_uri(reverse("hook", args=[draft.kind])),
        "credential_form": credential_form or CredentialForm(draft=draft),
        "scope_form": scope_form or (_scope(draft) if step == "scope" else None),
        "fetch": draft.fetch,
        "given": bool(draft.token_encrypted),
        "open": draft.ended_at is None,
        "back": BACK,
    }
    answer = page(request, "changes/connectors/connecting/connecting.html", context, piece="progress")
    answer.status_code = status
    return answer


def _scope(draft: Connecting) -> Any:
    return scope_form(draft)

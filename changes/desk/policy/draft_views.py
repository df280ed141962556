"""The next version while it is written: saved, looked at, sent to a meeting, taken back."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from changes.desk.policy.forms import DraftForm, ImportForm, SendForm, initial_of
from changes.desk.policy.impact import impact_of
from changes.desk.policy.showing import changed_clauses, changed_parameters
from changes.policies import actions, queries
from changes.policies.queries import Edition
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.home.dropped import dropped_by
from portal.numbers import number_in
from portal.policy.document import LONGEST, WrongDocument, imported
from portal.policy.models import PolicyDraft
from portal.policy.plain import WrongParameter, parameters_from, plain
from portal.policy.refusal import Stale
from portal.typed import no_secret
from portal.ui.clock import time_of


@requires(P.POLICY_DRAFT)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """The draft: text, parameters, summary."""
    present, row = queries.in_force(at=time_of(request)), queries.draft()
    if request.method == "GET":
        return _page(request, DraftForm(initial=_initial(present, row), present=present.parameters), present, row)
    form = DraftForm(request.POST, present=present.parameters)
    if not form.is_valid():
        return _page(request, form, present, row, status=422)
    given = {name: form.cleaned_data[name] for name in ("text", "parameters", "summary", "material", "seen")}
    try:
        actions.save_draft(**given, by=person_of(request), at=time_of(request))
    except Stale as problem:
        form.add_error(None, f"{problem} Your text is kept below; look at what was saved, then save again over it.")
        return _page(request, form, present, row, status=409, theirs=row)
    messages.success(request, "The draft is saved.")
    return redirect("policy-edit")


def _initial(present: Edition, row: PolicyDraft | None) -> dict[str, Any]:
    if row is None:
        values = plain(present.parameters)
        return initial_of(text=present.text, summary="", material=True, seen=0, values=values)
    values = {**plain(present.parameters), **row.parameters}
    return initial_of(text=row.text, summary=row.summary, material=row.material, seen=row.version, values=values)


def _page(
    request: HttpRequest, form: DraftForm, present: Edition, row: PolicyDraft | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "present": present,
        "draft": row,
        "waiting": queries.waiting(),
        "send_form": SendForm(initial={"seen": row.version if row else 0}),
        "import_form": ImportForm(),
        "dropped": dropped_by(person=person_of(request), kind=actions.KIND, at=time_of(request)) if row is None else None,
        **more,
    }
    if row is not None:
        context |= {
            "sections": changed_clauses(present.text, row.text),
            "changed": changed_parameters(plain(present.parameters), {**plain(present.parameters), **row.parameters}),
            "view": "inline",
        }
    return render(request, "changes/policy/edit.html", context, status=status)


@requires(P.POLICY_DRAFT)
@require_http_methods(["GET"])
def impact(request: HttpRequest) -> HttpResponse:
    """Which open changes the draft, or the version that waits, would judge otherwise."""
    at = time_of(request)
    present, row, waiting = queries.in_force(at=at), queries.draft(), queries.waiting()
    values = row.parameters if row is not None else waiting.parameters if waiting is not None else {}
    then = parameters_from(values, version="draft", base=present.parameters)
    found = impact_of(now=present.parameters, then=then, at=at, scope=scope_for(request))
    context = {"impact": found, "present": present, "about": row or waiting}
    return render(request, "changes/policy/impact.html", context)


@requires(P.POLICY_DRAFT, fresh=True)
@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Fix the draft as a version and put it before the next meeting."""
    form = SendForm(request.POST)
    present, row = queries.in_force(at=time_of(request)), queries.draft()
    if not form.is_valid():
        draft_form = DraftForm(initial=_initial(present, row), present=present.parameters)
        return _page(request, draft_form, present, row, status=422, send_form=form, problem=True)
    version = actions.send(effective_at=form.moment(), seen=form.cleaned_data["seen"], by=person_of(request), at=time_of(request))
    messages.success(request, f"{version} waits for the next meeting.")
    return redirect("policy-version", number=version.number)


@requires(P.POLICY_DRAFT)
@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    """Leave the draft."""
    seen = request.POST.get("seen", "")
    actions.drop_draft(seen=number_in(seen, below=10, otherwise=-1), by=person_of(request), at=time_of(request))
    messages.success(request, "The draft is dropped.")
    return redirect("policy-edit")


@requires(P.POLICY_DRAFT)
@require_POST
def take_back(request: HttpRequest) -> HttpResponse:
    """The draft that one dropped, as it was."""
    try:
        row = actions.take_draft_back(by=person_of(request), at=time_of(request))
    except WrongParameter as problem:
        messages.error(request, f"The draft is not back: {problem}")
        return redirect("policy-edit")
    messages.success(request, "The draft is back." if row else "There is no dropped draft any more.")
    return redirect("policy-edit")


@requires(P.POLICY_DRAFT)
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take the version that waits back."""
    waiting = queries.waiting()
    if waiting is None:
        raise Stale("No version waits for a meeting.")
    actions.withdraw(version=waiting, by=person_of(request), at=time_of(request))
    messages.success(request, f"{waiting} is withdrawn; its text is the draft again.")
    return redirect("policy-edit")


@requires(P.POLICY_DRAFT)
@require_POST
def bring(request: HttpRequest) -> HttpResponse:
    """Import a markdown file into the draft. Nothing is kept of a file that is no policy."""
    at, row = time_of(request), queries.draft()
    present = queries.in_force(at=at)
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            _bring(form.cleaned_data["file"].read(2 * LONGEST + 1), present, row, request)
        except (WrongDocument, WrongParameter, UnicodeDecodeError, ValidationError) as problem:
            said = "The file is no UTF-8 text." if isinstance(problem, UnicodeDecodeError) else str(problem)
            form.add_error("file", problem if isinstance(problem, ValidationError) else said)
        else:
            messages.success(request, "The file is the draft now.")
            return redirect("policy-edit")
    draft_form = DraftForm(initial=_initial(present, row), present=present.parameters)
    return _page(request, draft_form, present, row, status=422, import_form=form, problem=True)


def _bring(raw: bytes, present: Edition, row: PolicyDraft | None, request: HttpRequest) -> None:
    text = raw.decode("utf-8")
    no_secret(text)
    found = imported(text)
    wanted = plain(parameters_from(found.parameters, version="draft", base=present.parameters))
    differing = {name: value for name, value in wanted.items() if value != plain(present.parameters)[name]}
    actions.save_draft(
        text=found.text,
        parameters=differing,
        summary=found.summary,
        material=found.material,
        seen=row.version if row else 0,
        by=person_of(request),
        at=time_of(request),
    )

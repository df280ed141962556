"""One entry of the ledger with its text or what stands in its place; redactions, which one proposes and another confirms."""

import json

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from audits.engagements.queries import engagement_in
from audits.proof import actions
from audits.proof.forms import RedactionForm
from audits.proof.streams import address_of
from changes.desk.timeline import names_of
from changes.proposals.listing import visible
from portal.access.forms import ConfirmForm
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import EVERYTHING, Scope, scope_for
from portal.access.signed_in import person_of
from portal.ledger.models import LedgerLeaf, LedgerRedaction
from portal.ledger.queries import checkpoint_over, entry_of, redaction_of

SHOWN = 100


@requires(P.LEDGER_SEE)
@require_GET
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what it says, where it stands in the tree, and the checkpoint that fixes it."""
    return _entry(request, get_object_or_404(LedgerLeaf, pk=pk), RedactionForm())


def _entry(request: HttpRequest, leaf: LedgerLeaf, form: RedactionForm, status: int = 200) -> HttpResponse:
    found = entry_of(leaf=leaf)
    inside = _may_read(found.stream, scope_for(request))
    context = {
        "entry": found,
        "leaf": leaf,
        "who": names_of([found.actor]).get(found.actor, found.actor),
        "href": address_of(found.stream) if inside else "",
        "inside": inside,
        "text": json.dumps(found.fact, indent=2, ensure_ascii=False, sort_keys=True) if inside and not found.redacted else "",
        "redaction": redaction_of(leaf=leaf) if found.redacted else None,
        "waiting": actions.waiting(at=now()).filter(leaf=leaf).exists(),
        "checkpoint": None if found.seq is None else checkpoint_over(seq=found.seq),
        "form": form if _may_redact(request) and not found.redacted and not leaf.kind.startswith(actions.KEPT) else None,
    }
    return render(request, "audits/proof/entry.html", context, status=status)


def _may_read(stream: str, scope: Scope) -> bool:
    """Auditors read the texts of changes inside their engagement; everybody else reads all."""
    kind, _, number = stream.partition(":")
    return scope == EVERYTHING or (kind == "change" and number.isdecimal() and visible(number=int(number), scope=scope) is not None)


def _may_redact(request: HttpRequest) -> bool:
    return may(request.user, P.LEDGER_REDACT) and engagement_in(request) is None


@requires(P.LEDGER_SEE)
@require_GET
def redactions(request: HttpRequest) -> HttpResponse:
    """What waits for a second person, and everything that was redacted, newest first."""
    rows = _with_people(LedgerRedaction.objects.order_by("-id"))
    at = now()
    context = {
        "waiting": _with_people(actions.waiting(at=at).order_by("id")),
        "done": rows.filter(confirmed_at__isnull=False)[:SHOWN],
        "others": rows.filter(confirmed_at=None).exclude(pk__in=actions.waiting(at=at).values("pk"))[:SHOWN],
        "may_redact": _may_redact(request),
    }
    return render(request, "audits/proof/redactions.html", context)


def _with_people(rows: QuerySet[LedgerRedaction]) -> QuerySet[LedgerRedaction]:
    return rows.select_related("leaf", "proposed_by", "confirmed_by", "withdrawn_by")


@requires(P.LEDGER_REDACT, fresh=True)
@require_POST
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose that the text of an entry goes."""
    leaf = get_object_or_404(LedgerLeaf, pk=pk)
    form = RedactionForm(request.POST)
    if not form.is_valid():
        return _entry(request, leaf, form, status=422)
    actions.propose_redaction(leaf=leaf, reason=form.cleaned_data["reason"], by=person_of(request), at=now())
    messages.success(request, "Proposed. Another person confirms it within 72 hours.")
    return redirect("redactions")


@requires(P.LEDGER_REDACT, fresh=True)
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the text go, exactly as it was read."""
    form = ConfirmForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    redaction = get_object_or_404(LedgerRedaction, pk=pk)
    actions.confirm_redaction(redaction=redaction, digest=digest, by=person_of(request), at=now())
    messages.success(request, "Redacted. The entry stays, its text is gone.")
    return redirect("ledger-entry", pk=redaction.leaf_id)


@requires(P.LEDGER_REDACT)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposal back, or turn it down."""
    actions.withdraw_redaction(redaction=get_object_or_404(LedgerRedaction, pk=pk), by=person_of(request), at=now())
    messages.success(request, "The text stays.")
    return redirect("redactions")

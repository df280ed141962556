"""Access reviews: all of them, one with its entries, answers, owners, the file."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from changes.connectors.in_scope import in_scope, offered
from changes.desk.access.listing import latest, mark_of, part_of, query_of
from changes.desk.columns import moment_text
from changes.entitlements.models import Thing
from changes.entitlements.reviews import actions, policy, queries
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer
from portal.access.guards import requires
from portal.access.may import holders_of, may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.numbers import number_in, numbers_in
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.spreadsheet import answer_with_table
from portal.typed import kept, refuse_secret
from portal.ui.clock import time_of

HEAD = ("No.", "Source", "Thing", "Account", "Account's id", "Kind", "Right", "Vendor's word", "Through", "Person", "Reviewer")
ANSWERED = ("Handed over by", "Answer", "Reason", "Answered by", "Answered (UTC)", "Right ended (UTC)", "Proved by snapshot")
STATES = (("", "All"), ("open", "Not answered"), ("keep", "Keep"), ("justify", "Keep, with a reason"), ("remove", "Remove"))


@requires(P.ACCESS_SEE)
@require_GET
def access_reviews(request: HttpRequest) -> HttpResponse:
    """Every review, the removals that are not proved yet, and who answers for what."""
    at = latest(request)
    found = queries.removals(at=at)
    review = queries.open_review()
    context = {
        "open": review,
        "progress": queries.progress_of(review) if review else None,
        "due_since": queries.due_since(at=at),
        "reviews": queries.reviews().filter(opened_at__lte=at)[:100],
        "removals": [one for one in found if one.state != policy.REMOVED or one.back][:100],
        "proved": sum(one.state == policy.REMOVED for one in found),
        "owners": queries.owners(),
        "may_lead": may(request.user, P.ACCESS_LEAD),
        "terms": parameters_at(at),
    }
    return render(request, "changes/access/reviews.html", context)


@requires(P.ACCESS_LEAD, fresh=True)
@require_POST
def open_access_review(request: HttpRequest) -> HttpResponse:
    """Freeze the list of rights and ask the owners."""
    review = actions.open_review(by=person_of(request), at=time_of(request))
    messages.success(request, f"{review} is open: {review.rights} rights.")
    return redirect("access-review", number=review.number)


@requires(P.ACCESS_SEE)
@require_GET
def access_review(request: HttpRequest, number: int) -> HttpResponse:
    """One review: progress, and its entries by filter."""
    return _page(request, _review(number))


@requires(P.ACCESS_REVIEW, fresh=True)
@require_POST
def answer_access_review(request: HttpRequest, number: int) -> HttpResponse:
    """One answer for what was ticked, or "keep" for everything that the filter shows and the reader may answer."""
    review, by = _review(number), person_of(request)
    verdict, reason = request.POST.get("verdict", ""), _reason(request)
    everything = request.POST.get("everything") == "1"
    chosen = numbers_in(request.POST.getlist("entry"), below=19)
    if everything:
        verdict, chosen = policy.KEEP, _mine_in(request, review)
    try:
        refuse_secret(reason)
        given = actions.answer(review=review, entries=chosen, verdict=verdict, reason=reason, by=by, at=time_of(request))
    except (Refused, Stale) as problem:
        words = problem.words
        return _page(request, review, problem=words, ticked=chosen, reason=reason)
    words = "1 right was answered." if len(given) == 1 else f"{len(given)} rights were answered."
    messages.success(request, words if given else "Nothing changed: these were answered so already.")
    query = query_of(_kept(request))
    return redirect(f"/access-reviews/{number}/{'?' if query else ''}{query}")


@requires(P.ACCESS_REVIEW, fresh=True)
@require_POST
def hand_over_access_review(request: HttpRequest, number: int) -> HttpResponse:
    """Another person is asked about what was ticked."""
    review, reason = _review(number), _reason(request)
    chosen = numbers_in(request.POST.getlist("entry"), below=19)
    person = number_in(request.POST.get("to", ""), below=19, otherwise=None)
    try:
        if person is None:
            raise Stale("Choose who is to review them.")
        to = get_object_or_404(User, pk=person)
        refuse_secret(reason)
        given = actions.hand_over(review=review, entries=chosen, to=to, reason=reason, by=person_of(request), at=time_of(request))
    except (Refused, Stale) as problem:
        return _page(request, review, problem=problem.words, ticked=chosen, reason=reason)
    words = "1 right was" if len(given) == 1 else f"{len(given)} rights were"
    messages.success(request, f"{words} handed over to {to.name}." if given else "Nothing changed: these are theirs already.")
    return redirect("access-review", number=number)


def _reason(request: HttpRequest) -> str:
    """As it is typed: an answer that is refused shows it again."""
    return request.POST.get("reason", "")[:2000]


def _mine_in(request: HttpRequest, review: AccessReview) -> set[int]:
    """What the filter shows, is not answered, and the reader may answer; at most as many as one action takes."""
    by = person_of(request)
    rows = _filtered(review, _kept(request), by).filter(verdict=None).exclude(holder=by)
    if not may(request.user, P.ACCESS_LEAD):
        rows = rows.filter(asked=by.pk)
    return set(rows.values_list("pk", flat=True)[: actions.AT_ONCE])


@requires(P.ACCESS_LEAD, fresh=True)
@require_POST
def close_access_review(request: HttpRequest, number: int) -> HttpResponse:
    """Close it, with a note about what nobody answered."""
    review = _review(number)
    try:
        actions.close(review=review, note=kept(request, "note", longest=2000), by=person_of(request), at=time_of(request))
    except (Refused, Stale) as problem:
        return _page(request, review, closing=problem.words)
    messages.success(request, f"{review} is closed.")
    return redirect("access-review", number=number)


@requires(P.ACCESS_SEE)
@require_GET
def access_review_file(request: HttpRequest, number: int) -> HttpResponse:
    """Every entry with its answer and its proof, as a file."""
    review, kept = _review(number), _kept(request)
    rows = list(in_scope(_filtered(review, kept, person_of(request)), scope_for(request)))
    mark = mark_of(request, what=f"access review {number}", count=len(rows), query=query_of(kept))
    cells = (_cells(row) for row in rows)
    return answer_with_table(name=f"access-review-{number}.csv", mark=mark, header=(*HEAD, *ANSWERED), rows=cells)


def _cells(row: Any) -> tuple[str, ...]:
    right = row.entitlement
    return (
        *(str(row.place), row.source, row.thing_name or row.thing, row.account_name, row.account_id, row.account_kind, row.right),
        *(row.vendor_word, row.through, row.holder.name if row.holder else "", row.asked_name or "", row.handed_by or ""),
        *(row.verdict or "", row.reason or "", row.answered_by or "", moment_text(row.answered_at) if row.answered_at else ""),
        moment_text(right.ended_at) if right.ended_at else "",
        str(right.ended_in_id or ""),
    )


@requires(P.ACCESS_SEE)
@require_GET
def system_owners(request: HttpRequest) -> HttpResponse:
    """Who answers for what: each source, and things with an owner of their own."""
    owned = {(row.source, row.thing): row for row in queries.owners()}
    rows = list(Thing.objects.order_by("source", "name", "key")[:1000])
    sources = Thing.objects.order_by("source").values_list("source", flat=True).distinct()
    context = {
        "sources": [(name, owned.get((name, ""))) for name in sources],
        "things": [(row, owned.get((row.source, row.key))) for row in rows],
        "people": holders_of(P.ACCESS_REVIEW, at=time_of(request)),
        "may_lead": may(request.user, P.ACCESS_LEAD),
    }
    return render(request, "changes/access/owners.html", context)


@requires(P.ACCESS_LEAD)
@require_POST
def set_system_owner(request: HttpRequest) -> HttpResponse:
    """Somebody answers for a source or a thing from now on, or nobody of its own."""
    number = number_in(request.POST.get("person", ""), below=19, otherwise=None)
    person = get_object_or_404(User, pk=number) if number is not None else None
    source, thing = (request.POST.get(name, "").replace("\0", "") for name in ("source", "thing"))
    get_object_or_404(Thing, source=source, key=thing) if thing else get_object_or_404(Thing.objects.filter(source=source)[:1])
    actions.set_owner(source=source, thing=thing, person=person, by=person_of(request), at=time_of(request))
    messages.success(request, "The owner was set. The next review asks them.")
    return redirect("system-owners")


def _review(number: int) -> AccessReview:
    return get_object_or_404(queries.reviews(), number=number)


def _kept(request: HttpRequest) -> dict[str, str]:
    asked = request.GET if request.method == "GET" else request.POST
    return {name: asked.get(name, "")[:100] for name in ("q", "source", "state", "who")}


def _filtered(review: AccessReview, kept: dict[str, str], reader: User) -> QuerySet[Any]:
    rows = queries.entries_of(review)
    if kept["q"]:
        words = kept["q"]
        rows = rows.filter(Q(account_name__icontains=words) | Q(thing_name__icontains=words) | Q(holder__name__icontains=words))
    if kept["source"]:
        rows = rows.filter(source=kept["source"])
    if kept["who"] == "me":
        rows = rows.filter(asked=reader.pk)
    if kept["state"]:
        rows = rows.filter(verdict=None if kept["state"] == "open" else kept["state"])
    return rows


def _page(
    request: HttpRequest,
    review: AccessReview,
    *,
    problem: str = "",
    closing: str = "",
    ticked: Collection[int] = (),
    reason: str = "",
) -> HttpResponse:
    reader, kept = person_of(request), _kept(request)
    answers = review.closed_at is None and may(request.user, P.ACCESS_REVIEW)
    leads = may(request.user, P.ACCESS_LEAD)
    context = part_of(request, in_scope(_filtered(review, kept, reader), scope_for(request)), kept)
    context |= {
        "review": review,
        "kept": kept,
        "progress": queries.progress_of(review),
        "lines": [(row, answers and row.holder != reader and (leads or row.asked == reader.pk)) for row in context["rows"]],
        "sources": [("", "All sources"), *((name, name) for name in offered(_sources(review), scope_for(request)))],
        "states": STATES,
        "verdicts": ReviewAnswer.Verdict.labels,
        "people": holders_of(P.ACCESS_REVIEW, at=time_of(request)) if answers else (),
        "may_answer": answers,
        "may_close": leads and review.closed_at is None,
        "may_lead": leads,
        "problem": problem,
        "closing": closing,
        "ticked": ticked,
        "reason": reason,
    }
    return render(request, "changes/access/review.html", context, status=422 if problem or closing else 200)


def _sources(review: AccessReview) -> list[str]:
    return list(review.entries.order_by("source").values_list("source", flat=True).distinct())

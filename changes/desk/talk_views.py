"""Comments on a change, and following it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from changes.desk.answering import asked_for
from changes.desk.views import change_context
from changes.talk import actions
from changes.talk.forms import CommentForm
from changes.talk.models import Comment
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused

FORM = "comment"


@requires(P.CHANGE_COMMENT)
@require_POST
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Write a comment."""
    change, form = asked_for(request, number), CommentForm(request.POST)
    if not form.is_valid():
        context = change_context(request, change, bound={FORM: form}, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    row = actions.comment(change=change, text=form.cleaned_data["text"], by=person_of(request), at=now())
    return redirect(f"/changes/{change.number}/#comment-{row.pk}")


@requires(P.CHANGE_COMMENT)
@require_POST
def correct(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Correct one's own comment while it is young."""
    change, form = asked_for(request, number), CommentForm(request.POST)
    row = get_object_or_404(Comment, pk=pk, change=change)
    if form.is_valid():
        try:
            actions.correct(comment=row, text=form.cleaned_data["text"], by=person_of(request), at=now())
        except Refused as refusal:
            form.add_error("text", refusal.words)
        else:
            return redirect(f"/changes/{change.number}/#comment-{row.corrects_id or row.pk}")
    context = change_context(request, change, bound={FORM: form}, problem=True)
    return render(request, "changes/desk/change.html", context, status=422)


@requires(P.CHANGE_COMMENT)
@require_POST
def follow(request: HttpRequest, number: int) -> HttpResponse:
    """Hear of a change from now on, or no longer."""
    change, wanted = asked_for(request, number), request.POST.get("wanted") == "yes"
    actions.follow(change=change, person=person_of(request), wanted=wanted)
    messages.success(request, "You hear of this change." if wanted else "You no longer hear of this change.")
    return redirect("change", number=change.number)

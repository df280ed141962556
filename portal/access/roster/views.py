"""Pages about who is on the roster: what is written about somebody, and their leaving."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access.guards import requires
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roster import describing, leaving
from portal.access.roster.forms import AboutForm, LeaveForm
from portal.access.signed_in import person_of
from portal.access.views import person_page

WORDS = {
    "roles": ("role", "roles"),
    "tokens": ("token", "tokens"),
    "sessions": ("session", "sessions"),
    "calendar_feeds": ("calendar feed", "calendar feeds"),
    "delegations": ("delegation", "delegations"),
    "sign_ins": ("sign-in outside", "sign-ins outside"),
    "provisioning_tokens": ("token of a directory", "tokens of directories"),
}


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def describe(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down what the company says about somebody."""
    subject = get_object_or_404(User, pk=pk)
    form = AboutForm(request.POST)
    if not form.is_valid():
        return person_page(request, subject, about_form=form, status=422)
    new = describing.describe(user=subject, said=form.said(), by=person_of(request), at=timezone.now())
    messages.success(request, "Written down." if new else "Nothing was different.")
    return redirect("person", subject.pk)


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """End everything that somebody holds, at once."""
    subject = get_object_or_404(User, pk=pk)
    form = LeaveForm(request.POST)
    if not form.is_valid():
        return person_page(request, subject, leave_form=form, status=422)
    ended = leaving.leave(user=subject, by=person_of(request), reason=form.cleaned_data["reason"], at=timezone.now())
    messages.success(request, f"{subject.name} has left. Ended: {in_words(ended)}.")
    return redirect("person", subject.pk)


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    """End every session of somebody who stays."""
    subject = get_object_or_404(User, pk=pk)
    ended = leaving.sign_out_everywhere(user=subject, by=person_of(request), at=timezone.now())
    messages.success(request, f"{subject.name} was signed out everywhere ({in_words({'sessions': ended})}) and signs in again.")
    return redirect("person", subject.pk)


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def come_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody who left is here again."""
    subject = get_object_or_404(User, pk=pk)
    leaving.come_back(user=subject, by=person_of(request), at=timezone.now())
    messages.success(request, f"{subject.name} is back, without roles. They choose a new password with “Forgotten your password?”.")
    return redirect("person", subject.pk)


def in_words(ended: dict[str, int]) -> str:
    """``2 roles, 1 token``: what ended, without what was not there."""
    parts = [f"{count} {WORDS.get(name, (name, name))[count != 1]}" for name, count in ended.items() if count]
    return ", ".join(parts) or "nothing, since there was nothing"

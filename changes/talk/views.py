"""What somebody was told, and how they want to be told."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.talk import actions
from changes.talk.forms import ChoicesForm
from changes.talk.kinds import KINDS
from changes.talk.models import NoticeHours
from changes.talk.queries import notices_of, unread_count, way, ways_of
from changes.talk.telling import DIGEST_AT
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.paging import page_of

PAGE = 50


@requires(P.CHANGE_COMMENT)
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """Newest first; the unread ones are marked."""
    person = person_of(request)
    page = page_of(
        notices_of(person),
        by="at",
        size=PAGE,
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    context = {
        "rows": page.rows,
        "unread": unread_count(person),
        "older": f"?older={page.older}" if page.older else "",
        "newer": f"?newer={page.newer}" if page.newer else "",
        "kinds": {code: kind.label for code, kind in KINDS.items()},
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/talk/notices.html{part}", context)


@requires(P.CHANGE_COMMENT)
@require_GET
def unread(request: HttpRequest) -> HttpResponse:
    """The number beside "Notices", fetched after the page."""
    return render(request, "changes/talk/unread.html", {"unread": unread_count(person_of(request))})


@requires(P.CHANGE_COMMENT)
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read."""
    actions.read_all(person=person_of(request), at=now())
    return redirect("notices")


@requires(P.CHANGE_COMMENT)
@require_http_methods(["GET", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """How to be told of each kind, quiet hours, the digest."""
    person = person_of(request)
    if request.method == "GET":
        return _choices(request, ChoicesForm(initial=_present(request)))
    form = ChoicesForm(request.POST)
    if not form.is_valid():
        return _choices(request, form, status=422)
    actions.choose(person=person, **form.chosen())
    messages.success(request, "Saved.")
    return redirect("notice-choices")


def _present(request: HttpRequest) -> dict[str, Any]:
    person = person_of(request)
    chosen, hours = ways_of([person.pk]), NoticeHours.objects.filter(person=person).first()
    found: dict[str, Any] = {"digest": True, "digest_at": DIGEST_AT}
    if hours is not None:
        found = {name: getattr(hours, name) for name in ("quiet_from", "quiet_to", "digest", "digest_at")}
    for code in KINDS:
        own = way(chosen, person.pk, code)
        found |= {f"mail_{code}": own.mail, f"slack_{code}": own.slack}
    return found


def _choices(request: HttpRequest, form: ChoicesForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "zone": person_of(request).time_zone}
    return render(request, "changes/talk/choices.html", context, status=status)

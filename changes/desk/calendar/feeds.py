"""A person's calendar feeds, and the feed itself.

The token stands in the query of the address (``/calendar.ics?token=…``), not in its path: the portal logs paths and never
queries, and whoever runs a proxy before it leaves queries out of its log by one setting. The answer is no page, so nothing on
it sends a referrer, and it is stored by nobody. Programs that can send a header may send the token as a bearer instead.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST, require_safe

from changes.calendar import feeds
from changes.calendar.entries import KINDS, Wanted, entries_of
from changes.calendar.facts import Span
from changes.calendar.ics import calendar_of
from changes.calendar.models import CalendarFeed
from changes.calendar.queries import feeds_of
from changes.delivery.models import Repository
from changes.desk.calendar.forms import FeedForm
from portal.access.guards import by_token, requires
from portal.access.may import may, roles_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.signed_in import person_of
from portal.ui.clock import time_of

BACK, AHEAD = timedelta(days=92), timedelta(days=400)
"""How far a feed reaches."""
AT_MOST = 30
"""Questions of one feed, or of one sender without a valid token, in five minutes."""
WITHIN = 300


@by_token
@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The calendar of a token. 401 in words for one that opens nothing, 429 for a program that asks too often."""
    token, at = _token(request), time_of(request)
    try:
        found = feeds.feed_of(token=token, at=at)
    except feeds.NoFeed as problem:
        return _too_often(f"sender:{request.META.get('REMOTE_ADDR', '')}", at) or _words(str(problem), 401)
    return _too_often(f"feed:{found.pk}", at) or _calendar(found, Span(at - BACK, at + AHEAD))


def _token(request: HttpRequest) -> str:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else request.GET.get("token", "")


def _calendar(found: CalendarFeed, span: Span) -> HttpResponse:
    wanted = Wanted(
        span=span,
        environments=frozenset(found.environments),
        repositories=frozenset(found.repositories),
        kinds=frozenset(found.kinds),
        cancelled=True,
    )
    body = calendar_of(
        entries=entries_of(wanted=wanted),
        name=f"Countersign: {found.name}",
        base_url=settings.BASE_URL,
        host=settings.BASE_URL.partition("//")[2].partition("/")[0].partition(":")[0],
    )
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="countersign.ics"'
    return response


def _too_often(key: str, at: datetime) -> HttpResponse | None:
    """429 once somebody has asked more often than any program needs. Counted in PostgreSQL, as sign-ins are."""
    window, elapsed = divmod(int(at.timestamp()), WITHIN)
    name = f"calendar:{key}:{window}"
    cache.add(name, 0, 2 * WITHIN)
    if cache.incr(name) <= AT_MOST:
        return None
    response = _words(f"More than {AT_MOST} questions within five minutes. An hourly look is enough.", 429)
    response.headers["Retry-After"] = str(WITHIN - elapsed)
    return response


def _words(words: str, status: int) -> HttpResponse:
    address = f"{settings.BASE_URL}{reverse('feeds')}"
    response = HttpResponse(f"{words} {address}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@requires(P.CHANGE_SEE)
@require_GET
def own_feeds(request: HttpRequest) -> HttpResponse:
    """The person's feeds, and a form for a new one."""
    return _page(request, FeedForm(repositories=_repositories()))


@requires(P.CHANGE_SEE, fresh=True)
@require_POST
def make_feed(request: HttpRequest) -> HttpResponse:
    """Make a feed and show its address, this once."""
    form, at = FeedForm(request.POST, repositories=_repositories()), time_of(request)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = {name: form.cleaned_data[name] for name in ("name", "kinds", "environments", "repositories")}
    made, text = feeds.make_feed(user=person_of(request), expires_at=form.ends_at(at), at=at, **given)
    address = f"{settings.BASE_URL}{reverse('calendar-feed')}?{urlencode({'token': text})}"
    return render(request, "changes/desk/calendar/feed.html", {"feed": made, "address": address, "shows": _shows(made)})


@requires(P.CHANGE_SEE)
@require_POST
def revoke_feed(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own feeds."""
    feeds.revoke_feed(feed=get_object_or_404(CalendarFeed, pk=pk, user=person_of(request)), at=time_of(request))
    messages.success(request, "The feed was revoked.")
    return redirect("feeds")


def _page(request: HttpRequest, form: FeedForm, *, status: int = 200) -> HttpResponse:
    rows = [(row, _shows(row)) for row in feeds_of(person_of(request))]
    reads_only = Role.AUDITOR in roles_of(request.user)
    may_make = may(request.user, P.CHANGE_SEE) and not reads_only
    context = {"feeds": rows, "form": form if may_make else None, "at": time_of(request)}
    return render(request, "changes/desk/calendar/feeds.html", context, status=status)


def _shows(row: CalendarFeed) -> str:
    """What a feed shows, in words."""
    parts = [", ".join(KINDS[kind].lower() for kind in row.kinds)]
    parts += [f"in {' and '.join(row.environments)}"] if row.environments else []
    parts += [f"of {', '.join(row.repositories)}"] if row.repositories else []
    return " ".join(parts)


def _repositories() -> list[str]:
    return list(Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True))

"""Views that go wrong on purpose, beside the real ones."""

import psycopg_pool
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import path

from portal.access.guards import public, requires
from portal.access.permissions import P
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.urls import handler400, handler403, handler404, handler429, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500"]

TRICK = "rev\u202eision <b>2</b>"


def _raises(problem):
    def view(request):
        raise problem

    return public(view, reason="A test.")


PROBLEMS = {
    "refused": Refused(Clause.REVIEWED, f"Nobody reviewed {TRICK}.", "Ask somebody who did not write it."),
    "refused-access": Refused(Clause.AUTHORISED_MERGE, "You are not on the list.", ""),
    "stale": Stale("Bob approved it meanwhile."),
    "stale-mute": Stale(),
    "denied": PermissionDenied("Not yours"),
    "bad": BadRequest("nonsense"),
    "away": OperationalError("connection refused"),
    "crowded": psycopg_pool.PoolTimeout("no connection in time"),
    "broken": RuntimeError("secret detail of the machine"),
}


@requires(P.SOURCE_MANAGE)
def manage(request):
    return HttpResponse("managed")


urlpatterns = [
    *(path(f"wrong/{name}/", _raises(problem)) for name, problem in PROBLEMS.items()),
    *(path(f"api/v1/wrong/{name}/", _raises(problem)) for name, problem in PROBLEMS.items()),
    path("manage/", manage),
    *urlpatterns,
]

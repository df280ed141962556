"""``/api/v1/``: what the pages show, for machines."""

from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now
from ninja import NinjaAPI
from ninja.errors import HttpError

from changes.api import rows
from changes.api.auth import TokenOrSession, asker, caller, need
from changes.api.shapes import (
    ChangeOut,
    ChangesPage,
    CheckpointsPage,
    DeliveriesPage,
    ExceptionsPage,
    GateAnswerOut,
    ReleasesPage,
)
from changes.connectors.models import Delivery
from changes.delivery.models import Release
from changes.exceptions.asking import ask_gate
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals.listing import Wanted, find, visible
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.ledger.queries import latest_checkpoints
from portal.numbers import number_in
from portal.ui.paging import BadCursor, Page, page_of

LARGEST_PAGE = 200
api = NinjaAPI(title="Countersign", version="1", urls_namespace="api", auth=TokenOrSession(), docs_url=None, openapi_url="")


@api.exception_handler(BadCursor)
def bad_cursor(request: HttpRequest, problem: BadCursor) -> Any:
    return api.create_response(request, {"detail": str(problem)}, status=422)


def _size(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise HttpError(422, f"limit is between 1 and {LARGEST_PAGE}")
    return limit


def _paged(page: Page[Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, "next": page.older}


@api.get("/changes", response=ChangesPage, summary="Changes, newest movement first")
def changes(
    request: HttpRequest,
    repository: str = "",
    pull_request: int | None = None,
    commit: str = "",
    state: str = "",
    category: str = "",
    kind: str = "",
    q: str = "",
    cursor: str = "",
    limit: int = 50,
) -> dict[str, Any]:
    """Filters: ``repository`` (owner/name), ``pull_request`` (number), ``commit`` (SHA or its beginning), ``state`` …; ``q`` is
    a search as in the list, with its operators."""
    need(request, P.CHANGE_SEE)
    classes: dict[str, Any] = {"state": state, "category": category, "kind": kind}
    classes |= {"repository": repository, "pull_request": pull_request, "commit": commit.lower()}
    wanted = Wanted(text=q, reader=caller(request), today=now().date(), **classes)
    if wanted.question.problems:
        raise HttpError(422, " ".join(wanted.question.problems))
    page = find(wanted=wanted, scope=scope_for(request), size=_size(limit), older=cursor)
    return _paged(page, [rows.change_row(row) for row in page.rows])


@api.get("/changes/{number}", response=ChangeOut, summary="One change with gates, verdicts and timeline")
def change(request: HttpRequest, number: str) -> dict[str, Any]:
    """``number`` is 1042 or CHG-1042."""
    need(request, P.CHANGE_SEE)
    digits = number.upper().removeprefix("CHG-")
    wanted = number_in(digits, below=16, otherwise=None)
    row = visible(number=wanted, scope=scope_for(request)) if wanted is not None else None
    if row is None:
        raise HttpError(404, f"There is no change {number}.")
    return rows.change_whole(row)


@api.get("/exceptions", response=ExceptionsPage, summary="Exceptions, newest first")
def exceptions(
    request: HttpRequest,
    repository: str = "",
    state: str = "",
    kind: str = "",
    cursor: str = "",
    limit: int = 50,
) -> dict[str, Any]:
    """Without ``state``: all that stand, without what later evidence cleared or a rule filtered as noise. ``state=all``: all.

    ``repeats`` is the id of the exception that this one folds into.
    """
    need(request, P.EXCEPTION_SEE)
    found = ExceptionRecord.objects.select_related("repository", "change", "owner", "judged_by")
    if state and state not in {*ExceptionState.values, "all"}:
        raise HttpError(422, f"state is one of all, {', '.join(ExceptionState.values)}")
    if not state:
        found = found.exclude(state__in=(ExceptionState.CLEARED, ExceptionState.FILTERED))
    elif state != "all":
        found = found.filter(state=state)
    if repository:
        found = found.filter(repository__name=repository)
    if kind:
        found = found.filter(kind=kind)
    scope = scope_for(request)
    page = page_of(_in_scope(found, scope, "happened_at"), by="found_at", size=_size(limit), older_than=cursor)
    return _paged(page, [rows.exception_row(row) for row in page.rows])


@api.get("/releases", response=ReleasesPage, summary="Releases, newest first")
def releases(
    request: HttpRequest,
    repository: str = "",
    environment: str = "",
    commit: str = "",
    cursor: str = "",
    limit: int = 50,
) -> dict[str, Any]:
    """Every Fly release and GitHub deployment with its commit, its changes, and what it undoes."""
    need(request, P.RELEASE_SEE)
    found = Release.objects.select_related("repository", "rolls_back")
    wanted = {"repository__name": repository, "environment": environment, "commit_sha__startswith": commit.lower()}
    found = found.filter(**{name: value for name, value in wanted.items() if value})
    page = page_of(_in_scope(found, scope_for(request), "created_at"), by="created_at", size=_size(limit), older_than=cursor)
    return _paged(page, rows.releases_with_changes(page.rows))


@api.get("/inbox", response=DeliveriesPage, summary="Deliveries that came in, newest first")
def inbox(request: HttpRequest, state: str = "", source: str = "", cursor: str = "", limit: int = 50) -> dict[str, Any]:
    """Every delivery that was acknowledged, with what became of it."""
    need(request, P.INBOX_SEE)
    found = Delivery.objects.select_related("source").defer("body")
    wanted = {"state": state, "source__name": source}
    found = found.filter(**{name: value for name, value in wanted.items() if value})
    page = page_of(found, by="received_at", size=_size(limit), older_than=cursor)
    return _paged(page, [rows.delivery_row(row) for row in page.rows])


@api.get("/ledger/checkpoints", response=CheckpointsPage, summary="Signed heads of the ledger, newest first")
def checkpoints(request: HttpRequest, limit: int = 50) -> dict[str, Any]:
    """Each is a signed note (C2SP) over the size and the root of the tree."""
    need(request, P.LEDGER_SEE)
    found = latest_checkpoints(limit=_size(limit))
    items = [{"size": row.size, "root": bytes(row.root).hex(), "note": row.note, "at": row.sealed_at} for row in found]
    return {"items": items, "next": ""}


@api.get("/gate", response=GateAnswerOut, summary="May this commit go to this environment?")
def gate(request: HttpRequest, repository: str, commit: str, environment: str = "production") -> dict[str, Any]:
    """Allow or deny with reasons. Closed by default: an unknown commit, repository or environment is denied.

    ``commit`` is a SHA or its first digits, seven at least. Each question is kept with its answer and with who asked.
    """
    need(request, P.CHANGE_SEE)
    answer, kept = ask_gate(
        repository=repository,
        commit=commit.lower(),
        environment=environment,
        by=asker(request),
        token=vars(request).get("api_token"),
        at=now(),
    )
    return rows.gate_answer(answer, kept)


def _in_scope(found: Any, scope: Scope, moment: str) -> Any:
    if scope.repositories is not None:
        found = found.filter(repository__name__in=sorted(scope.repositories))
    if scope.window_from is not None:
        found = found.filter(**{f"{moment}__gte": scope.window_from})
    if scope.window_to is not None:
        found = found.filter(**{f"{moment}__lt": scope.window_to})
    return found

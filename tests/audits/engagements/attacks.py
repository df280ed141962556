"""Views that try to write for an auditor, each in its own way, and swallow what comes of it. A test serves them."""

import contextlib
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from django.utils import timezone
from django.utils.connection import ConnectionDoesNotExist
from psycopg import Error as DriverError

from audits.engagements.models import Engagement
from audits.requests.models import Request
from changes.delivery.models import Repository
from portal.access.guards import requires
from portal.access.permissions import P
from portal.ledger.actions import append

INSERT = (
    "INSERT INTO changes_repository"
    " (forge, name, former_names, main_branch, prod_branch, approved_by, clone_url, mirror_error, in_scope_from)"
    " VALUES ('github', 'acme/evil', '{}', 'main', 'prod', 'review', '', '', now())"
)
APPEND = "SELECT portal_ledger_append('x', 'y', 'z', '{}', ARRAY[]::text[], true)"


def by_orm_create() -> None:
    Repository.objects.create(name="acme/evil", in_scope_from=timezone.now())


def by_orm_save() -> None:
    known = Repository.objects.get()
    known.name = "acme/evil"
    known.save()


def by_orm_update() -> None:
    Repository.objects.update(name="acme/evil")


def by_orm_delete() -> None:
    Repository.objects.all().delete()


def by_another_alias() -> None:
    Repository.objects.using("auditor").create(name="acme/evil", in_scope_from=timezone.now())


def by_inner_transaction() -> None:
    with transaction.atomic():
        by_orm_create()


def by_django(sql: str):
    def attack() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return attack


def by_driver(*batches: str):
    """Past Django and past its wrappers, straight to PostgreSQL."""

    def attack() -> None:
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            for sql in batches:
                cursor.execute(sql)

    return attack


ATTACKS = {
    "orm-create": by_orm_create,
    "orm-save": by_orm_save,
    "orm-update": by_orm_update,
    "orm-delete": by_orm_delete,
    "another-alias": by_another_alias,
    "inner-transaction": by_inner_transaction,
    "raw-cursor": by_django(INSERT),
    "raw-with": by_django(f"WITH evil AS ({INSERT} RETURNING id) SELECT * FROM evil"),
    "commit-insert": by_django(f"COMMIT; {INSERT}"),
    "reset-role": by_django(f"RESET ROLE; {INSERT}"),
    "read-write": by_django(f"SET TRANSACTION READ WRITE; {INSERT}"),
    "function": by_django(APPEND),
    "driver-insert": by_driver(INSERT),
    "driver-insert-committed": by_driver(INSERT, "COMMIT"),
    "driver-commit-insert": by_driver(f"COMMIT; {INSERT}"),
    "driver-commit-then-insert": by_driver("COMMIT", INSERT),
    "driver-commit-then-insert-commit": by_driver("COMMIT", INSERT, "COMMIT"),
    "driver-reset-role": by_driver("RESET ROLE", INSERT),
    "driver-commit-reset-role": by_driver(f"COMMIT; RESET ROLE; {INSERT}"),
    "driver-read-write": by_driver("SET TRANSACTION READ WRITE", INSERT),
    "driver-config": by_driver("SELECT set_config('transaction_read_only', 'off', false)", INSERT),
    "driver-default-off": by_driver("SET default_transaction_read_only = off", INSERT),
    "driver-function": by_driver(APPEND),
    "driver-block": by_driver(f"DO $$ BEGIN {INSERT}; END $$"),
    "driver-ddl": by_driver("CREATE TABLE evil (id int)"),
}


@requires(P.CHANGE_SEE)
def attack(request: HttpRequest, name: str) -> HttpResponse:
    with contextlib.suppress(DatabaseError, DriverError, ConnectionDoesNotExist):
        ATTACKS[name]()
    return HttpResponse("tried")


@requires(P.CHANGE_SEE)
def write(request: HttpRequest, name: str) -> HttpResponse:
    """What an auditor may send: the attack, and a question as it should be."""
    with contextlib.suppress(DatabaseError, DriverError, ConnectionDoesNotExist):
        (ATTACKS | FURTHER)[name]()
    return HttpResponse("tried", status=422 if name == "refused" else 200)


@requires(P.CHANGE_SEE)
def read(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return HttpResponse(f"{cursor.fetchone()[0]} {Repository.objects.count()}")


@requires(P.CHANGE_SEE)
def stream(request: HttpRequest) -> StreamingHttpResponse:
    def rows():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            yield cursor.fetchone()[0]

    return StreamingHttpResponse(rows(), content_type="text/csv", headers={"X-Kept": "yes"})


@requires(P.CHANGE_SEE)
def endless(request: HttpRequest) -> StreamingHttpResponse:
    async def rows():
        yield "never"

    return StreamingHttpResponse(rows())


@requires(P.CHANGE_SEE)
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ding")


def by_question() -> None:
    """A row of evidence with its entry in the ledger: what the door is for."""
    engagement = Engagement.objects.get()
    at, by = timezone.now(), engagement.admissions.get().person
    row = Request.objects.create(
        engagement=engagement, number=1, subject="x", owner=by, due_at=at + timedelta(days=1), asked_by=by, asked_at=at
    )
    append(stream="request:1", kind="request.asked", actor="user:1", fact={}, rows=[row])


def then(*attacks):
    """One after the other, each swallowing what comes of it."""

    def attack() -> None:
        by_question()
        for one in attacks:
            with contextlib.suppress(DatabaseError, DriverError):
                one()

    return attack


FURTHER = {
    "question": by_question,
    "refused": by_question,
    "sql-update": by_django("UPDATE changes_repository SET name = 'acme/evil'"),
    "own-update": then(by_driver("UPDATE audits_request SET subject = 'evil'")),
    "own-delete": then(by_driver("DELETE FROM audits_request")),
    "approval": by_driver("INSERT INTO changes_approval DEFAULT VALUES"),
    "secret": by_driver("SELECT password FROM portal_user"),
    "read-log": by_driver("INSERT INTO audits_readlog DEFAULT VALUES"),
}

urlpatterns = [
    path("write/<str:name>/", write, name="write-request"),
    path("attack/<str:name>/", attack),
    path("read/<int:number>/", lambda request, number: read(request)),
    path("read/", read, name="read"),
    path("stream/", stream),
    path("endless/", endless),
    path("live/", live, name="live"),
    path("", include("portal.urls")),
]

"""Auditors read, and nothing else: every attempt to write leaves no row."""

import hashlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils import timezone

from audits.engagements import middleware, wall
from audits.engagements.actions import end_engagement, seal_readings
from audits.engagements.models import Engagement, ReadLog
from changes.delivery.models import Repository
from portal.access.invitations import invite
from portal.access.models import Invitation, User
from portal.access.scope import EVERYTHING, scope_for
from portal.ledger.models import LedgerLeaf
from tests.audits.engagements.attacks import ATTACKS
from tests.audits.engagements.opened import admitted
from tests.portal.access.people import LONG_AGO, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.audits.engagements.attacks")]


WOULD_NOT_WRITE = {"another-alias", "function", "driver-function", "driver-config", "driver-default-off"}
"""Attempts that fail for everybody, or that write only together with another one."""


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=LONG_AGO)


@pytest.fixture
def uma(client, repository):
    user, _ = admitted()
    client.force_login(user)
    return user


def state() -> tuple:
    """Everything that an attack could have changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_name = 'evil'")
        tables = cursor.fetchone()[0]
    return (sorted(Repository.objects.values_list("name", flat=True)), LedgerLeaf.objects.count(), tables)


@pytest.mark.parametrize("name", list(ATTACKS))
def test_attempt_to_write_leaves_no_row(name, client, uma):
    before = state()

    answer = client.get(f"/attack/{name}/")

    assert answer.content == b"tried"
    assert state() == before


@pytest.mark.parametrize("name", list(ATTACKS))
def test_attempt_is_refused_by_postgres_alone(name, client, uma, monkeypatch):
    monkeypatch.setattr(wall, "_only_reads", lambda execute, sql, params, many, context: execute(sql, params, many, context))
    before = state()

    client.get(f"/attack/{name}/")

    assert state() == before


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - WOULD_NOT_WRITE))
def test_attempt_is_a_real_one(name, client, repository):
    client.force_login(person("Ann"))
    before = state()

    client.get(f"/attack/{name}/")

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS evil")
    assert state() != before or name == "driver-ddl"


@pytest.mark.parametrize("name", list(ATTACKS))
def test_connection_is_its_own_again_after_an_attempt(name, client, uma):
    client.get(f"/attack/{name}/")

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = session_user, current_setting('default_transaction_read_only')")
        assert cursor.fetchone() == (True, "off")
    User.objects.filter(pk=uma.pk).update(theme="dark")
    assert User.objects.get(pk=uma.pk).theme == "dark"


def test_page_is_read_under_the_auditors_role(client, uma):
    assert client.get("/read/").content == b"countersign_auditor 1"


def test_page_of_others_is_read_under_the_portals_own_role(client, repository):
    client.force_login(person("Ann"))

    assert not client.get("/read/").content.startswith(b"countersign_auditor")


def test_wall_holds_without_the_role(client, uma, monkeypatch):
    monkeypatch.setattr(wall, "ROLE", "no_such_role")
    before = state()

    for name in ATTACKS.keys() - {"driver-commit-insert", "driver-commit-reset-role", "driver-commit-then-insert-commit"}:
        client.get(f"/attack/{name}/")

    assert client.get("/read/").status_code == 200
    assert state() == before


def test_connection_that_cannot_go_back_is_closed(monkeypatch, repository):
    def broken(*args):
        raise DatabaseError("gone")

    with wall.read_only():
        inner = connection.connection
    monkeypatch.setattr(connection, "cursor", broken)
    wall._take_down()
    monkeypatch.undo()

    assert inner.closed
    assert Repository.objects.count() == 1


def test_stream_is_read_behind_the_wall(client, uma):
    answer = client.get("/stream/")

    assert (answer.content, answer.headers["X-Kept"], answer.headers["Content-Type"]) == (b"countersign_auditor", "yes", "text/csv")


def test_stream_that_outlives_the_wall_is_refused(client, uma):
    with pytest.raises(TypeError, match="asynchronous stream"):
        client.get("/endless/")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_auditor_sends_nothing(method, client, uma):
    before = state()

    answer = getattr(client, method)("/read/")

    assert answer.status_code == 403
    assert "Auditors only read" in answer.content.decode()
    assert state() == before


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_auditor_reads(method, client, uma):
    assert getattr(client, method)("/read/").status_code == 200


def test_auditor_may_choose_a_theme_and_sign_out(client, uma):
    assert client.post(reverse("theme"), {"theme": "dark"}).status_code == 302
    assert client.get(reverse("me")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302
    assert client.get("/read/").status_code == 302


def test_auditor_may_not_save_a_profile_or_make_a_token(client, uma):
    for name in ("me-profile", "me-make-token"):
        assert client.post(reverse(name), {"name": "Uma U"}).status_code == 403

    assert User.objects.get(pk=uma.pk).name == "Uma"


def test_live_stream_is_answered_outside_of_the_wall_and_not_noted(client, uma):
    assert client.get("/live/").content == b"ding"
    assert ReadLog.objects.count() == 0


# The engagement


def test_auditor_without_an_engagement_sees_nothing(client, repository):
    client.force_login(person("Uma"))

    answer = client.get("/read/")

    assert answer.status_code == 403
    assert "Your engagement is not open" in answer.content.decode()


def test_next_request_after_the_end_is_refused(client, uma):
    assert client.get("/read/").status_code == 200

    end_engagement(engagement=Engagement.objects.get(), by=User.objects.get(name="Mia"), at=timezone.now())

    assert client.get("/read/").status_code == 403


@pytest.mark.parametrize(("begins", "ends", "status"), [(-30, -0.001, 403), (-30, 1, 200), (1, 30, 403)])
def test_engagement_begins_and_ends_by_itself(begins, ends, status, client, repository):
    """Days from now."""
    now = timezone.now()
    user, _ = admitted(at=now - timedelta(days=1), starts_at=now + timedelta(days=begins), ends_at=now + timedelta(days=ends))
    client.force_login(user)

    assert client.get("/read/").status_code == status


def test_page_knows_the_engagement_and_its_scope(client, repository):
    user, engagement = admitted(repositories=["acme/web"])
    client.force_login(user)

    request = client.get("/read/").wsgi_request

    assert request.auditor == engagement
    scope = scope_for(request)
    assert (scope.repositories, scope.window_from, scope.window_to) == ({"acme/web"}, engagement.window_from, engagement.window_to)
    assert (scope.covers(repository="acme/web"), scope.covers(repository="acme/api")) == (True, False)


def test_empty_scope_means_everything(client, uma):
    request = client.get("/read/").wsgi_request

    assert scope_for(request).repositories is None


def test_everybody_else_has_no_scope(client, repository):
    client.force_login(person("Ann"))

    assert scope_for(client.get("/read/").wsgi_request) == EVERYTHING


# The read log


def test_page_is_noted_before_it_is_shown(client, uma, monkeypatch):
    noted = []
    inner = wall.read_only
    monkeypatch.setattr(middleware, "read_only", lambda: noted.append(ReadLog.objects.count()) or inner())

    client.get("/read/7/?q=secrets")

    assert noted == [1]
    row = ReadLog.objects.get()
    assert (row.path, row.objects_named, row.reader, row.outcome) == ("/read/7/?q=secrets", ["number=7"], uma, "read")
    assert row.engagement == Engagement.objects.get()
    assert row.session_digest == hashlib.sha256(client.session.session_key.encode()).hexdigest()


def test_the_read_log_keeps_no_token_of_an_address(client, uma):
    client.get(f"/read/7/?token=csf_{'a1B2' * 10}")

    assert ReadLog.objects.get().path == "/read/7/?token=[hidden]"


def test_page_that_does_not_exist_is_noted_too(client, uma):
    assert client.get("/nowhere/").status_code == 404
    assert ReadLog.objects.get().path == "/nowhere/"


def test_page_is_not_shown_when_it_cannot_be_noted(client, uma, monkeypatch):
    def broken(**_):
        raise DatabaseError("disk full")

    monkeypatch.setattr(middleware, "note_reading", broken)

    answer = client.get("/read/")

    assert answer.status_code == 503
    assert b"countersign_auditor" not in answer.content


def test_read_log_refuses_to_be_changed(client, uma):
    client.get("/read/")

    for attempt in (ReadLog.objects.all().delete, lambda: ReadLog.objects.update(path="/")):
        with pytest.raises(DatabaseError):
            attempt()
    assert ReadLog.objects.get().path == "/read/"


def test_auditor_may_not_read_the_read_log(client, uma):
    with wall.read_only(), pytest.raises(DatabaseError, match="permission denied"):
        list(ReadLog.objects.all())


def test_bulk_reading_is_slowed_and_reported_once(client, uma, monkeypatch):
    monkeypatch.setattr(middleware, "READ_MOST", 3)

    statuses = [client.get("/read/").status_code for _ in range(6)]

    assert statuses == [200, 200, 200, 429, 429, 429]
    assert ReadLog.objects.filter(outcome="slowed").count() == 3
    assert LedgerLeaf.objects.filter(kind="auditor.slowed").count() == 1


def test_day_of_readings_is_sealed_into_the_ledger(client, uma):
    client.get("/read/")
    client.get("/read/7/")
    today = timezone.now().date()

    digest = seal_readings(day=today)

    body = LedgerLeaf.objects.get(kind="read_log.sealed").body.payload
    assert digest in body
    assert '"pages":2' in body
    assert seal_readings(day=today - timedelta(days=1)) != digest


def test_there_is_no_second_database_to_go_round_the_wall():
    assert list(settings.DATABASES) == ["default"]


# Secrets


def test_secrets_are_not_selected_behind_the_wall(client, uma):
    rex = person("Rex", password="correct horse battery")
    invite(email="pia@northwind.example", name="Pia", roles=[], by=rex, at=timezone.now())

    with wall.read_only():
        assert User.objects.get(pk=rex.pk).password == ""
        assert [invitation.token_digest for invitation in Invitation.objects.select_related("invited_by")] == [""]
        assert list(User.objects.filter(pk=rex.pk).values_list("password", flat=True)) == [""]

    assert User.objects.get(pk=rex.pk).check_password("correct horse battery")


@pytest.mark.parametrize("column", ["portal_user.password", "portal_invitation.token_digest", "portal_apitoken.digest"])
def test_secrets_cannot_be_selected_behind_the_wall(column, client, uma):
    table, _, name = column.partition(".")

    with wall.read_only(), pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {table}")

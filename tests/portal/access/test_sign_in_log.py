"""The log of the entrance: who came in and by what, who was refused, who left, and nothing of what was typed."""

import pytest
import structlog

from portal.access import sign_in_log
from tests.portal.access.people import person
from tests.portal.access.test_signin import LOGIN, PASSWORD, enter

pytestmark = pytest.mark.django_db


def test_the_entrance_is_logged_without_what_was_typed(client, monkeypatch):
    ann = person("Ann", password=PASSWORD)
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(sign_in_log, "log", structlog.get_logger("portal.entrance.test"))
        enter(client, ann, "wrong horse battery")
        client.post(LOGIN, {"login": "typed-a-password@nowhere.example", "password": "x" * 12})
        enter(client, ann)
        client.post("/account/logout/")

    seen = [{name: value for name, value in line.items() if name != "log_level"} for line in lines]
    assert seen == [
        {"event": "entrance.refused", "user": ann.pk, "sender": "127.0.0.1"},
        {"event": "entrance.refused", "user": None, "sender": "127.0.0.1"},
        {"event": "entrance.proved", "user": ann.pk, "by": "password", "again": False, "sender": "127.0.0.1"},
        {"event": "entrance.came_in", "user": ann.pk, "sender": "127.0.0.1"},
        {"event": "entrance.left", "user": ann.pk, "sender": "127.0.0.1"},
    ]


def test_a_sender_that_cannot_be_told_and_an_address_that_none_is_are_no_fault(rf):
    with structlog.testing.capture_logs():
        sign_in_log.refused(None, credentials={"email": "a\0b"})
        request = rf.get("/")
        del request.META["REMOTE_ADDR"]
        sign_in_log.refused(None, credentials={}, request=request)

"""A page that refreshes itself keeps nobody signed in."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from portal.access.sessions import IDLE
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("headers", "status"), [({"X-Unattended": "true"}, 302), ({"Accept": "text/event-stream"}, 302), ({}, 200)]
)
def test_requests_that_nobody_made_do_not_count_as_presence(client, headers, status):
    client.force_login(person("Bob"))
    client.get("/help/")
    began = timezone.now()

    with time_machine.travel(began + IDLE / 2, tick=False):
        client.get("/inbox/count/", headers=headers)
    with time_machine.travel(began + IDLE + timedelta(minutes=1), tick=False):
        assert client.get("/help/").status_code == status

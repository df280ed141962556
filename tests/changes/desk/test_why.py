"""On the page of a change: why a gate says what it says, and what today's rules say beside a frozen verdict."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from changes.gates.models import Verdict
from changes.proposals.models import Change
from tests.changes.people import person, sign_in
from tests.changes.stories import Clock, connect, post, read_story, work
from tests.database import lifted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def change(client):
    """The standard change in production, with two frozen verdicts."""
    story = read_story("dev.standard-change")
    connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    work(Clock())
    sign_in(client, person("Ann"))
    return Change.objects.get()


def page_of(client, change):
    return client.get(reverse("change", args=[change.number])).content.decode()


def rewrite(verdict, **values):
    """As a superuser would: the database lets nobody else change a verdict."""
    with lifted(connection, "changes_verdict"), transaction.atomic():
        Verdict.objects.filter(pk=verdict.pk).update(**values)


def test_each_gate_opens_its_why_without_script(client, change):
    page = page_of(client, change)

    assert page.count('<details class="gate-x noprint" id="why-') == 12
    assert "Somebody who made none of its commits approved every pull request" in page
    assert "The message follows the release within: 15 minutes" in page
    assert "Nothing: the gate is done." in page


def test_the_same_rules_differ_in_no_gate(client, change):
    page = page_of(client, change)

    assert page.count("No gate differs") == Verdict.objects.count() == 2


def test_another_rule_today_is_told_beside_the_verdict_which_stands(client, change):
    verdict = Verdict.objects.get(moment="merge")
    gates = [{**gate, "state": "failed"} if gate["code"] == "ci" else gate for gate in verdict.gates]
    rewrite(verdict, rules_version="1", gates=gates, outcome="not_compliant")

    page = page_of(client, change)

    assert "CI: failed then, met by today" in page
    assert "Rules 1, policy 1" in page
    assert page.count("No gate differs") == 1


def test_facts_that_are_too_old_are_said_to_be(client, change):
    verdict = Verdict.objects.get(moment="merge")
    rewrite(verdict, rules_version="0", facts={"number": 1001})

    assert "cannot be asked about facts so old" in page_of(client, change)


def test_old_verdicts_cost_no_further_query(client, change):
    page_of(client, change)
    with CaptureQueriesContext(connection) as present:
        page_of(client, change)
    for verdict in Verdict.objects.all():
        rewrite(verdict, rules_version="1")
    with CaptureQueriesContext(connection) as old:
        page_of(client, change)

    assert len(present) == len(old)

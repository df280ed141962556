"""On the page of a change: why a gate says what it says, and what today's rules say beside a frozen verdict."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from changes.gates.models import Verdict
from changes.gates.verdict import RULES_VERSION
from changes.proposals.models import Change
from portal.policy.models import PolicyVersion
from portal.policy.parameters import DEFAULT
from portal.policy.plain import plain
from tests.changes.people import person, sign_in
from tests.changes.stories import tell, told
from tests.database import cover, lifted
from tests.portal.access.people import LONG_AGO

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def change(client):
    """The standard change in production, with two frozen verdicts."""
    told(client, "dev.standard-change")
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
    assert "Time in which a release is logged: 15 minutes" in page
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


def adopted(**parameters):
    """Version 2 of the policy in force since long ago."""
    with transaction.atomic():
        cover(
            PolicyVersion.objects.create(
                number=2,
                text="The policy",
                parameters=plain(replace(DEFAULT, **parameters)),
                digest="0" * 64,
                state=PolicyVersion.State.ADOPTED,
                sent_at=LONG_AGO,
                decided_at=LONG_AGO,
                effective_at=LONG_AGO,
            )
        )


def test_the_policy_in_force_classes_judges_and_is_named(client):
    adopted(large_changed_lines=1)
    tell(client, "dev.standard-change")
    sign_in(client, person("Ann"))

    change = Change.objects.get()
    page = page_of(client, change)

    assert change.size == "large"
    assert set(Verdict.objects.values_list("policy_version", flat=True)) == {"2"}
    assert "Policy version 2" in page
    assert page.count("No gate differs") == 2


def test_another_policy_today_is_asked_about_the_frozen_facts(client, change):
    adopted(staging_soak=timedelta(days=30))

    page = page_of(client, change)

    assert "Staging: met then, failed by today" in page
    assert f"Rules {RULES_VERSION}, policy 1" in page

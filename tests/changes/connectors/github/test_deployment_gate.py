"""A deployment at GitHub that waits for the portal is answered by the deploy gate, with its reasons, on record."""

import pytest
from django.db import transaction

from changes.connectors.github.deployment_gate import deliver_gate
from changes.connectors.github.handlers import record_fact
from changes.connectors.github.payloads import parse
from changes.connectors.models import Source
from changes.delivery.facts import GateAskedReported
from changes.delivery.models import Repository
from portal.ledger.queries import entries_about
from portal.outbox.models import Effect
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW, connect, scripted
from tests.changes.connectors.github.forge import Said

__all__ = ["connect", "scripted"]
PATH = "/repos/northwind/web/actions/runs/9/deployment_protection_rule"


@pytest.mark.django_db
def test_what_the_gate_does_not_know_is_rejected_with_the_reason(connect):
    _, forge = connect({f"POST {PATH}": Said(None, 204)})
    repository = Repository.objects.create(name="northwind/web", in_scope_from=NOW)
    fact = GateAskedReported(environment="production", commit_sha=made.HEAD, run=9)
    with transaction.atomic():
        for _ in range(2):
            record_fact(fact, repository, None, NOW)

    effect = Effect.objects.get()
    result = deliver_gate({**effect.payload, "key": effect.key})

    assert result["answered"] == "rejected"
    assert forge.asked[-1].path == PATH
    assert (forge.asked[-1].body["state"], forge.asked[-1].body["environment_name"]) == ("rejected", "production")
    assert forge.asked[-1].body["comment"].startswith("Countersign holds it: ")
    [entry] = entries_about(stream="deploy-gate")
    assert (entry.kind, entry.fact["answer"], entry.fact["run"]) == ("gate.answered", "rejected", 9)
    Source.objects.all().delete()
    assert deliver_gate({**effect.payload, "key": effect.key})["answered"] == ""


def test_the_question_names_its_run_in_the_address_that_is_not_used():
    body = made.delivery(
        action="requested",
        environment="production",
        event="push",
        deployment=made.deployment(),
        deployment_callback_url="https://evil.example/repos/x/y/actions/runs/41/deployment_protection_rule",
    )

    asked = parse("deployment_protection_rule", body)
    nowhere = parse("deployment_protection_rule", body.replace(b"/runs/41/", b"/elsewhere/"))

    assert asked.facts == (GateAskedReported(environment="production", commit_sha=made.MERGE, run=41),)
    assert (nowhere.kind, nowhere.note) == ("incomplete", "deployment_callback_url names no run")

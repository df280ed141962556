"""The forges are one list: a new one is read, parsed, shown in a scope of Git and run again like the others."""

from datetime import UTC, datetime

import pytest

from changes.completeness import rerunning
from changes.connectors import wellbeing
from changes.connectors.forges import CLIENTS
from changes.connectors.github.handlers import PARSERS
from changes.connectors.in_scope import names_in
from changes.connectors.models import Source
from changes.entitlements.segregation.queries import WHERE
from changes.forges import FORGES
from portal.access.scope import Scope


def test_every_forge_has_its_client_and_its_parser_and_is_run_again():
    assert PARSERS.keys() == CLIENTS.keys() == set(FORGES)
    assert set(rerunning.FORGES) == set(FORGES)
    assert set(FORGES) < wellbeing.DELIVERING
    assert {WHERE[kind] for kind in FORGES} == {"code"}


@pytest.mark.django_db
def test_every_forge_belongs_to_a_scope_of_git():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    for kind in (*FORGES, "fly"):
        Source.objects.create(name=f"our-{kind}", kind=kind, api_url="https://x.example", connected_at=at)

    assert names_in(Scope(systems=frozenset({"git"}))) == {f"our-{kind}" for kind in FORGES}

"""What a test of a connection offers is whole, or says what is left out."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from changes.connectors.cloudflare import checking as cloudflare
from changes.connectors.connecting.forms import LISTED, SHOWN, ForgeForm, PlacesForm
from changes.connectors.connecting.models import Connecting
from changes.connectors.doppler import checking as doppler
from changes.connectors.errors import Forbidden, NotJson
from changes.connectors.github import checking


class Paged:
    """Answers three pages of two, each with the address of the next; ``under`` wraps them."""

    def __init__(self, under=""):
        self.under, self.asked = under, []

    def request(self, *, path, query=None):
        self.asked.append((path, query))
        number = int(path.partition("page=")[2] or 1)
        rows = [{"full_name": f"acme/r{number}{n}"} for n in (1, 2)]
        link = f'<https://x.example/list?page={number + 1}>; rel="next"' if number < 3 else ""
        body = json.dumps({self.under: rows} if self.under else rows)
        answer = SimpleNamespace(json=lambda: json.loads(body), headers={"link": link}, what="GET /list")
        answer.checked = lambda: answer
        return answer


@pytest.mark.parametrize("under", ["", "repositories"])
def test_every_page_of_a_list_is_read(under):
    client = Paged(under)

    rows = checking.all_rows(client, "/list", {"per_page": 2}, under=under)

    assert checking.names_of(rows) == ("acme/r11", "acme/r12", "acme/r21", "acme/r22", "acme/r31", "acme/r32")
    assert client.asked[0] == ("/list", {"per_page": 2})
    assert client.asked[1:] == [(f"https://x.example/list?page={number}", None) for number in (2, 3)]


def test_a_list_is_read_as_far_as_asked_and_its_count_says_at_least():
    client = Paged()
    assert len(checking.all_rows(client, "/list", {}, most=3)) == 3
    assert len(client.asked) == 2
    with pytest.raises(NotJson, match="did not answer with a list"):
        checking.all_rows(Paged("other"), "/list", {}, under="repositories")

    names = tuple(f"acme/r{number}" for number in range(checking.MOST))
    assert checking.counted(names, "project", "projects") == f"at least {checking.MOST} projects"
    assert checking.counted(names[:2], "project", "projects") == "2 projects"
    assert checking.counted(names[:1], "project", "projects") == "1 project"


@pytest.mark.parametrize(
    ("form", "kind", "shown", "count", "words"),
    [
        (ForgeForm, "gitlab", LISTED, LISTED + 7, "7 more are connected with manage.py connect gitlab."),
        (ForgeForm, "github", LISTED, LISTED, ""),
        (PlacesForm, "doppler", SHOWN, SHOWN + 1, "1 more is connected with manage.py connect doppler."),
    ],
)
def test_a_form_says_what_it_does_not_show(form, kind, shown, count, words):
    made = form(draft=Connecting(kind=kind, offers=[f"acme/r{number}" for number in range(count)]))

    assert made.left_out == words
    offered = len(made.fields["repositories"].choices) if form is ForgeForm else len(made.places)
    assert offered == shown


@pytest.mark.parametrize(("count", "left_out"), [(doppler.PROJECTS_AT_MOST, False), (doppler.PROJECTS_AT_MOST + 1, True)])
def test_projects_of_doppler_that_were_not_asked_are_said(monkeypatch, count, left_out):
    workplace = SimpleNamespace(
        me=lambda: ("service_account", "Northwind"),
        projects=lambda: [SimpleNamespace(name=f"p{number}") for number in range(count)],
        environments=lambda *, project: [(f"env-{project}", "")],
        activity=lambda: iter(()),
        **dict.fromkeys(("users", "syncs", "groups", "service_accounts", "roles"), list),
    )
    monkeypatch.setattr(doppler, "Doppler", lambda source: workplace)

    found = doppler.check(source=None, at=None)

    assert len(found.offers) == doppler.PROJECTS_AT_MOST
    assert f"{count} projects" in found.words
    assert ("others: manage.py connect doppler" in found.words) is left_out


@pytest.mark.parametrize(("seen", "lacks"), [(True, ()), (False, ("Zone Read",))])
def test_the_domains_of_cloudflare_are_asked_for_once(monkeypatch, seen, lacks):
    asked = []

    def zones():
        asked.append("zones")
        if not seen:
            raise Forbidden("no")
        yield {"id": "z1", "name": "northwind.example"}

    def records(*, zone):
        asked.append(zone)
        return iter(())

    names = ("audit_v1", "applications", "groups", "service_tokens")
    account = SimpleNamespace(
        token_state=lambda: SimpleNamespace(status="active", expires_at=None),
        zones=lambda: (SimpleNamespace(text=row.get) for row in zones()),
        records=records,
        **dict.fromkeys(names, lambda **given: iter(())),
    )
    monkeypatch.setattr(cloudflare, "Cloudflare", lambda source: account)

    found = cloudflare.check(source=None, at=datetime(2026, 3, 2, tzinfo=UTC))

    assert (found.works, found.missing) == (True, lacks)
    assert asked == (["zones", "z1"] if seen else ["zones"])
    assert found.offers == (("northwind.example",) if seen else ())

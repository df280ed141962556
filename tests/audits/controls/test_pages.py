"""The coverage page: every clause with its control, its last result and its owner; running the controls, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audits.controls.catalogue import CONTROLS
from audits.controls.models import ControlRun
from audits.controls.result import Window
from audits.controls.running import latest_run, run_controls
from audits.controls.tasks import run_controls_daily
from audits.controls.views import address_of, row_of
from changes.exceptions.actions import Found, open_exception
from portal.ledger.models import LedgerBody
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from tests.changes.outcomes.world import repository
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def architect():
    return person("Dev")


def pushed(at):
    found = Found("direct_push", "prod:46997f831f28", f"push {at}", "A commit went past every pull request.", at, True)
    return open_exception(repository=repository(), found=found, at=at)


def test_a_run_keeps_what_every_check_found_with_its_entry_in_the_ledger():
    record = pushed(AT)

    run = run_controls(window=Window(AT - DAY, AT + DAY), by=architect(), at=AT + 2 * DAY)

    checked = [control.id for control in CONTROLS.values() if control.check]
    assert sorted(run.results) == sorted(checked)
    found = run.results["C-02"]
    assert (found["outcome"], found["deviations"]) == (
        "deviations",
        [{"subject": str(record), "sentence": record.sentence, "ref": f"exception:{record.pk}"}],
    )
    body = LedgerBody.objects.get(leaf__kind="controls.run")
    assert f"deviations, {found['population']}" in body.payload
    assert latest_run() == run


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (AT, AT, "ends before it begins"),
        (AT - DAY, AT + DAY, "in the future"),
        (AT - 400 * DAY, AT, "longer than a year"),
    ],
)
def test_a_period_that_cannot_be_looked_at_is_refused(since, until, words):
    with pytest.raises(Refused, match=words):
        run_controls(window=Window(since, until), by=None, at=AT)
    assert not ControlRun.objects.exists()


def test_an_engineer_runs_no_controls():
    with pytest.raises(Refused, match="may not run"):
        run_controls(window=Window(AT - DAY, AT), by=person("Ann"), at=AT)


def test_the_portal_runs_them_by_itself():
    run_controls_daily()

    run = latest_run()
    assert run is not None
    assert (run.started_by, run.until - run.since) == (None, timedelta(days=90))
    assert str(run).startswith("Controls of ")


def test_before_the_first_run_the_page_says_so_and_shows_what_has_no_test(client):
    sign_in(client, architect())

    page = client.get("/controls/").content.decode()

    assert "The controls have not run yet" in page
    assert page.count("Not run yet") == sum(bool(control.check) for control in CONTROLS.values()) + 1
    assert page.count("No test") == sum(not control.check for control in CONTROLS.values()) + 1


def test_running_them_shows_deviations_with_their_rows_and_what_never_operated(client):
    record = pushed(timezone.now() - DAY)
    sign_in(client, architect())

    page = client.post("/controls/run/", {"days": "30"}, follow=True).content.decode()

    assert "The controls were run." in page
    assert f'href="/exceptions/{record.pk}/"' in page
    assert "Never operated" in page
    assert "by Dev" in page


def test_a_period_that_is_none_of_the_choices_is_named_and_nothing_is_run(client):
    sign_in(client, architect())

    answer = client.post("/controls/run/", {"days": "7000"})

    assert answer.status_code == 422
    assert "7000 is not one of the available choices" in answer.content.decode()
    assert not ControlRun.objects.exists()


@pytest.mark.parametrize("role", ["engineer", "auditor"])
def test_the_page_is_for_those_who_oversee(client, role):
    sign_in(client, person("Ann", role))

    assert client.get("/controls/").status_code == 403
    assert client.post("/controls/run/", {"days": "30"}).status_code == 403


def test_a_long_list_of_deviations_says_how_many_more_there_are():
    many = [{"subject": f"CHG-{n}", "sentence": "No.", "ref": f"change:{n}"} for n in range(60)]
    run = ControlRun(results={"C-26": {"population": 70, "outcome": "deviations", "deviations": many}})

    row = row_of(CONTROLS[Clause.COMPLIANCE], run)

    assert (row.count, len(row.deviations), row.more) == (60, 50, 10)
    assert row_of(CONTROLS[Clause.REVIEWED], run).outcome == "not_run"


def test_only_rows_with_a_page_have_an_address():
    assert [address_of(ref) for ref in ("change:1001", "meeting:3", "policy:2", "repository:northwind/web", "change:")] == [
        "/changes/1001/",
        "/meetings/3/",
        "/policy/v/2/",
        "",
        "",
    ]


def test_every_control_has_an_owner_with_a_name():
    assert all(control.owner.label for control in CONTROLS.values())

"""The pages of the controls: failing first, each with its rows; running them, what is refused, and what auditors see of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from audits.controls import daily
from audits.controls.catalogue import CONTROLS
from audits.controls.daily import run_daily, run_for_engagements
from audits.controls.models import ControlFinding, ControlRun
from audits.controls.queries import (
    WEEK,
    health,
    latest_run,
    monday_of,
    ran_daily_since,
    weeks_to_run,
    whole_weeks,
    would_read_more,
)
from audits.controls.result import Window
from audits.controls.running import run_controls
from audits.controls.showing import address_of, failures, health_of
from audits.controls.tasks import RUNNING, run_controls_daily, run_controls_for_engagements
from audits.controls.views import line_of
from audits.engagements.actions import confirm_engagement
from audits.jobs.tasks import do_jobs
from changes.delivery.models import Repository
from changes.exceptions.actions import Found, open_exception
from portal.access.models import User
from portal.home.inbox import items_for
from portal.ledger.models import LedgerBody
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from tests.audits.engagements.opened import admitted, prepared
from tests.changes.outcomes.world import pull
from tests.changes.people import person, sign_in
from tests.database import lifted
from tests.portal.ledger.conftest import connected

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def unreviewed(number, at, repo="acme/web"):
    """A pull request that was merged at a moment without a review, and the exception about it."""
    row = pull(number, merge=f"{number % 10}", at=at, repo=repo)
    Repository.objects.filter(name=repo).update(in_scope_from=AT - DAY, mirrored_at=at)
    found = Found("no_review", f"#{number}", f"{row.key}:no_review", f"Nobody reviewed #{number}.", at, True)
    return open_exception(repository=row.repository, found=found, at=at)


def test_a_run_keeps_numbers_digests_and_every_row_that_did_not_pass_with_its_entry_in_the_ledger():
    record = unreviewed(1, AT)

    run = run_controls(window=Window(AT - DAY, AT + DAY), by=person("Dev"), at=AT + 2 * DAY)

    assert sorted(run.results) == sorted(control.id for control in CONTROLS.values() if control.check)
    found = run.results["C-03"]
    assert (found["outcome"], found["population"], found["deviations"], found["unknown"]) == ("deviations", 1, 1, 0)
    finding = ControlFinding.objects.get(run=run, control="C-03")
    assert (finding.position, finding.key, finding.state) == (1, "acme/web#1", "deviates")
    assert record.sentence in finding.line
    assert "deviations, 1" in LedgerBody.objects.get(leaf__kind="controls.run").payload
    assert latest_run() == run


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (AT, AT, "ends before it begins"),
        (AT - DAY, AT + DAY, "in the future"),
    ],
)
def test_a_period_that_cannot_be_looked_at_is_refused(since, until, words):
    with pytest.raises(Refused, match=words):
        run_controls(window=Window(since, until), by=None, at=AT)
    with pytest.raises(Refused, match="may not run"):
        run_controls(window=Window(AT - DAY, AT), by=person("Ann"), at=AT)
    assert not ControlRun.objects.exists()


def test_the_portal_runs_the_quarter_each_week_that_is_over_and_each_engagement():
    unreviewed(1, AT)
    at = monday_of(AT) + 3 * WEEK + DAY

    run_daily(at=at)
    run_daily(at=at + DAY)

    assert whole_weeks(at=at) == [monday_of(AT) - WEEK, *(monday_of(AT) + n * WEEK for n in range(3))]
    weeks = ControlRun.objects.filter(purpose="week").order_by("since", "id")
    assert [run.since for run in weeks] == [whole_weeks(at=at)[n] for n in (0, 1, 2, 3, 3)], "the newest is looked at again"
    shown = health(at=at)["C-03"]
    assert [week.outcome for week in shown] == ["never_operated", "deviations", "never_operated", "never_operated"]
    assert [(one.control.id, one.words) for one in failures({"C-03": shown})] == [("C-03", "1 of 1 deviate")]
    drawn = health_of(CONTROLS[Clause.REVIEWED], shown)
    assert drawn.sentence == "C-03: 0 of 4 weeks passed, 1 did not, nothing to look at in 3"
    assert drawn.drawing.count("t-bad") == drawn.drawing.count("t-cross") == 1
    assert drawn.drawing.count("t-idle") == 3

    run_controls_daily()
    run_controls_daily()
    run_controls_for_engagements()
    assert latest_run().purpose == "daily"
    assert ControlRun.objects.filter(purpose="daily").count() == 3, "once a day, however often it is asked"
    assert not ControlRun.objects.filter(purpose="engagement").exists()


def test_what_could_not_be_read_is_looked_at_again_once_it_was_read():
    at = monday_of(AT) + 4 * WEEK + DAY
    Repository.objects.create(name="acme/web", in_scope_from=AT)
    run_daily(at=at)
    daily = latest_run()
    monday = whole_weeks(at=at)[0]

    def outcomes():
        runs = ControlRun.objects.filter(purpose="week", since=monday).order_by("id")
        return [run.results["C-16"]["outcome"] for run in runs]

    assert (daily.results["C-02"]["outcome"], outcomes()) == ("unknown", ["deviations"])
    assert not would_read_more(daily)
    assert ran_daily_since(at - DAY)
    assert monday not in weeks_to_run(at=at)

    Repository.objects.update(mirrored_at=monday + WEEK)
    assert would_read_more(ControlRun.objects.filter(purpose="week", since=monday).get())
    assert monday in weeks_to_run(at=at)
    assert ran_daily_since(at - DAY), "up to the end of its window it has not been read"
    Repository.objects.update(mirrored_at=at)
    assert not ran_daily_since(at - DAY)
    run_daily(at=at + DAY)
    assert outcomes() == ["deviations", "passed"]
    assert ran_daily_since(at)


def test_the_page_says_what_did_not_run_and_what_failed_first_and_leads_to_every_row(client):
    sign_in(client, person("Dev"))
    page = client.get("/controls/").content.decode()
    assert "The controls have not run yet" in page
    assert page.count("Not run yet") == sum(bool(control.check) for control in CONTROLS.values()) + 1

    now = timezone.now()
    records = [unreviewed(number, now - DAY) for number in range(1, 61)]
    day = now.date()
    page = client.post("/controls/run/", {"since": day - 9 * DAY, "until": day}, follow=True).content.decode()
    assert ("The controls are being run." in page, "Waiting for a worker: 0 of" in page) == (True, True)
    do_jobs()
    page = client.get("/controls/").content.decode()
    assert page.index("C-03 Somebody else") < page.index("C-20 Authorised") < page.index("C-31 Policy")
    run = latest_run()
    assert (run.since.date(), run.until.date(), run.started_by.name) == (day - 9 * DAY, day, "Dev")

    page = client.get(f"/controls/C-03/?run={run.pk}").content.decode()
    assert "1–50 of 60" in page
    assert f'href="/exceptions/{records[0].pk}/"' in page
    page = client.get(f"/controls/C-03/?run={run.pk}&from=51").content.decode()
    assert "51–60 of 60" in page
    assert f'href="/exceptions/{records[-1].pk}/"' in page
    page = client.get(f"/controls/C-03/rows/?run={run.pk}").content.decode()
    assert "they give the same digest" in page
    assert "60 of 60 deviate" in page
    unreviewed(99, now - DAY)
    assert "another digest than the run kept" in client.get(f"/controls/C-03/rows/?run={run.pk}").content.decode()
    assert client.get("/controls/C-99/").status_code == 404
    assert client.get("/controls/C-03/?run=0").status_code == 404
    assert client.get("/controls/C-03/?run=x").status_code == 404


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (0, -3, "ends before it begins"),
        (-3, 4, "in the future"),
        (None, 0, "This field is required"),
    ],
)
def test_a_wrong_period_is_named_on_both_forms_and_nothing_is_run(client, since, until, words):
    sign_in(client, person("Dev"))
    day = timezone.now().date()
    typed = {"since": day + since * DAY if since is not None else "", "until": day + until * DAY}

    answers = [client.post("/controls/run/", typed), client.get("/controls/C-03/rows/", typed)]

    for answer in answers:
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not ControlRun.objects.exists()


def test_a_run_may_be_over_any_window_and_what_is_read_while_one_waits_over_a_year(client):
    sign_in(client, person("Dev"))
    typed = {"since": (day := timezone.now().date()) - 900 * DAY, "until": day - DAY}

    answer = client.get("/controls/C-03/rows/", typed)
    assert (answer.status_code, "longer than a year" in answer.content.decode()) == (422, True)
    assert client.post("/controls/run/", typed).status_code == 302
    do_jobs()
    assert (latest_run().until - latest_run().since).days == 900


def test_engineers_do_not_see_the_controls_and_auditors_do_not_run_them(client):
    sign_in(client, person("Ann"))
    assert [client.get(path).status_code for path in ("/controls/", "/controls/C-03/", "/controls/C-03/rows/")] == [403] * 3
    assert client.post("/controls/run/", {}).status_code == 403
    assert client.get("/insights/").status_code == 200
    uma, _ = admitted()
    client.force_login(uma)
    assert client.post("/controls/run/", {}).status_code == 403


def test_an_auditor_sees_the_runs_and_the_rows_of_the_engagement_alone():
    now = timezone.now()
    unreviewed(1, now - DAY)
    unreviewed(2, now - DAY, repo="acme/secret")
    everything = run_controls(window=Window(now - 9 * DAY, now), by=None, at=now)
    uma, engagement = admitted(repositories=["acme/web"], criteria=["CC8.1", "CC6.1"])
    client = Client()
    client.force_login(uma)

    assert "The first run comes within a minute" in client.get("/controls/").content.decode()
    assert run_for_engagements(at=timezone.now()) == 1
    assert run_for_engagements(at=timezone.now()) == 0, "once a day"

    run = latest_run(engagement)
    assert (run.repositories, run.results["C-03"]["population"]) == (["acme/web"], 1)
    assert everything.results["C-03"]["population"] == 2
    assert client.get(f"/controls/C-03/?run={everything.pk}").status_code == 404
    pages = [client.get(path).content.decode() for path in ("/controls/", "/controls/C-03/", "/controls/C-03/rows/", "/insights/")]
    assert "acme/web#1" in pages[1]
    assert "acme/web#1" in pages[2]
    assert not any("acme/secret" in page for page in pages)
    assert "Run them now" not in pages[0]
    assert "C-28" not in pages[0]
    assert "C-28" not in run.results
    assert client.get("/controls/C-28/").status_code == 404
    outside = client.get("/controls/C-03/rows/", {"since": "2025-06-01", "until": "2025-07-01"})
    assert (outside.status_code, "does not cover this period" in outside.content.decode()) == (422, True)
    for page in ("/controls/C-31/rows/", "/controls/C-31/"):
        assert "for those who lead the audits" in client.get(page).content.decode()


def test_the_form_over_rows_says_the_period_that_was_read(client):
    now = timezone.now()
    uma, engagement = admitted(window_from=now - 20 * DAY)
    client.force_login(uma)

    form = client.get("/controls/C-03/rows/").context["form"]

    assert form.initial == {"since": engagement.window_from.date(), "until": now.date()}


def opened_for(name, now):
    """A confirmed engagement of an auditor of their own."""
    cleo, mia = (User.objects.filter(name=each).first() or person(each) for each in ("Cleo", "Mia"))
    engagement = prepared(person(name, "auditor"), cleo, name=f"Audit of {name}", window_from=now - 500 * DAY)
    confirm_engagement(engagement=engagement, digest=engagement.digest, by=mia, at=now)
    return engagement


def test_one_engagement_that_cannot_be_run_leaves_the_others_theirs(monkeypatch):
    now = timezone.now()
    first, second = (opened_for(name, now) for name in ("Uma", "Una"))
    run = daily.run_controls
    broken = {first.pk}

    def once(**given):
        if given["engagement"].pk in broken:
            raise RuntimeError("a reader is broken")
        return run(**given)

    monkeypatch.setattr(daily, "run_controls", once)

    assert run_for_engagements(at=now + timedelta(minutes=1)) == 1
    assert list(ControlRun.objects.values_list("engagement", "since")) == [(second.pk, now - 500 * DAY)], "the whole of it"


def test_what_the_daily_run_could_not_read_and_a_run_that_does_not_come_are_alarms():
    dev, ann = person("Dev"), person("Ann")

    def asked(user, at):
        return [(item.title, item.about) for item in items_for(user=user, at=at) if item.href.startswith("/controls/")]

    assert asked(dev, AT) == []
    run_controls(window=Window(AT - DAY, AT), by=None, at=AT, purpose="daily")
    assert asked(dev, AT) == []
    run = run_controls(window=Window(AT - DAY, AT), by=None, at=AT, purpose="daily")
    late = (("The controls did not run", f"Not since {AT:%-d %b %Y %H:%M} UTC"),)
    assert asked(dev, AT + 3 * DAY) == [*late]
    kept = {key: {**one, "outcome": "unknown"} for key, one in run.results.items()}
    with lifted(connection, "audits_controlrun"):
        ControlRun.objects.filter(pk=run.pk).update(results=kept)
    assert asked(dev, AT) == [("A control is unknown", f"{', '.join(sorted(kept)[:3])} and {len(kept) - 3} more")]
    assert asked(ann, AT) == []


def test_the_portal_runs_controls_in_one_worker_at_a_time():
    with connected(autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [RUNNING])
        run_controls_daily()
        run_controls_for_engagements()
        assert not ControlRun.objects.exists()


def test_a_control_that_came_after_the_run_has_not_run():
    assert line_of(CONTROLS[Clause.REVIEWED], ControlRun(results={}), []).outcome == "not_run"


def test_only_rows_with_a_page_have_an_address():
    assert [address_of(ref) for ref in ("change:1001", "meeting:3", "policy:2", "repository:northwind/web", "change:")] == [
        "/changes/1001/",
        "/meetings/3/",
        "/policy/v/2/",
        "",
        "",
    ]

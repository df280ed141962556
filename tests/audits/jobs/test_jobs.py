"""Jobs: asked for, done by a worker as a whole or not at all, given up, begun anew after a death; and the page of one's own."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.controls.models import ControlRun
from audits.controls.result import Window
from audits.controls.running import ask_to_run
from audits.engagements.actions import end_engagement
from audits.engagements.models import Engagement
from audits.jobs import actions
from audits.jobs.models import Job, JobCancel
from audits.jobs.news import job_news
from audits.jobs.tasks import do_jobs
from audits.jobs.working import work_on_jobs
from audits.populations import actions as freezing
from audits.populations import compared_later, comparing, lines
from audits.populations.compared_later import ask_to_compare
from audits.populations.models import Population, PopulationRow, SecondReading
from portal.ledger.models import LedgerLeaf
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import YEAR, admitted
from tests.changes.people import who

HOUR = timedelta(hours=1)


@pytest.fixture
def large(monkeypatch):
    """Every population is large, and a worker says after each row how far it is."""
    monkeypatch.setattr(freezing, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(compared_later, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(lines, "TOLD_EVERY", 1)


def asked(engagement, by, at, kind="roles"):
    return freezing.ask_to_freeze(wish=freezing.Wish(engagement, kind, YEAR[0], at), by=by, at=at)


def kinds(job):
    return list(LedgerLeaf.objects.filter(stream=f"job:{job.pk}").order_by("stream_seq").values_list("kind", flat=True))


@pytest.mark.django_db
def test_large_population_is_frozen_by_a_worker_as_a_whole_with_progress_and_a_small_one_at_once(monkeypatch):
    uma, engagement = admitted()
    at = timezone.now()
    at_once = asked(engagement, uma, at)
    assert isinstance(at_once, Population)
    monkeypatch.setattr(freezing, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(lines, "TOLD_EVERY", 1)

    job = asked(engagement, uma, at)

    assert (job.state, job.total, kinds(job), Population.objects.count()) == ("waiting", 3, ["job.asked"], 1)
    said, hold = [], actions.hold
    monkeypatch.setattr(actions, "hold", lambda **rest: said.append((rest["done"], rest["step"])) or hold(**rest))
    assert work_on_jobs(now=timezone.now) == 1
    job.refresh_from_db()
    frozen = Population.objects.get(number=2)
    assert said == [(1, "Reading rows"), (2, "Reading rows"), (3, "Reading rows"), (3, "Completeness")]
    assert (job.state, job.done, job.result, kinds(job)[-1]) == ("done", 3, f"/audits/{engagement.pk}/populations/2/", "job.done")
    assert (frozen.digest, frozen.count, frozen.frozen_by) == (at_once.digest, frozen.rows.count(), uma)
    [news] = job_news(entries_about(stream=f"job:{job.pk}", limit=1)[0], [])
    assert (news.title, news.href) == ("Done: Population of Annual audit: roles over time", job.result) or news.href == job.result
    for _ in range(actions.MOST_WAITING):
        asked(engagement, uma, at)
    with pytest.raises(Refused, match="under way already"):
        asked(engagement, uma, at)


@pytest.mark.django_db
def test_worker_that_dies_half_way_leaves_nothing_and_the_next_one_begins_anew(large, monkeypatch):
    uma, engagement = admitted()
    at = timezone.now()
    job = asked(engagement, uma, at)

    class Killed(BaseException):
        pass

    def half(self, *, population):
        PopulationRow.objects.create(population_id=population, position=1, key="x", line="{}")
        raise Killed

    for attempt in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(lines.Lines, "copy_into", half)
            with pytest.raises(Killed):
                work_on_jobs(now=lambda moment=at + attempt * HOUR: moment)
        job.refresh_from_db()
        assert (job.state, job.attempt, Population.objects.count(), PopulationRow.objects.count()) == ("waiting", attempt, 0, 0)
        assert work_on_jobs(now=lambda moment=at + attempt * HOUR: moment) == 0
    late = actions.claim(at=at + 3 * HOUR)
    assert late.attempt == 3

    # A fourth is not begun; what a worker that lost its job says is not heard.
    assert actions.claim(at=at + 4 * HOUR) is None
    job.refresh_from_db()
    assert (job.state, job.trouble) == ("failed", "3 workers began, and none came to the end.")
    with pytest.raises(actions.Lost):
        actions.hold(job=late, at=at, done=1)
    with pytest.raises(actions.Lost):
        actions.finish(job=late, result="/", at=at)
    actions.fail(job=late, why="late", at=at)
    assert Job.objects.get(pk=job.pk).trouble == job.trouble
    [news] = job_news(entries_about(stream=f"job:{job.pk}", limit=1)[0], [])
    assert (news.title[:9], news.href, list(news.people)) == ("Not done:", "/exports/", [uma.pk])


@pytest.mark.django_db
def test_job_is_given_up_while_a_worker_is_at_it_and_refused_when_the_audit_is_over(large, monkeypatch):
    uma, engagement = admitted()
    at, mia = timezone.now(), who("Mia")
    job = asked(engagement, uma, at)
    with pytest.raises(Refused, match="Somebody else asked"):
        actions.cancel(job=job, by=who("Ann"), at=at)
    hold = actions.hold

    def given_up(**rest):
        hold(**rest)
        if rest["done"] == 2:
            actions.cancel(job=job, by=mia, at=at)

    with monkeypatch.context() as patch:
        patch.setattr(actions, "hold", given_up)
        work_on_jobs(now=timezone.now)

    assert Population.objects.count() == 0
    with pytest.raises(Stale, match="cancelled this already"):
        actions.cancel(job=job, by=uma, at=at)
    job.refresh_from_db()
    assert (job.state, kinds(job)) == ("cancelled", ["job.asked", "job.given_up", "job.cancelled"])
    with pytest.raises(Stale, match="it is cancelled"):
        actions.cancel(job=job, by=uma, at=at)

    second = asked(engagement, uma, at)
    end_engagement(engagement=engagement, by=mia, at=timezone.now())
    work_on_jobs(now=timezone.now)
    second.refresh_from_db()
    assert (second.state, second.trouble[:27]) == ("failed", "This audit is not open. Not")


@pytest.mark.django_db
def test_run_of_the_controls_is_a_job_that_is_kept_as_a_whole(monkeypatch):
    _, _ = admitted()
    at, mia = timezone.now(), who("Mia")
    with pytest.raises(Refused, match="may not run"):
        ask_to_run(window=Window(at - HOUR, at), by=who("Ann"), at=at)
    job = ask_to_run(window=Window(at - HOUR, at), by=mia, at=at)
    steps, hold = [], actions.hold

    def holding(**rest):
        hold(**rest)
        steps.append(rest["step"])

    monkeypatch.setattr(actions, "hold", holding)
    do_jobs()

    job.refresh_from_db()
    run = ControlRun.objects.get()
    assert (job.state, job.result, run.started_by, run.purpose) == ("done", f"/controls/?run={run.pk}", mia, "asked")
    assert (job.total, len(steps), steps[0][:4]) == (len(run.results), len(run.results), "C-01")
    assert run.pieces.count() == 0


@pytest.mark.django_db(transaction=True)
def test_large_population_is_read_again_by_a_worker_with_progress_cancel_and_a_page_that_stays(large, monkeypatch):
    uma, engagement = admitted()
    mia, ann, at = who("Mia"), who("Ann"), timezone.now()
    population = freezing.freeze(wish=freezing.Wish(engagement, "roles", YEAR[0], at), by=uma, at=at)
    monkeypatch.setattr(comparing, "TOLD_EVERY", 1)
    auditor, overseer = Client(), Client()
    auditor.force_login(uma)
    overseer.force_login(mia)
    page, send = (reverse(name, args=[engagement.pk, 1]) for name in ("compare-population", "compare-later"))

    # A page that only reads offers it; whoever reads in the audit may ask, in it, and one at a time.
    assert "Nobody has read it again yet" in auditor.get(page).content.decode()
    assert not Job.objects.exists()
    with pytest.raises(Refused, match="Ann does not read in this audit"):
        ask_to_compare(population=population, rows=4, by=ann, at=at)
    assert (auditor.post(send).status_code, overseer.post(send).status_code) == (302, 409)
    job = Job.objects.get()
    assert (job.kind, job.title, job.total) == ("comparison", "Population 1 of Annual audit, read again", 4)
    assert "Waiting for a worker: 0 of 4" in (told := auditor.get(page).content.decode())
    assert (f'action="/exports/jobs/{job.pk}/cancel/"' in told, f'action="{send}"' in told) == (True, False)
    assert auditor.post(reverse("cancel-job", args=[job.pk])).status_code == 302
    do_jobs()
    assert (Job.objects.get().state, SecondReading.objects.exists()) == ("cancelled", False)

    said, hold = [], actions.hold
    monkeypatch.setattr(actions, "hold", lambda **rest: said.append((rest["done"], rest["step"])) or hold(**rest))
    assert overseer.post(send).status_code == 302
    PopulationRow.objects.create(population=population, position=5, key="gone", line='{"key":"gone"}')
    do_jobs()

    assert said == [(number, "Reading rows again") for number in (1, 2, 3, 4)]
    kept, done = SecondReading.objects.get(), Job.objects.get(state="done")
    assert str(kept) == "Population 1: roles, read again"
    assert done.result == reverse("second-reading", args=[engagement.pk, 1, kept.pk])
    shown = auditor.get(done.result).content.decode()
    assert ("Something is different now" in shown, "gone" in shown, "asked" in shown) == (True, True, True)
    assert f'href="{done.result}"' in auditor.get(page).content.decode()
    [entry] = entries_about(stream=f"engagement:{engagement.pk}", limit=1)
    assert entry.kind == "population.read_again"
    assert {name: entry.fact[name] for name in ("equal", "missing", "added")} == {"equal": 4, "missing": 1, "added": 0}
    assert auditor.get(reverse("second-reading", args=[engagement.pk, 1, kept.pk + 1])).status_code == 404
    end_engagement(engagement=engagement, by=mia, at=timezone.now())
    with pytest.raises(Refused, match="Uma does not read in this audit"):
        ask_to_compare(population=population, rows=4, by=uma, at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_auditor_freezes_in_the_background_and_finds_everything_asked_for_under_exports(large):
    uma, engagement = admitted()
    client, mia = Client(), Client()
    client.force_login(uma)
    mia.force_login(who("Mia"))
    list_page, wish = reverse("audit-populations", args=[engagement.pk]), {"kind": "roles", "since": "2026-01-01"}

    sent = client.post(reverse("freeze-population", args=[engagement.pk]), {**wish, "until": timezone.now().date().isoformat()})

    assert (sent.status_code, sent.url) == (302, list_page)
    job = Job.objects.get()
    assert (job.engagement, job.asked_by) == (engagement, uma)
    asking = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "jobs"}
    assert "Waiting for a worker: 0 of 3" in client.get(list_page).content.decode()
    assert client.get(list_page, **asking).content.decode().startswith("<ul>")
    page = client.get("/exports/").content.decode()
    assert ("Under way" in page, f'action="/exports/jobs/{job.pk}/cancel/"' in page) == (True, True)
    part = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "exports"}
    assert client.get("/exports/", **part).content.decode().startswith("<ul>")
    assert " left" not in page
    Job.objects.update(began_at=timezone.now() - timedelta(minutes=2), moved_at=timezone.now(), done=1)
    for looked in (list_page, "/exports/"):
        assert "1 of 3, about 4 minutes left." in client.get(looked).content.decode()
    Job.objects.update(began_at=None, moved_at=None, done=0)
    do_jobs()
    job.refresh_from_db()
    assert None not in (job.began_at, job.moved_at)
    assert client.get(list_page, **asking).headers["HX-Refresh"] == "true"
    assert client.get("/exports/", **part).headers["HX-Refresh"] == "true"
    page = client.get("/exports/").content.decode()
    assert f'href="/audits/{engagement.pk}/populations/1/"' in page
    assert "You asked for nothing yet" in mia.get("/exports/").content.decode()

    # One of another audit is not theirs to see; their own they give up.
    other = actions.ask(kind="controls", title="Other", asked={}, total=1, by=who("Mia"), at=timezone.now())
    assert client.post(reverse("cancel-job", args=[other.pk])).status_code == 404
    asked(Engagement.objects.get(), uma, timezone.now())
    own = Job.objects.get(state="waiting", asked_by=uma)
    assert client.post(reverse("cancel-job", args=[own.pk])).status_code == 302
    assert "Cancelled" in client.get("/exports/").content.decode()


@pytest.mark.django_db
def test_what_ended_while_somebody_cancelled_it_is_not_cancelled(large):
    uma, engagement = admitted()
    seen = asked(engagement, uma, timezone.now())
    assert work_on_jobs(now=timezone.now) == 1

    with pytest.raises(Stale, match="it is done"):
        actions.cancel(job=seen, by=uma, at=timezone.now())

    assert (JobCancel.objects.count(), kinds(seen)) == (0, ["job.asked", "job.done"])

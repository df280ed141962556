"""The check run at the forge: one on each head, about every change on it, and on the heads of merge queues; always the newest."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now

from changes.connectors.github.check_run import deliver_check_run
from changes.connectors.models import Source
from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.gates import publishing
from changes.gates.actions import reassess
from changes.proposals import actions as proposals
from changes.proposals.models import Change
from portal import vault
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from tests.changes.desk.calendars import WEB, proposed
from tests.changes.people import person
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
pytestmark = pytest.mark.django_db(transaction=True)
HEAD, QUEUE = "d" * 40, "e" * 40


@pytest.fixture
def at():
    return now()


@pytest.fixture
def repository(at):
    return Repository.objects.create(name=WEB, in_scope_from=at)


@pytest.fixture
def ann():
    return person("Ann")


def opened(repository, at, number=18, base="prod", head=HEAD):
    return PullRequest.objects.create(
        repository=repository,
        number=number,
        title="Promote",
        state="open",
        head_ref="main",
        head_sha=head,
        base_ref=base,
        reported_at=at,
        touched_at=at,
    )


def carried(change, row, at, tone="ok", **states):
    """Put the change on the pull request, with gates as if they had been judged so."""
    role = "promotion" if row.base_ref == "prod" else "work"
    proposals.link(change=change, pull_request=row, role=role, reason="carried", actor="portal", at=at)
    gates = [
        {"number": number, "code": code, "name": code.title(), "state": states.get(code, "met"), "reason": f"About {code}."}
        for number, code in enumerate(("pull_request", "review", "ci"), start=3)
    ]
    kept = {"tone": tone, "headline": f"Said {tone}.", "sentence": "Because.", "gates": gates}
    Change.objects.filter(pk=change.pk).update(assessment=kept)
    return Change.objects.get(pk=change.pk)


@transaction.atomic
def asked(change, at):
    publishing.publish(change=change, at=at)
    return [effect.payload for effect in Effect.objects.filter(kind="github.check_run", state="waiting").order_by("id")]


def shown(run):
    return {name: run[name] for name in ("head_sha", "external_id", "status", "conclusion", "title")}


def test_a_ready_change_passes_and_an_unready_one_waits(repository, ann, at):
    change = carried(proposed(ann, at), opened(repository, at), at)

    (run,) = asked(change, at)
    assert shown(run) == {
        "head_sha": HEAD,
        "external_id": "CHG-1001",
        "status": "completed",
        "conclusion": "success",
        "title": "Said ok.",
    }
    assert run["summary"].startswith("Because.\n\n| | Gate | State | Why |")
    assert run["details_url"].endswith("/changes/1001/")
    Change.objects.update(assessment={**change.assessment, "tone": "warn"})
    (run,) = asked(Change.objects.get(), at + timedelta(seconds=1))
    assert (run["status"], run["conclusion"]) == ("in_progress", "")


def test_one_unready_change_holds_the_whole_promotion(repository, ann, at):
    row = opened(repository, at)
    first = carried(proposed(ann, at), row, at)
    second = carried(proposed(ann, at, "Another"), row, at, tone="warn")

    (run,) = asked(first, at)

    assert shown(run) == {
        "head_sha": HEAD,
        "external_id": "CHG-1001",
        "status": "in_progress",
        "conclusion": "",
        "title": "1 of 2 changes not ready.",
    }
    assert run["details_url"].endswith("/changes/1002/")
    assert "/changes/1001/) Said ok. Because." in run["summary"]
    assert "/changes/1002/) Said warn. Because." in run["summary"]
    Change.objects.filter(pk=second.pk).update(assessment={**second.assessment, "tone": "ok"})
    (run,) = asked(second, at + timedelta(seconds=1))
    assert (run["conclusion"], run["title"]) == ("success", "All 2 changes are ready.")


@pytest.mark.parametrize(("states", "ready"), [({}, True), ({"ci": "not_needed"}, True), ({"review": "waiting"}, False)])
def test_what_goes_into_main_needs_pull_request_review_and_ci_alone(repository, ann, at, states, ready):
    change = carried(proposed(ann, at), opened(repository, at, base="main"), at, tone="warn", **states)

    (run,) = asked(change, at)

    assert (run["conclusion"], run["title"]) == (("success", "Ready for main.") if ready else ("", "Not ready for main."))


def test_the_head_of_a_queue_carries_the_check_of_all_that_it_tries(repository, ann, at):
    first = carried(proposed(ann, at), opened(repository, at), at)
    other = opened(repository, at, number=19, head="c" * 40)
    carried(proposed(ann, at, "Another"), other, at, tone="warn")
    group = MergeGroup.objects.create(
        repository=repository,
        head_sha=QUEUE,
        head_ref="gh-readonly-queue/prod/pr-19-x",
        base_ref="prod",
        numbers=[18, 19],
        reported_at=at,
    )

    runs = {run["head_sha"]: run["title"] for run in asked(first, at)}

    assert runs == {HEAD: "Said ok.", QUEUE: "1 of 2 changes not ready."}
    MergeGroup.objects.filter(pk=group.pk).update(state="gone")
    Effect.objects.all().delete()
    assert [run["head_sha"] for run in asked(first, at + timedelta(seconds=1))] == [HEAD]


def test_nothing_is_said_before_anything_was_judged(repository, ann, at):
    change, row = proposed(ann, at), opened(repository, at)
    proposals.link(change=change, pull_request=row, role="promotion", reason="carried", actor="portal", at=at)
    Change.objects.update(assessment=None)

    assert asked(Change.objects.get(), at) == []


def test_a_new_head_gets_its_check_though_the_gates_say_the_same(repository, ann, at):
    change, row = proposed(ann, at), opened(repository, at, base="main")
    proposals.link(change=change, pull_request=row, role="work", reason="carried", actor="portal", at=at)
    reassess(change=Change.objects.get(), at=at)
    before = Effect.objects.filter(kind="github.check_run").count()
    reassess(change=Change.objects.get(), at=at)
    assert Effect.objects.filter(kind="github.check_run").count() == before

    PullRequest.objects.update(head_sha="b" * 40)
    reassess(change=Change.objects.get(), at=at + timedelta(seconds=1))

    assert Effect.objects.filter(kind="github.check_run").latest("id").payload["head_sha"] == "b" * 40


@pytest.fixture
def source(northwind, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    return Source.objects.create(
        name="github", kind="github", api_url=northwind.api_url, token_encrypted=vault.seal(northwind.token()), connected_at=now()
    )


def test_what_is_delivered_is_the_newest_judgement_not_that_of_the_asking(northwind, source, ann, at):
    web = "northwind/web"
    sha = northwind.git(web).tip("refs/heads/main")
    repository = Repository.objects.create(name=web, in_scope_from=at)
    change = carried(proposed(ann, at, repositories=(web,)), opened(repository, at, head=sha), at)
    asked(change, at)
    Change.objects.update(assessment={**change.assessment, "tone": "warn", "headline": "Not ready: 1 gate open."})

    deliver_due(now=lambda: at)

    (run,) = [row for row in northwind.store.all("check_run", place=web, subject=sha) if row["name"] == "Countersign"]
    assert (run["status"], run["output"]["title"]) == ("in_progress", "Not ready: 1 gate open.")


def test_what_is_open_no_longer_is_delivered_as_it_was_asked_for(northwind, source, at):
    web = "northwind/web"
    sha = northwind.git(web).tip("refs/heads/main")
    payload = {"repository": web, "head_sha": sha, "external_id": "CHG-1", "name": "Countersign", "status": "completed"}
    payload |= {"conclusion": "success", "title": "Ready.", "summary": "", "details_url": "http://127.0.0.1/changes/1/"}

    assert deliver_check_run(payload)["published"]

"""Reviews of deployments at GitHub: by delivery, by the list of a run, and on the pages. Over the stand-in, and as recorded."""

import json
from dataclasses import replace

import pytest
from django.urls import reverse
from django.utils.timezone import now

from changes.connectors.github.payloads import parse
from changes.connectors.models import Delivery, Reading
from changes.delivery.deploy_review_models import DeploymentReview
from changes.delivery.deploy_reviews import confirm_reviews, record_review, reviews_of
from changes.delivery.facts import DeploymentReviewReported
from changes.delivery.models import Release, Repository
from changes.desk.happening import from_reviews
from tests.changes.connectors.github import made, vendor_data
from tests.changes.connectors.github.test_teams import portal
from tests.changes.people import person, sign_in
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind", "portal"]
RUN = {"id": 77, "run_attempt": 2, "head_sha": made.HEAD}


def rows():
    found = DeploymentReview.objects.order_by("id")
    return [(row.state, row.login, row.environment, row.attempt, row.comment, row.confirmed_at is not None) for row in found]


def read(portal):
    portal.read()
    assert not Reading.objects.filter(done_at=None).exists()


def test_who_let_a_deploy_in_is_kept_confirmed_and_shown_where_it_belongs(portal, northwind, client):
    tip = northwind.tip(WEB, "refs/heads/prod")
    given = {"repository": WEB, "environment": "production", "by": "ann", "sha": tip}
    run = northwind.ask_for_deploy(**given, reviewers=["rex", "bob"])["id"]
    northwind.review_deploy(repository=WEB, run=run, by="rex", state="rejected", comment="Not <b>today</b>")
    northwind.review_deploy(repository=WEB, run=run, by="bob")
    northwind.deploy(**given, run=run)
    northwind.deploy(**given | {"environment": "staging"})
    portal.apply()
    assert rows()[1:] == [
        ("rejected", "rex", "production", 1, "Not <b>today</b>", False),
        ("approved", "bob", "production", 1, "", False),
    ]

    read(portal)

    assert rows() == [
        ("requested", "ann", "production", 1, "", False),
        ("rejected", "rex", "production", 1, "Not <b>today</b>", True),
        ("approved", "bob", "production", 1, "", True),
    ]
    assert set(Delivery.objects.filter(event="deployment_review").values_list("state", "note")) == {("applied", "")}
    production, staging = (Release.objects.get(environment=name) for name in ("production", "staging"))
    said = [(one.who, one.text, one.sub, one.unconfirmed) for one in from_reviews(reviews_of([production, staging]))]
    where = f"the deploy of {tip[:7]} to production at the forge"
    assert said == [
        ("ann", f"asked for a review of {where}", "Asked: rex, bob", False),
        ("rex", f"rejected {where}", "Not <b>today</b>", False),
        ("bob", f"approved {where}", "", False),
    ]
    sign_in(client, person("Mia"))
    page = client.get(reverse("release", args=[production.pk])).content.decode()
    assert "Approved by bob" in page
    assert "Not &lt;b&gt;today&lt;/b&gt;" in page
    assert "Approved by bob" not in client.get(reverse("release", args=[staging.pk])).content.decode()


def test_a_lost_delivery_is_made_up_for_by_the_run_that_deployed_and_told_once_when_it_comes_late(portal, northwind):
    tip = northwind.tip(WEB, "refs/heads/prod")
    given = {"repository": WEB, "environment": "production", "by": "ann", "sha": tip}
    run = northwind.ask_for_deploy(**given)["id"]
    northwind.review_deploy(repository=WEB, run=run, by="rex", comment="Go")
    late = []
    northwind.post_held(lambda headers, body: late.append((headers, body)) or 202)
    northwind.deploy(**given, run=run)
    portal.apply()
    read(portal)
    assert rows() == [("approved", "rex", "production", 0, "Go", True)]
    assert DeploymentReview.objects.get().commit_sha == tip

    for headers, body in late:
        portal.post(headers, body)
    portal.apply()
    read(portal)

    assert sorted(rows()) == [("approved", "rex", "production", 1, "Go", True), ("requested", "ann", "production", 1, "", False)]


def test_a_run_that_may_not_be_seen_spoils_no_deployment(portal, northwind):
    tip = northwind.tip(WEB, "refs/heads/prod")
    northwind.deploy(repository=WEB, environment="production", by="ann", sha=tip, run=404)
    portal.apply()
    read(portal)

    assert Reading.objects.get(subject__startswith="deployment:").note.endswith("steps, 0 reviews")
    assert Release.objects.get().confirmed_at is not None
    assert rows() == []


def parsed(action, **body):
    whole = {"action": action, "since": "2026-02-10T10:00:00Z", "repository": made.REPOSITORY, "sender": made.SENDER}
    return parse("deployment_review", json.dumps(whole | {"workflow_run": RUN} | body).encode())


def test_each_environment_is_told_once_and_who_is_not_named_sent_it():
    jobs = [{"environment": "staging"}, {"environment": "production"}, {"environment": "staging"}]
    (fact,) = parsed("approved", workflow_job_runs=jobs, comment=None).facts

    assert (fact.run, fact.attempt, fact.environments) == (77, 2, ("staging", "production"))
    assert (fact.uid, fact.login, fact.commit_sha, fact.comment) == (12, "bob-northwind", made.HEAD, "")
    assert parsed("approved", workflow_run=None).note == "It names no run"
    assert parsed("waved_through").note == "deployment_review.action is none that GitHub documents"
    assert parsed("waved_through").kind == "incomplete"


@vendor_data.needed
def test_the_recorded_deliveries_say_who_was_asked_and_for_what():
    (asked,) = parse("deployment_review", json.dumps(vendor_data.recorded("octokit/deployment_review/requested")).encode()).facts
    bare = vendor_data.recorded("derived/deployment_review/approved")
    (approved,) = parse("deployment_review", json.dumps(bare).encode()).facts

    assert (asked.state, asked.login, asked.environments, asked.reviewers) == ("requested", "ilmax", ("TST",), ("team admins",))
    assert (asked.happened_at.isoformat(), asked.run) == ("2023-07-04T09:28:15+00:00", 5453085689)
    assert (approved.state, approved.environments) == ("approved", ()), "the run's list tells which"


@pytest.mark.django_db
def test_a_second_attempt_that_is_approved_again_is_a_second_word_also_of_an_account_that_is_gone():
    repository = Repository.objects.create(name=WEB, in_scope_from=now())
    fact = DeploymentReviewReported(run=7, state="approved", environments=("production",), attempt=1, commit_sha=made.HEAD)
    for attempt in (1, 1, 2):
        record_review(repository=repository, fact=replace(fact, attempt=attempt), at=now())
    listed = [replace(fact, attempt=0, commit_sha="")] * 2
    lost = [replace(listed[0], state="rejected", uid=9)]

    assert confirm_reviews(repository=repository, run=7, commit_sha="", listed=listed + lost, at=now()) == 3

    found = list(DeploymentReview.objects.order_by("id").values_list("attempt", "state", "commit_sha"))
    assert found == [(1, "approved", made.HEAD), (2, "approved", made.HEAD), (0, "rejected", made.HEAD)]
    assert not DeploymentReview.objects.filter(confirmed_at=None).exists()

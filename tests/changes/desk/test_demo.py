"""The demo company, filled through real HTTP: the portal finds exactly what was planted, and a second run changes nothing."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from audits.controls.catalogue import CONTROLS
from audits.controls.queries import latest_run
from audits.controls.result import Window
from audits.engagements.demo import audit
from audits.engagements.models import Engagement
from audits.findings.models import Finding
from changes.delivery.log_models import ReleaseLog
from changes.desk.demo import check, load
from changes.desk.demo.expected import API, WEB, found
from changes.desk.demo.people import PEOPLE
from changes.desk.demo.plot import ROLLBACK_TAKES
from changes.desk.demo.teams import PROPOSAL
from changes.entitlements.mergers.models import MergerList
from changes.entitlements.models import Entitlement
from changes.entitlements.reviews.models import AccessReview
from changes.entitlements.reviews.queries import progress_of
from changes.exceptions.models import EditMatch, RuleMatch
from changes.inventory.models import Asset
from changes.meetings.models import AgendaItem, Meeting
from changes.outcomes.queries import told_once
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Change, Undoing
from changes.training.models import Attempt
from changes.training.queries import members
from portal.access.may import roles_of
from portal.access.models import Identity, RoleGrant, User
from portal.runtime.models import Lease
from portal.standins.client import Remote
from portal.standins.together import StandIns
from tests.audits.controls.independent import COUNTS, differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def standins(tmp_path, settings, live_server):
    settings.DEMO, settings.DEMO_PASSWORD = True, "northwind-demo-2026"
    settings.DATA_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.BASE_URL = live_server.url
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    made = StandIns(tmp_path / "standins")
    made.start()
    yield made
    made.stop()


def let_in():
    """Who came in through something else: a group and a program at Doppler, a team at GitHub, which a change foresaw."""
    held = Entitlement.objects.filter(ended_at=None).values_list("thing__key", "account_name", "right", "through")
    doppler = {row[1:] for row in held if row[0].startswith("doppler.project")}
    assert ("Shop developers", "write", "dev, stg") in doppler
    assert ("bob@northwind.example", "write", "Shop developers (dev, stg)") in doppler
    assert ("Deploys from GitHub", "read", "prd, stg") in doppler, "by a role of the workplace's own"
    teams = sorted(row[1:3] for row in held if row[0].startswith(("github.repository_teams:", "github.team:")))
    assert teams == [("Architects", "read"), ("cleo", "read"), ("dev", "admin"), ("eli", "read")]
    tokens = Asset.objects.filter(kind="doppler.service_account_token", gone_at=None)
    assert [(token.name, list(token.snapshots.get().configuration)) for token in tokens] == [("GitHub Actions", ["expires_at"])]
    matched = [(match.event.subject, match.event.repository.name, match.change.title) for match in RuleMatch.objects.all()]
    assert matched == [("eli", WEB, PROPOSAL["title"])]


def in_order():
    """What the pages on access and inventory show: lists of mergers, owners, linked accounts, a review that is half done."""
    lists = MergerList.objects.filter(confirmed_at__isnull=False, repository__name=WEB).values_list("branch", "people")
    people = {branch: sorted(one["name"] for one in named) for branch, named in lists}
    assert people == {"main": ["Bob Okafor", "Cleo Marsh", "Dev Patel"], "prod": ["Bob Okafor", "Cleo Marsh"]}
    assert MergerList.objects.count() == 6
    linked = Identity.objects.filter(provider__in=("cloudflare", "doppler")).values_list("provider", flat=True)
    assert sorted(linked) == ["cloudflare"] * 2 + ["doppler"] * len(PEOPLE)
    owned = Asset.objects.filter(kind__in=("fly.app", "doppler.config"), environment="production", gone_at=None)
    assert {bool(asset.owner_id) and asset.criticality for asset in owned} == {"high"}
    review = AccessReview.objects.get()
    progress = progress_of(review)
    assert (progress.by_verdict["remove"], progress.by_verdict["keep"] > 5, progress.left > 5) == (1, True, True)
    assert review.closed_at is None
    return progress.done, progress.left, owned.count()


@pytest.mark.long
def test_the_demo_company_is_found_as_it_was_planted(standins):
    said, at_rest = [], []

    def say(words):
        said.append(words)
        at_rest.append(Lease.objects.filter(name="standstill").exists())

    pushed = load(address=standins.vendors.url, now=now(), say=say)

    assert at_rest == [True] * (len(said) - 1) + [False], "no worker begins anything before the week is over"

    assert check(address=standins.vendors.url) == []
    assert len({finding.text.partition(":")[0] for finding in found()}) == 10
    assert [match.event.object_name for match in EditMatch.objects.all()] == ["shop/prd"]
    assert {user.email for user in User.objects.all()} == {person.email for person in PEOPLE}
    assert all(roles_of(User.objects.get(email=person.email)) == {person.role} for person in PEOPLE)
    assert Remote(standins.vendors.url).mark("demo") == "filled"
    assert [(row.admissions.get().person.name, row.confirmed_by.name) for row in Engagement.objects.all()] == [
        ("Uma Reyes", "Mia Lund")
    ]
    assert latest_run().results["C-02"]["outcome"] == "deviations"
    audit(now())
    assert Engagement.objects.count() == 1
    at = now()
    roster = {member.person.name: member for member in members(at=at)}
    assert [name for name, member in roster.items() if member.last is None] == ["Eli Novak"]
    assert all(member.standing.current for member in roster.values())
    assert roster["Eli Novak"].standing.open.due_at > at
    assert sorted(Attempt.objects.filter(passed=False).values_list("person__name", flat=True)) == ["Ann Berg"]
    before = (Change.objects.count(), Approval.objects.count(), RoleGrant.objects.count())

    kept = in_order()
    let_in()
    named = Finding.objects.exclude(control="")
    assert {latest_run().results[row.control]["outcome"] for row in named} == {"deviations"}, "a finding stands under what fails"
    undone = told_once(Undoing.objects.all())
    assert {row.took for row in undone} == {ROLLBACK_TAKES}, "production does not go back in no time"

    again = load(address=standins.vendors.url, now=now() + timedelta(days=1), say=said.append)
    call_command("demo", "check")

    assert again == pushed
    logs = ReleaseLog.objects.select_related("release")
    assert {log.posted_at - log.release.created_at < timedelta(minutes=15) for log in logs} == {True}
    assert not Lease.objects.filter(name="standstill").exists()
    assert (Change.objects.count(), Approval.objects.count(), RoleGrant.objects.count()) == before
    assert in_order() == kept
    states = {(change.repository_names[0], change.title): change.state for change in Change.objects.exclude(repository_names=[])}
    assert [(row.number, row.state) for row in Meeting.objects.order_by("number")[:3]] == [
        (1, "missed"),
        (2, "ended"),
        (3, "planned"),
    ]
    kinds = {row.kind for row in AgendaItem.objects.filter(meeting__number=3)}
    assert "point" in kinds, "what else stands there hangs on the day and hour at which the week is told: what is overdue by then"
    assert states[WEB, "Index the product search"] == State.ROLLED_BACK
    assert states[API, "Run the service without root"] == State.RELEASED
    assert states[API, "Answer in the caller's language"] == State.PROPOSED
    assert {control.id for control in CONTROLS.values() if control.check} == COUNTS.keys()
    assert differences(Window(at - timedelta(days=90), at + timedelta(days=2))) == {}


def test_outside_a_demo_nothing_is_filled(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="no demo portal"):
        call_command("demo")

"""Ways past the rules into prod: the portal declares one emergency for each, asks once, and takes back what is refuted."""

from datetime import timedelta

import pytest

from changes.delivery.models import PullRequest, Push, Repository
from changes.emergencies import actions, asking
from changes.emergencies.bypasses import settle_emergencies
from changes.emergencies.models import Answer, Ask, Emergency, EmergencyCause
from changes.exceptions import actions as exceptions
from changes.exceptions.actions import Found
from changes.exceptions.models import ExceptionRecord
from changes.gates.models import Verdict
from changes.proposals.actions import link
from changes.proposals.models import Approval, Change, LinkedPush
from portal.outbox.models import Effect
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import kinds, proposed, with_pull_request
from tests.changes.connectors.test_stories import ordered
from tests.changes.emergencies.situations import AT, declared, gate, said, web
from tests.changes.people import linked, person
from tests.changes.stories import NOW, Clock, connect, post, read_story, work

pytestmark = pytest.mark.django_db(transaction=True)
MALLORY, BO = 5550002, 143315473


def told(client, name="dev.violations", order="in order"):
    story = read_story(name)
    connect(story)
    for delivery in ordered(story["deliveries"], order):
        post(client, delivery)
    work(Clock())
    return story


def pushed_past(
    sha="a" * 40, *, message="Quick fix", at=AT, login="rex", uid=None, kind="direct_push", branch="prod", paths=("app.py",)
):
    """Somebody pushes straight to a branch, and the detectors find it."""
    repository = web()
    Push.objects.get_or_create(
        repository=repository,
        branch=branch,
        before="0" * 39 + "1",
        after=sha,
        pushed_at=at,
        defaults={
            "pusher_login": login,
            "pusher_uid": uid,
            "commits": [{"sha": sha, "message": message, "author_login": login, "author_email": "", "paths": list(paths)}],
            "reported_at": at,
        },
    )
    found = Found(
        kind=kind,
        subject=f"{branch}:{sha[:12]}",
        key=f"acme/web:push:{branch}:{sha}:{kind}",
        sentence=f"{login} pushed {sha[:7]} to {branch} without a pull request.",
        happened_at=at,
        confirmed=False,
        evidence={"branch": branch, "before": "1", "after": sha, "pusher": login, "pusher_uid": uid},
    )
    exceptions.open_exception(repository=repository, found=found, at=at)
    return ExceptionRecord.objects.get(key=found.key)


def merged_past(change, *, number=44, kind="no_review", at=AT, by="bob", **more):
    """A pull request of the change is merged to prod past the rules, and the detectors find it."""
    row = PullRequest.objects.filter(number=number).first() or with_pull_request(
        change,
        number=number,
        base_ref="prod",
        state="merged",
        merged_at=at,
        merge_sha="b" * 40,
        merged_by_login=by,
        author_login="ann",
        **more,
    )
    subject = f"#{number}" if kind != "unapproved_production" else str(change)
    found = Found(
        kind=kind,
        subject=subject,
        key=f"{row}:{kind}",
        sentence=f"{by} merged #{number} to prod and nobody else had approved it.",
        happened_at=at,
        confirmed=True,
        change=change,
        evidence={"pull_request": str(row), "merged_by": by},
    )
    exceptions.open_exception(repository=row.repository, found=found, at=at)
    return ExceptionRecord.objects.get(key=found.key)


def settled(at=AT):
    return settle_emergencies(repository=web(), at=at)


@pytest.mark.parametrize("order", ["in order", "shuffled 1", "reversed", "thrice"])
def test_the_recorded_violations_end_with_one_emergency_for_each_way_past(client, order):
    told(client, order=order)

    rows = {emergency.key.split(":")[0] + ":" + emergency.key[-6:]: emergency for emergency in Emergency.objects.all()}
    hot = Change.objects.get(title="Hot config")
    opened = Change.objects.filter(opened_by="portal")
    assert len(rows) == 3
    assert (hot.category, hot.undeclared, hot.emergency.via) == ("emergency", True, "portal")
    assert {change.pushes.get().pusher_login for change in opened} == {"mallory-ops"}
    assert all((change.state, change.undeclared, change.category) == ("merged", True, "emergency") for change in opened)
    assert all(change.retrospective_due_at and change.review_due_at for change in [hot, *opened])
    assert sorted(Ask.objects.values_list("account", flat=True)) == ["bo-dev", "mallory-ops", "mallory-ops"]
    assert not Change.objects.filter(title="Rotate DB password path", category="emergency").exists()


def test_what_the_portal_declares_excuses_nothing(client):
    told(client)
    hot = Change.objects.get(title="Hot config")

    states = [gate["state"] for gate in hot.assessment["gates"]]
    assert (states[3], states[6], states[7]) == ("failed", "failed", "failed")
    assert Verdict.objects.get(change=hot, moment="merge").outcome == "not_compliant"
    pushed = Change.objects.filter(opened_by="portal").first()
    assert [gate(pushed, number) for number in (3, 8, 9, 10)] == ["failed"] * 4
    verdict = Verdict.objects.get(change=pushed)
    assert (verdict.moment, verdict.outcome) == ("merge", "not_compliant")
    assert verdict.facts["direct_pushes"][0]["by"]["name"] == "mallory-ops"
    assert verdict.facts["declared"] is False


def test_settling_again_changes_nothing(client):
    told(client)
    counts = [model.objects.count() for model in (Change, Emergency, EmergencyCause, Ask, LinkedPush, Effect, Verdict)]

    settle_emergencies(repository=ExceptionRecord.objects.first().repository, at=NOW + timedelta(hours=1))

    assert [model.objects.count() for model in (Change, Emergency, EmergencyCause, Ask, LinkedPush, Effect, Verdict)] == counts


def test_whoever_bypassed_is_asked_once_in_person_when_the_account_is_linked(client):
    linked(person("Rex"), 77, "rex")
    rex = linked(person("Dev"), 12, "bob").user
    change = proposed(person("Ann"))
    merged_past(change, merged_by_uid=12)
    merged_past(change, kind="failed_ci_merged")

    (found,) = [item for item in settled() if item]

    ask = Ask.objects.get()
    assert (found, ask.person, ask.account) == (change, rex, "bob")
    assert "nobody else had approved it. Why" in ask.question
    assert EmergencyCause.objects.count() == 2
    direct = Effect.objects.get(key=f"emergency:{ask.emergency_id}:ask:{ask.pk}")
    assert (direct.payload["person"], direct.payload["link"]["url"].endswith(f"/changes/{change.number}/")) == (rex.pk, True)
    assert said()[0][1] == f"Undeclared emergency {change}: Split the queue"


def test_what_was_pushed_says_which_kind_of_change_it_is():
    pushed_past(paths=("fly.toml", "app.py"))
    settled()

    change = Change.objects.get()
    assert (change.kind, change.pushes.get().paths) == ("infrastructure", ["app.py", "fly.toml"])
    assert change.repository_names == ["acme/web"]


def test_a_merge_to_main_is_no_emergency():
    change = proposed(person("Ann"))
    row = with_pull_request(change, number=44, base_ref="main", state="merged", merged_at=AT)
    exceptions.open_exception(
        repository=row.repository,
        found=Found(kind="no_review", subject="#44", key="x", sentence="s", happened_at=AT, confirmed=True, change=change),
        at=AT,
    )
    pushed_past(branch="main")

    assert settled() == []
    assert Emergency.objects.count() == 0


def test_a_promotion_that_carries_several_changes_makes_one_emergency():
    ann = person("Ann")
    first, second = proposed(ann, title="One"), proposed(ann, title="Two")
    merged_past(first, kind="unapproved_production")
    row = PullRequest.objects.get()
    from_second = Found(
        kind="unapproved_production",
        subject=str(second),
        key="two",
        sentence="Not approved.",
        happened_at=AT,
        confirmed=True,
        change=second,
    )
    link(change=second, pull_request=row, role="promotion", reason="carries it", actor="portal", at=AT)
    exceptions.open_exception(repository=row.repository, found=from_second, at=AT)

    settled()

    assert [emergency.change for emergency in Emergency.objects.all()] == [first]


def test_a_declared_emergency_keeps_its_declaration_and_gets_the_exception():
    ann = person("Ann")
    emergency = declared(ann)
    record = merged_past(emergency.change, kind="failed_ci_merged")

    assert settled() == []
    assert record.emergency_cause.emergency == emergency
    assert not Ask.objects.exists()
    assert not Change.objects.get().undeclared


def test_an_emergency_by_its_label_is_put_on_record_by_settling():
    change = proposed(person("Ann"), category="emergency")
    merged_past(change, kind="failed_ci_merged")

    settled()

    assert (change.emergency.via, change.emergency.causes.count()) == ("form", 1)


def test_a_push_that_names_a_declared_emergency_belongs_to_it():
    emergency = declared(person("Ann"))
    record = pushed_past(message="CHG-1001: switch the basket off")

    assert settled() == []

    change = Change.objects.get()
    assert (change.state, change.pushes.get().commit_sha, record.emergency_cause.emergency) == ("merged", "a" * 40, emergency)
    assert ExceptionRecord.objects.get().change == change
    assert not Ask.objects.exists()
    assert gate(change, 3) == "failed"


@pytest.mark.parametrize("message", ["Quick fix", "CHG-1001: switch the basket off"])
def test_what_is_found_of_a_push_before_prod_gets_another_name_belongs_to_the_same_emergency(message):
    declared(person("Ann"))
    first = pushed_past(message=message)
    settled()
    second = pushed_past(message=message, kind="force_push")
    emergencies = Emergency.objects.count()
    Push.objects.update(branch="live")
    renames = [{"was": "prod", "name": "live", "until": AT.isoformat()}]
    Repository.objects.update(prod_branch="live", former_branches=renames)

    settled()

    assert second.emergency_cause.emergency == first.emergency_cause.emergency
    assert (Emergency.objects.count(), LinkedPush.objects.count()) == (emergencies, 1)


def test_the_pusher_cannot_say_plus_one_not_even_past_the_code():
    rex = person("Bob")
    linked(rex, 77, "rex")
    emergency = declared(person("Ann"))
    pushed_past(message="CHG-1001", uid=77)
    settled()
    change = Change.objects.get()

    with pytest.raises(Refused, match="You contributed"):
        actions.plus_one(change=change, by=rex, via="portal", authenticated_at=AT, at=AT)
    with pytest.raises(Exception, match=r"approver_is_somebody_else|who pushed it"):
        Approval.objects.create(
            change=change, revision=change.revisions.get(), head_sha="a" * 40, by=rex, verdict="yes", authenticated_at=AT, at=AT
        )
    assert emergency.change == change


def test_a_push_that_a_pull_request_accounts_for_later_is_taken_back_and_counts_again_when_found_again():
    record = pushed_past()
    settled()
    change = Change.objects.get()

    exceptions.clear(record=record, reason="a pull request accounts for it", at=AT)
    settled()

    change.refresh_from_db()
    assert (change.state, change.merged_at, change.retrospective_due_at) == ("withdrawn", None, None)
    assert LinkedPush.objects.get().taken_back_at == AT
    record.refresh_from_db()
    exceptions.open_exception(
        repository=web(),
        found=Found(kind=record.kind, subject=record.subject, key=record.key, sentence="again", happened_at=AT, confirmed=True),
        at=AT,
    )
    settled()
    change.refresh_from_db()
    assert (change.state, change.pushes.get().taken_back_at, change.merged_at) == ("merged", None, AT)
    assert (Change.objects.count(), Emergency.objects.count()) == (1, 1)


def test_a_push_of_a_declared_emergency_is_taken_back_too():
    declared(person("Ann"))
    record = pushed_past(message="CHG-1001")
    settled()

    exceptions.clear(record=record, reason="a pull request accounts for it", at=AT)
    settled()

    assert LinkedPush.objects.get().taken_back_at == AT
    assert gate(Change.objects.get(), 3) == "waiting"


def test_a_refuted_merge_makes_the_change_standard_again_and_back():
    change = proposed(person("Ann"))
    record = merged_past(change)
    settled()

    exceptions.clear(record=record, reason="later evidence shows otherwise", at=AT)
    settled()

    change.refresh_from_db()
    assert (change.category, change.undeclared, change.retrospective_due_at) == ("standard", False, None)
    assert "took its declaration back" in change.reasons["category"][0]
    found = Found(kind="no_review", subject="#44", key=record.key, sentence="s", happened_at=AT, confirmed=True)
    exceptions.open_exception(repository=web(), found=found, at=AT)
    settled()
    change.refresh_from_db()
    assert (change.category, change.undeclared) == ("emergency", True)
    assert Emergency.objects.count() == 1


@pytest.mark.parametrize(("queued_by", "asked"), [("", "ann"), ("zed", "zed")])
def test_a_bot_that_merged_is_not_asked_but_whoever_queued_it_or_the_author_is(queued_by, asked):
    merged_past(proposed(person("Cleo")), by="merge-queue[bot]", queued_by_login=queued_by)

    settled()

    assert Ask.objects.get().account == asked


def test_a_reason_is_kept_explains_the_exception_and_is_told_at_the_forge_once():
    bob = linked(person("Bob"), 12, "bob").user
    change = proposed(person("Ann"))
    record = merged_past(change, merged_by_uid=12)
    settled()
    ask = Ask.objects.get()

    asking.answer(ask=ask, text=" The printer was\non fire. ", by=bob, at=AT)
    with pytest.raises(Stale, match="already"):
        asking.answer(ask=ask, text="Or not.", by=bob, at=AT)

    record.refresh_from_db()
    kept = Answer.objects.get().text
    assert (kept, record.state, record.steps.get().note) == ("The printer was\non fire.", "explained", kept)
    (comment,) = Effect.objects.filter(kind="github.comment")
    assert {name: comment.payload[name] for name in ("repository", "number")} == {"repository": "acme/web", "number": 44}
    assert "by Bob:\n\n> The printer was\n> on fire.\n" in comment.payload["body"]
    assert "emergency.reason_given" in kinds(change)
    assert said()[-1][1] == "Bob gave the reason: The printer was\non fire."


def test_the_reason_for_a_push_is_told_on_its_commit_and_becomes_the_why():
    rex = linked(person("Dev"), 77, "rex").user
    pushed_past(uid=77)
    settled()

    asking.answer(ask=Ask.objects.get(), text="Nobody was awake.", by=rex, at=AT)

    assert Effect.objects.get(kind="github.comment").payload["commit"] == "a" * 40
    assert Change.objects.get().revisions.order_by("-number").first().why == "Nobody was awake."


@pytest.mark.parametrize(
    ("name", "asked", "may"), [("Ann", False, False), ("Ann", None, True), ("Cleo", False, True), ("Uma", None, False)]
)
def test_only_the_asked_answers_or_whoever_oversees_or_anybody_for_an_unknown_account(name, asked, may):
    linked(person("Bob"), 12, "bob")
    merged_past(proposed(person("Dev")), by="ghost" if asked is None else "bob")
    settled()
    by = person(name)
    ask = Ask.objects.get()

    assert asking.may_answer(ask=ask, by=by, at=AT) == may
    if may:
        assert asking.answer(ask=ask, text="I looked into it.", by=by, at=AT).by == by
    else:
        with pytest.raises(Refused, match="Somebody else was asked"):
            asking.answer(ask=ask, text="x", by=by, at=AT)


@pytest.mark.parametrize("text", ["", "  ", "x" * 200_000])
def test_an_empty_or_endless_reason_is_refused(text):
    bob = linked(person("Bob"), 12, "bob").user
    merged_past(proposed(person("Ann")), merged_by_uid=12)
    settled()

    with pytest.raises(Refused, match=r"empty|more than"):
        asking.answer(ask=Ask.objects.get(), text=text, by=bob, at=AT)

"""Reminders and escalation: each once, at its time, to those who can do something; the task may run as often as it likes."""

from datetime import timedelta

import pytest
from django.db.models import QuerySet

from changes.emergencies import clocks, reminding
from changes.emergencies.models import EmergencyReminder, EmergencyThread
from changes.emergencies.queries import for_next_agenda
from changes.proposals.actions import press, review_after
from changes.proposals.models import Change
from portal.outbox.models import Effect
from portal.policy.parameters import DEFAULT
from tests.changes.approvals.situations import kinds, proposed
from tests.changes.emergencies.situations import AT, declared, hotfix, merged, plus_one, said
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
MERGED = AT + timedelta(hours=1)
"""Monday 11:00: the retrospective is due on Wednesday 11:00, the review on the Monday after."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def team():
    return {name: person(name) for name in ("Ann", "Bob", "Cleo", "Dev", "Mia")}


@pytest.fixture
def emergency(team):
    """Declared by Ann, +1 by Bob, merged on Monday at eleven."""
    made = declared(team["Ann"])
    pull = hotfix(made.change)
    plus_one(made, team["Bob"])
    merged(made.change, pull, at=MERGED)
    return made


def mails():
    return [
        (row.payload["to"][0].partition("@")[0], row.payload["subject"])
        for row in Effect.objects.filter(kind="mail").order_by("id")
    ]


def sent(duty="retrospective"):
    return [row.stage for row in EmergencyReminder.objects.filter(duty=duty).order_by("id")]


def written(emergency, by, kind="retrospective", at=MERGED + HOUR):
    return review_after(change=Change.objects.get(pk=emergency.change_id), kind=kind, outcome="partly", note="n", by=by, at=at)


STAGES = {
    "two days": (AT, AT + 2 * DAY, [("day_before", AT + DAY), ("due", AT + 2 * DAY), ("escalated", AT + 2 * DAY + 4 * HOUR)]),
    "a week": (
        AT,
        AT + 7 * DAY,
        [
            ("halfway", AT + timedelta(days=3, hours=12)),
            ("day_before", AT + 4 * DAY),
            ("due", AT + 7 * DAY),
            ("escalated", AT + 7 * DAY + 4 * HOUR),
        ],
    ),
    "due at once": (AT, AT, [("due", AT), ("escalated", AT + 4 * HOUR)]),
}


@pytest.mark.parametrize(("start", "due", "stages"), STAGES.values(), ids=STAGES.keys())
def test_the_stages_of_a_clock(start, due, stages):
    assert [(stage.name, stage.at) for stage in clocks.stages(start=start, due=due, escalated_after=4 * HOUR)] == stages


def test_nothing_is_due_before_the_first_stage():
    assert clocks.stage_now(start=AT, due=AT + 7 * DAY, escalated_after=HOUR, at=AT + DAY) is None


def test_each_reminder_is_sent_once_to_those_who_can_write_it(emergency):
    for hours in (1, 24, 25, 26, 47, 48, 49, 50):
        reminding.keep_clocks(at=MERGED + hours * HOUR)

    assert sent() == ["day_before", "due"]
    assert mails() == [(name, "Review: CHG-1001 retrospective review") for name in ("cleo", "dev")] * 2
    assert [text for key, text in said() if "reminder" in key] == [
        "The retrospective review of emergency CHG-1001 is due: 2026-11-04 11:00 UTC.",
        "The retrospective review of emergency CHG-1001 is due now: 2026-11-04 11:00 UTC.",
    ]
    assert kinds(emergency.change).count("emergency.reminded") == 2


def test_an_overdue_review_is_escalated_to_chair_and_compliance_once(emergency, team):
    for hours in (52, 53, 54):
        reminding.keep_clocks(at=MERGED + hours * HOUR)

    row = EmergencyReminder.objects.get()
    assert (row.stage, row.to) == ("escalated", ["Cleo", "Mia"])
    assert mails() == [(name, "Overdue: CHG-1001 retrospective review") for name in ("cleo", "mia")]
    direct = [
        effect.payload["person"]
        for effect in Effect.objects.filter(kind="slack.message").order_by("id")
        if "person" in effect.payload
    ]
    assert direct == [team["Cleo"].pk, team["Mia"].pk]
    assert "emergency.escalated" in kinds(emergency.change)


def test_after_a_pause_only_the_last_stage_is_told(emergency):
    reminding.keep_clocks(at=MERGED + 30 * DAY)

    assert (sent(), sent("post_implementation")) == (["escalated"], ["escalated"])


def test_the_requester_is_reminded_of_the_review_within_five_working_days(emergency, team):
    written(emergency, team["Dev"])
    for days in (1, 2, 3, 4, 5, 6, 7, 8):
        reminding.keep_clocks(at=MERGED + days * DAY)

    assert sent("post_implementation") == ["day_before", "due", "escalated"]
    assert mails()[0] == ("ann", "Review: CHG-1001 post-implementation review")
    assert mails()[-1] == ("mia", "Overdue: CHG-1001 post-implementation review")


def test_halfway_of_the_review_is_told_too(emergency, team):
    written(emergency, team["Dev"])
    reminding.keep_clocks(at=MERGED + timedelta(days=3, hours=13))

    assert sent("post_implementation") == ["halfway"]


def test_what_is_written_is_not_reminded_of(emergency, team):
    written(emergency, team["Dev"])
    written(emergency, team["Ann"], kind="post_implementation")

    assert reminding.keep_clocks(at=MERGED + 30 * DAY) == 0
    assert sent() == []


def test_before_the_merge_there_is_nothing_to_review(team):
    declared(team["Ann"])

    assert reminding.keep_clocks(at=MERGED + 30 * DAY) == 0


def test_a_withdrawn_emergency_is_left_alone(team):
    emergency = declared(team["Ann"])
    press(change=emergency.change, verb="withdraw", by=team["Ann"], at=AT)

    assert reminding.keep_clocks(at=AT + DAY) == reminding.keep_clocks(at=AT + 30 * DAY) == 0
    assert said()[-1] == (f"emergency:{emergency.pk}:step:withdrawn", "The change was withdrawn.")


def test_a_reminder_that_another_worker_sends_in_this_moment_is_sent_once(emergency, monkeypatch):
    (alive,) = reminding._alive(MERGED)
    owed = next(reminding.owed_by(alive))
    at = MERGED + 49 * HOUR
    assert reminding._remind(alive, owed, at, DEFAULT)
    monkeypatch.setattr(QuerySet, "exists", lambda self: False)

    assert not reminding._remind(alive, owed, at, DEFAULT)
    assert len(mails()) == 2


def test_the_thread_follows_each_step_once(emergency, team):
    for minutes in (1, 2, 3):
        reminding.keep_clocks(at=MERGED + timedelta(minutes=minutes))
    written(emergency, team["Dev"])
    for minutes in (61, 62):
        reminding.keep_clocks(at=MERGED + timedelta(minutes=minutes))

    replies = [text for key, text in said() if ":step:" in key]
    assert replies == [
        "+1 by Bob in the portal.",
        "In prod since 2026-11-02 11:00 UTC.",
        "Afterwards: the retrospective review, by somebody who took no part, is due 2026-11-04 11:00 UTC; "
        "the post-implementation review 2026-11-09 11:00 UTC.",
        "Retrospective review by Dev: partly.",
    ]
    parents = {row.payload["thread"] for row in Effect.objects.filter(key__contains=":step:")}
    assert parents == {f"emergency:{emergency.pk}:thread"}


def test_the_permalink_is_kept_once_slack_has_the_thread(emergency):
    result = {"posted": True, "channel": "C1", "ts": "1.2", "permalink": "https://northwind.slack.com/archives/C1/p12"}
    Effect.objects.filter(key=f"emergency:{emergency.pk}:thread").update(state="done", result=result)

    reminding.keep_clocks(at=MERGED)
    reminding.keep_clocks(at=MERGED + HOUR)

    assert EmergencyThread.objects.get().permalink == result["permalink"]
    assert kinds(emergency.change).count("emergency.thread_opened") == 1


def test_without_slack_there_is_no_thread_and_nothing_breaks(emergency):
    Effect.objects.filter(kind="slack.message").update(state="done", result={"posted": False, "reason": "not connected"})

    reminding.keep_clocks(at=MERGED)

    assert not EmergencyThread.objects.exists()


def test_an_emergency_by_label_gets_its_declaration_from_the_clock(team):
    proposed(team["Ann"], category="emergency")

    reminding.keep_clocks(at=AT)

    assert len(said()) == 1


def test_the_next_agenda_takes_up_what_was_merged_and_not_reviewed(emergency, team):
    assert list(for_next_agenda(at=MERGED - HOUR)) == []
    assert list(for_next_agenda(at=MERGED)) == [emergency]

    written(emergency, team["Dev"])

    assert list(for_next_agenda(at=MERGED + 2 * HOUR)) == []
    assert list(for_next_agenda(at=MERGED)) == [emergency]

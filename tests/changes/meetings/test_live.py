"""A meeting from its beginning to its signed minutes: attendance, votes, decisions and what they bring about."""

from datetime import timedelta

import pytest

from changes.approvals.conditions import Wanted
from changes.approvals.models import Condition
from changes.gates.queries import facts_of
from changes.gates.rules.deciding import decision as gate_two
from changes.meetings import ballots, deciding, live, minutes
from changes.meetings.models import AgendaItem, Decision, DecisionLapse, Meeting
from changes.meetings.standing import decisions_about, lapse, lapse_outdated, meetings_are_kept, standing_for
from changes.meetings.syncing import keep_in_step
from changes.policies import actions as policies
from changes.proposals import actions as proposals
from changes.proposals.queries import current_revision
from portal.ledger.canonical import digest_of_text
from portal.ledger.queries import entries_about
from portal.policy.document import built_in
from portal.policy.in_force import parameters_at
from portal.policy.parameters import DEFAULT
from portal.policy.refusal import Refused, Stale
from tests.changes.meetings.situations import AT, DAY, board, large, meetings, numbered, somebody

pytestmark = pytest.mark.django_db(transaction=True)
TUESDAY = AT + DAY + timedelta(hours=1)
"""Ten o'clock in Berlin on the day of the first meeting."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cleo():
    return somebody("Cleo")


@pytest.fixture
def dev():
    return somebody("Dev")


@pytest.fixture
def eli():
    return somebody("Eli", "architect")


@pytest.fixture
def change():
    return large()


@pytest.fixture
def meeting(cleo, dev, eli, change):
    """The first meeting, begun by Cleo, with Dev there."""
    series = board()
    row = numbered(meetings(series)[0][0])
    keep_in_step(meeting=row, at=AT)
    row = live.begin(meeting=row, by=cleo, at=TUESDAY)
    live.come(meeting=row, person=dev, by=dev, at=TUESDAY + MINUTE)
    return row


def point(meeting, change):
    return AgendaItem.objects.get(meeting=meeting, change=change)


def voted(meeting, change, at=TUESDAY + 5 * MINUTE, **words):
    """A vote on the change, opened, taken and closed."""
    item = point(meeting, change)
    ballot = ballots.open_ballot(item=item, by=meeting.chair, at=at)
    for name, choice in (words or {"Cleo": "yes", "Dev": "yes"}).items():
        ballots.vote(ballot=ballot, choice=choice, reason="", by=somebody(name), at=at + MINUTE)
    return ballot, ballots.close_ballot(ballot=ballot, by=meeting.chair, at=at + 2 * MINUTE)


def decide(meeting, change, outcome="approved", at=TUESDAY + 9 * MINUTE, **more):
    given = {"item": point(meeting, change), "outcome": outcome, "reason": "It is sound.", "conditions": [], "by": meeting.chair}
    return deciding.decide(**{**given, "at": at, **more})


def kinds(meeting):
    return [entry.kind for entry in reversed(entries_about(stream=f"meeting:{meeting.number}"))]


def test_it_is_begun_once_with_its_agenda_fixed(meeting, dev, change):
    assert (meeting.state, meeting.chair.name, len(meeting.agenda_digest)) == ("live", "Cleo", 64)
    assert meeting.current == point(meeting, change)
    with pytest.raises(Stale, match="Cleo leads it"):
        live.begin(meeting=meeting, by=dev, at=TUESDAY)


def test_only_who_leads_begins_it_and_not_days_before(cleo, dev, eli, change):
    row = numbered(meetings(board())[0][0])

    with pytest.raises(Refused, match="does not lead"):
        live.begin(meeting=row, by=dev, at=TUESDAY)
    with pytest.raises(Refused, match="not due yet"):
        live.begin(meeting=row, by=cleo, at=TUESDAY - 2 * timedelta(hours=1))
    with pytest.raises(Stale, match="planned now"):
        live.come(meeting=row, person=dev, by=dev, at=TUESDAY)


def test_people_come_and_go_by_themselves_or_by_the_chair(meeting, dev, eli, cleo):
    assert live.come(meeting=meeting, person=dev, by=dev, at=TUESDAY + 2 * MINUTE).came_at == TUESDAY + MINUTE
    with pytest.raises(Refused, match="Cleo leads"):
        live.come(meeting=meeting, person=eli, by=dev, at=TUESDAY)
    with pytest.raises(Refused, match="may not see"):
        live.come(meeting=meeting, person=_gone(), by=cleo, at=TUESDAY)
    live.come(meeting=meeting, person=eli, by=cleo, at=TUESDAY + 3 * MINUTE)
    live.go(meeting=meeting, person=eli, by=cleo, at=TUESDAY + 4 * MINUTE)
    with pytest.raises(Stale, match="not there"):
        live.go(meeting=meeting, person=eli, by=cleo, at=TUESDAY + 5 * MINUTE)
    with pytest.raises(Refused, match="Cleo leads"):
        live.go(meeting=meeting, person=cleo, by=dev, at=TUESDAY + 5 * MINUTE)

    assert live.present_at(meeting, at=TUESDAY + 3 * MINUTE) == {cleo.pk, dev.pk, eli.pk}
    assert live.present_at(meeting, at=TUESDAY + 4 * MINUTE) == {cleo.pk, dev.pk}
    assert kinds(meeting)[-5:] == ["meeting.begun", "meeting.came", "meeting.came", "meeting.came", "meeting.left"]


def _gone():
    """Somebody who had a role and has left."""
    gone = somebody("Zed", "engineer")
    gone.is_active = False
    gone.save()
    return gone


def test_a_large_change_is_decided_and_its_gate_opens(meeting, change):
    assert str(gate_two(facts_of(change, at=TUESDAY), DEFAULT).state) == "waiting"
    _, result = voted(meeting, change)

    made = decide(meeting, change)

    assert result.carried
    assert (made.number, made.digest, made.expires_at) == (1, current_revision(change).binds, made.at + DEFAULT.decision_lives)
    assert made.tally["yes"] == ["Cleo", "Dev"]
    assert (made.tally["voters"], made.tally["needed"], made.tally["present"]) == (3, 2, 2)
    gate = gate_two(facts_of(change, at=made.at), DEFAULT)
    assert (str(gate.state), gate.reason.startswith("Decision 1 of Meeting")) == ("met", True)
    assert point(meeting, change).state == "settled"
    assert [row.number for row in decisions_about(change)] == [1]
    with pytest.raises(Stale, match="settled"):
        decide(meeting, change)


def test_a_decision_follows_the_vote_the_quorum_and_the_reason(meeting, change, dev, cleo):
    with pytest.raises(Refused, match="no vote on this text"):
        decide(meeting, change)
    voted(meeting, change, Cleo="yes", Dev="no")
    with pytest.raises(Refused, match="did not carry"):
        decide(meeting, change)
    with pytest.raises(Refused, match="Only who leads"):
        decide(meeting, change, outcome="rejected", by=dev)
    live.go(meeting=meeting, person=dev, by=dev, at=TUESDAY + 8 * MINUTE)
    with pytest.raises(Refused, match="no quorum"):
        decide(meeting, change, outcome="rejected")
    live.come(meeting=meeting, person=dev, by=dev, at=TUESDAY + 8 * MINUTE)

    assert decide(meeting, change, outcome="rejected").expires_at is None


def test_while_a_vote_is_open_nothing_is_decided_and_the_meeting_does_not_end(meeting, change, cleo, dev):
    ballot = ballots.open_ballot(item=point(meeting, change), by=cleo, at=TUESDAY + 5 * MINUTE)

    with pytest.raises(Stale, match="open already"):
        ballots.open_ballot(item=point(meeting, change), by=cleo, at=TUESDAY + 5 * MINUTE)
    with pytest.raises(Stale, match="vote on it is open"):
        decide(meeting, change)
    with pytest.raises(Refused, match="vote is open"):
        live.end(meeting=meeting, by=cleo, at=TUESDAY + 6 * MINUTE)
    with pytest.raises(Refused, match="Only who leads"):
        ballots.close_ballot(ballot=ballot, by=dev, at=TUESDAY + 6 * MINUTE)
    ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 6 * MINUTE)
    with pytest.raises(Stale, match="closed already"):
        ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 6 * MINUTE)
    with pytest.raises(Stale, match="closed"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=TUESDAY + 7 * MINUTE)
    with pytest.raises(Refused, match="opens a vote"):
        ballots.open_ballot(item=point(meeting, change), by=dev, at=TUESDAY + 7 * MINUTE)


def test_who_left_and_who_is_involved_cannot_vote(meeting, change, cleo, dev, eli):
    ballot = ballots.open_ballot(item=point(meeting, change), by=cleo, at=TUESDAY + 5 * MINUTE)

    with pytest.raises(Refused, match="not at the meeting"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=eli, at=TUESDAY + 6 * MINUTE)
    with pytest.raises(Refused, match="no seat"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=somebody("Ann"), at=TUESDAY + 6 * MINUTE)
    ballots.vote(ballot=ballot, choice="no", reason="Too soon", by=dev, at=TUESDAY + 6 * MINUTE)
    ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=TUESDAY + 7 * MINUTE)
    result = ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 8 * MINUTE)

    assert (result.yes, result.silent) == ((dev.pk,), (cleo.pk,))
    assert ballot.votes.count() == 2


def test_a_contributor_is_recused_by_the_rule_and_does_not_record_it(cleo, dev, eli):
    own = large(title="Mine", by="Cleo")
    row = numbered(meetings(board())[0][0])
    keep_in_step(meeting=row, at=AT)
    meeting = live.begin(meeting=row, by=cleo, at=TUESDAY)
    live.come(meeting=meeting, person=dev, by=dev, at=TUESDAY)

    ballot = ballots.open_ballot(item=point(meeting, own), by=cleo, at=TUESDAY + MINUTE)
    with pytest.raises(Refused, match="contributed"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=cleo, at=TUESDAY + MINUTE)
    ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=TUESDAY + MINUTE)
    result = ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 2 * MINUTE)

    assert (result.recused, result.carried) == ((cleo.pk,), True)
    with pytest.raises(Refused, match="contributed"):
        decide(meeting, own)


def edit(change, at):
    texts = {"title": change.title, "why": "slow", "what": "Something else entirely", "rollback": "redeploy"}
    return proposals.revise(change=change, texts=texts, source="form", at=at, by=change.requester, actor="user:1")


def test_a_text_edited_during_the_vote_voids_it(meeting, change, cleo, dev):
    ballot = ballots.open_ballot(item=point(meeting, change), by=cleo, at=TUESDAY + 5 * MINUTE)
    ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=TUESDAY + 5 * MINUTE)
    edit(change, TUESDAY + 6 * MINUTE)

    with pytest.raises(Stale, match="edited"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=cleo, at=TUESDAY + 7 * MINUTE)
    ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 8 * MINUTE)
    ballot.refresh_from_db()
    assert ballot.void == "the text was edited during the vote"
    with pytest.raises(Refused, match="edited during the vote"):
        decide(meeting, change)


def test_a_text_edited_after_the_vote_is_not_what_was_voted_on(meeting, change):
    voted(meeting, change)
    edit(change, TUESDAY + 8 * MINUTE)

    with pytest.raises(Refused, match="edited after the vote"):
        decide(meeting, change)
    assert decide(meeting, change, outcome="deferred").ballot is None
    assert point(meeting, change).state == "carried"


def test_a_vote_without_quorum_is_void(meeting, change, cleo, dev):
    live.go(meeting=meeting, person=dev, by=dev, at=TUESDAY + 2 * MINUTE)

    ballot, result = voted(meeting, change, Cleo="yes")

    ballot.refresh_from_db()
    assert (result.carried, ballot.void) == (False, "there was no quorum")


def test_conditions_of_a_decision_become_conditions_of_the_change(meeting, change, dev):
    voted(meeting, change)
    wanted = Wanted("Load test first", dev, "merge", TUESDAY + 10 * DAY)

    made = decide(meeting, change, outcome="conditional", conditions=[wanted])

    row = Condition.objects.get()
    assert (row.change, row.approval, row.owner, row.text) == (change, None, dev, "Load test first")
    assert made.conditions[0]["owner"] == "Dev"


def test_a_material_edit_ends_a_decision_and_so_does_its_time(meeting, change):
    voted(meeting, change)
    made = decide(meeting, change)
    assert lapse_outdated(change=change, revision=current_revision(change), at=made.at) == 0

    assert lapse_outdated(change=change, revision=current_revision(change), at=made.expires_at) == 1
    assert standing_for(change) == []
    assert lapse(decision=made, reason="again", at=made.at) is None
    assert "held until" in DecisionLapse.objects.get().reason


def test_an_edit_ends_the_decision_on_the_text_before(meeting, change):
    voted(meeting, change)
    made = decide(meeting, change)
    revision = edit(change, TUESDAY + 20 * MINUTE)

    assert lapse_outdated(change=change, revision=revision, at=TUESDAY + 21 * MINUTE) == 1
    gate = gate_two(facts_of(change, at=TUESDAY + 22 * MINUTE), DEFAULT)
    assert (str(gate.state), "no longer counts" in gate.reason) == ("waiting", True)
    made.refresh_from_db()


def test_a_version_of_the_policy_comes_into_force_by_the_meeting(cleo, dev, eli):
    row = policies.save_draft(
        text=built_in(), parameters={"large_changed_lines": 400}, summary="Smaller", material=True, seen=0, by=dev, at=AT
    )
    policies.send(effective_at=TUESDAY + 7 * DAY, seen=row.version, by=dev, at=AT)
    series = board()
    planned = numbered(meetings(series)[0][0])
    item = AgendaItem.objects.create(
        meeting=planned, kind="policy", key="policy:2", title="Policy 2", position=1, put_at=AT, waiting_since=AT
    )
    meeting = live.begin(meeting=planned, by=cleo, at=TUESDAY)
    live.come(meeting=meeting, person=dev, by=dev, at=TUESDAY)
    ballot = ballots.open_ballot(item=item, by=cleo, at=TUESDAY + MINUTE)
    for person in (cleo, dev):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=person, at=TUESDAY + MINUTE)
    ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + 2 * MINUTE)

    deciding.decide(item=item, outcome="approved", reason="Agreed.", conditions=[], by=cleo, at=TUESDAY + 3 * MINUTE)

    assert parameters_at(TUESDAY + 6 * DAY).large_changed_lines == 800
    assert parameters_at(TUESDAY + 7 * DAY).large_changed_lines == 400


def test_a_version_that_is_voted_down_is_rejected(cleo, dev, eli):
    row = policies.save_draft(
        text=built_in(), parameters={"large_changed_lines": 400}, summary="Smaller", material=True, seen=0, by=dev, at=AT
    )
    version = policies.send(effective_at=TUESDAY + 7 * DAY, seen=row.version, by=dev, at=AT)
    series = board()
    item = AgendaItem.objects.create(kind="policy", key="policy:2", title="Policy 2", position=1, put_at=AT, waiting_since=AT)
    ballot = ballots.open_written(item=item, series=series, closes_at=AT + DAY, by=cleo, at=AT)
    for person, choice in ((cleo, "no"), (dev, "no")):
        ballots.vote(ballot=ballot, choice=choice, reason="", by=person, at=AT + MINUTE)
    with pytest.raises(Stale, match="vote on it is open"):
        deciding.decide(item=item, outcome="rejected", reason="Too small.", conditions=[], by=cleo, at=AT + MINUTE)
    assert ballots.close_written(at=AT + DAY) == 1
    assert ballots.close_written(at=AT + DAY) == 0
    with pytest.raises(Refused, match="chair or a deputy"):
        deciding.decide(item=item, outcome="rejected", reason="Too small.", conditions=[], by=dev, at=AT + DAY)

    made = deciding.decide(item=item, outcome="rejected", reason="Too small.", conditions=[], by=cleo, at=AT + DAY)

    version.refresh_from_db()
    assert (version.state, version.decision, made.meeting) == ("rejected", "Decision 1", None)


def test_a_written_vote_has_the_same_quorum_and_a_closing_time(cleo, dev, eli, change):
    series = board()
    item = AgendaItem.objects.create(
        kind="proposal", key=f"change:{change.number}", title="x", change=change, position=1, put_at=AT, waiting_since=AT
    )
    with pytest.raises(Refused, match="does not lead"):
        ballots.open_written(item=item, series=series, closes_at=AT + DAY, by=dev, at=AT)
    with pytest.raises(Refused, match="an hour to two weeks"):
        ballots.open_written(item=item, series=series, closes_at=AT + MINUTE, by=cleo, at=AT)
    ballot = ballots.open_written(item=item, series=series, closes_at=AT + DAY, by=cleo, at=AT)
    ballots.vote(ballot=ballot, choice="yes", reason="", by=cleo, at=AT + MINUTE)
    with pytest.raises(Stale, match="closed"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=dev, at=AT + DAY)
    ballots.close_written(at=AT + 2 * DAY)

    ballot.refresh_from_db()
    assert (ballot.closed_at, ballot.void) == (AT + DAY, "there was no quorum")
    with pytest.raises(Stale, match="not in session"):
        ballots.open_ballot(item=item, by=cleo, at=AT + 2 * DAY)
    with pytest.raises(Refused, match="no quorum"):
        deciding.decide(item=item, outcome="approved", reason="x", conditions=[], by=cleo, at=AT + 2 * DAY)


def test_a_written_vote_that_is_not_there_decides_nothing(cleo, change):
    item = AgendaItem.objects.create(
        kind="proposal", key=f"change:{change.number}", title="x", change=change, position=1, put_at=AT, waiting_since=AT
    )

    with pytest.raises(Stale, match="not closed"):
        deciding.decide(item=item, outcome="approved", reason="x", conditions=[], by=cleo, at=AT)


def test_notes_are_taken_by_several_without_loss(meeting, cleo, dev, change):
    note = live.write_note(meeting=meeting, item=point(meeting, change), text="First", by=dev, at=TUESDAY + MINUTE)
    changed = live.edit_note(note=note, text="First, better", version=1, by=cleo, at=TUESDAY + 2 * MINUTE)

    with pytest.raises(Stale, match="while you wrote"):
        live.edit_note(note=note, text="Lost?", version=1, by=dev, at=TUESDAY + 3 * MINUTE)
    with pytest.raises(Refused, match="does not take notes"):
        live.write_note(meeting=meeting, item=None, text="x", by=somebody("Ann"), at=TUESDAY)
    with pytest.raises(Refused, match="too long"):
        live.write_note(meeting=meeting, item=None, text="x" * 20_001, by=dev, at=TUESDAY)
    assert (changed.text, changed.version) == ("First, better", 2)


def test_points_are_taken_up_by_the_chair(meeting, cleo, dev, change):
    item = point(meeting, change)
    with pytest.raises(Refused, match="Cleo leads"):
        live.take_up(meeting=meeting, item=item, by=dev, at=TUESDAY)
    other = AgendaItem.objects.create(kind="point", key="x", title="x", position=1, put_at=AT, waiting_since=AT)
    with pytest.raises(Stale, match="not on the agenda"):
        live.take_up(meeting=meeting, item=other, by=cleo, at=TUESDAY)

    row = live.take_up(meeting=meeting, item=item, by=cleo, at=TUESDAY + 9 * MINUTE)

    assert (row.current, row.current_since) == (item, TUESDAY + 9 * MINUTE)


def test_actions_are_asked_for_and_done(meeting, cleo, dev, eli):
    due = (TUESDAY + 9 * DAY).date()
    given = {"meeting": meeting, "item": None, "due_on": due, "by": cleo, "at": TUESDAY}
    with pytest.raises(Refused, match="says nothing"):
        live.ask_for(text=" ", owner=dev, **given)
    with pytest.raises(Refused, match="no part"):
        live.ask_for(text="x", owner=somebody("Rex"), **given)
    action = live.ask_for(text="Write the runbook", owner=dev, **given)

    with pytest.raises(Refused, match="owner or the chair"):
        live.finish_action(action=action, note="x", by=eli, at=TUESDAY)
    with pytest.raises(Refused, match="not said"):
        live.finish_action(action=action, note=" ", by=dev, at=TUESDAY)
    live.finish_action(action=action, note="Written.", by=dev, at=TUESDAY)
    with pytest.raises(Stale, match="done already"):
        live.finish_action(action=action, note="x", by=cleo, at=TUESDAY)


def test_it_ends_and_its_minutes_are_signed_as_they_were_read(meeting, cleo, dev, change):
    voted(meeting, change)
    decide(meeting, change)
    live.write_note(meeting=meeting, item=point(meeting, change), text="Dev asked about costs.", by=dev, at=TUESDAY)
    live.write_note(meeting=meeting, item=None, text="Late start.", by=dev, at=TUESDAY)
    live.write_note(meeting=meeting, item=None, text=" ", by=dev, at=TUESDAY)
    live.ask_for(meeting=meeting, item=None, text="Write it up", owner=dev, due_on=(TUESDAY + 9 * DAY).date(), by=cleo, at=TUESDAY)
    with pytest.raises(Stale, match="after its end"):
        minutes.sign(meeting=meeting, digest="", by=cleo, at=TUESDAY)
    with pytest.raises(Stale, match="after its end"):
        minutes.correct(meeting=meeting, text="x", by=dev, at=TUESDAY)
    ended = live.end(meeting=meeting, by=cleo, at=TUESDAY + 50 * MINUTE)
    read = digest_of_text(minutes.draft(ended))

    minutes.correct(meeting=ended, text="It was Eli who asked.", by=dev, at=TUESDAY + 55 * MINUTE)
    with pytest.raises(Stale, match="corrected them"):
        minutes.sign(meeting=ended, digest=read, by=cleo, at=TUESDAY + 60 * MINUTE)
    with pytest.raises(Refused, match="led the meeting signs"):
        minutes.sign(meeting=ended, digest=read, by=dev, at=TUESDAY + 60 * MINUTE)
    with pytest.raises(Refused, match="was not at this meeting"):
        minutes.correct(meeting=ended, text="x", by=somebody("Eli", "architect"), at=TUESDAY)
    with pytest.raises(Refused, match="empty"):
        minutes.correct(meeting=ended, text=" ", by=dev, at=TUESDAY)
    signed = minutes.sign(meeting=ended, digest=digest_of_text(minutes.draft(ended)), by=cleo, at=TUESDAY + 61 * MINUTE)

    for words in ("Led by Cleo", "- Dev:", "Dev asked about costs.", "Decision 1: Approved.", "yes: Cleo and Dev", "Write it up"):
        assert words in signed.text
    assert "It was Eli who asked." in signed.text
    assert "Late start." in signed.text
    assert digest_of_text(signed.text) == signed.digest
    with pytest.raises(Stale, match="signed already"):
        minutes.sign(meeting=ended, digest=signed.digest, by=cleo, at=TUESDAY + 62 * MINUTE)
    assert Meeting.objects.get(pk=ended.pk).quorate is True
    with pytest.raises(Stale, match="ended now"):
        live.end(meeting=ended, by=cleo, at=TUESDAY + 63 * MINUTE)
    assert kinds(ended)[-1] == "minutes.signed"


def test_what_was_not_settled_is_carried_over_and_said_in_the_minutes(meeting, cleo, dev, change):
    live.go(meeting=meeting, person=dev, by=dev, at=TUESDAY + MINUTE * 2)
    ended = live.end(meeting=meeting, by=cleo, at=TUESDAY + 50 * MINUTE)

    text = minutes.draft(Meeting.objects.get(pk=ended.pk))

    assert point(meeting, change).state == "carried"
    assert "*Carried over.*" in text
    assert meetings_are_kept(at=TUESDAY)
    assert Decision.objects.count() == 0


def test_the_next_decision_takes_the_place_of_the_one_before(meeting, cleo, dev, eli, change):
    voted(meeting, change)
    first = decide(meeting, change)
    series = meeting.series
    item = AgendaItem.objects.create(
        kind="lapsed", key=f"change:{change.number}:again", title="x", change=change, position=1, put_at=AT, waiting_since=AT
    )
    ballot = ballots.open_written(item=item, series=series, closes_at=TUESDAY + 2 * DAY, by=cleo, at=TUESDAY + DAY)
    for person in (cleo, dev):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=person, at=TUESDAY + DAY)
    ballots.close_ballot(ballot=ballot, by=cleo, at=TUESDAY + DAY)

    second = deciding.decide(item=item, outcome="approved", reason="Still.", conditions=[], by=cleo, at=TUESDAY + DAY)

    assert (second.supersedes, first.lapse.reason) == (first, "Decision 2 took its place")

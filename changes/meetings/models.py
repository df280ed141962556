"""The architecture meeting as a control (P-01, P-25, P-30): series, roster, meetings, agenda, votes, decisions, minutes.

Times are UTC; a series keeps the time on the wall clock of its zone. What was decided, said and signed is evidence.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from changes.proposals.models import Change, Revision

PERSON = settings.AUTH_USER_MODEL


class Series(models.Model):
    """A row of meetings: every two weeks at the same time on the same clock, with holidays moved and not lost."""

    name = models.CharField(max_length=120)
    rule = models.CharField(max_length=200)
    """An RFC 5545 RRULE, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU."""
    starts_on = models.DateField()
    time = models.TimeField()
    zone = models.CharField(max_length=60)
    minutes = models.PositiveIntegerField(default=60)
    place = models.CharField(max_length=300, blank=True)
    holidays = models.JSONField(default=list, blank=True)
    """Dates (ISO) on which no meeting is held; the one that falls on it moves to the next working day."""
    made_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    """Rises with each change, so that two who change it at once are told."""

    class Meta:
        verbose_name_plural = "series"
        constraints = [
            # There is one architecture meeting: its roster and its quorum are those that P-01 and P-30 speak of.
            models.UniqueConstraint(
                fields=["ended_at"], condition=Q(ended_at=None), nulls_distinct=False, name="series_stands_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Seat(models.Model):
    """A person's part in a series, dated: voter, chair or deputy of the chair. The roster of a day is what is valid then."""

    class Part(models.TextChoices):
        VOTER = "voter", "Voter"
        CHAIR = "chair", "Chair"
        DEPUTY = "deputy", "Deputy of the chair"

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="seats")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="seats")
    part = models.CharField(max_length=6, choices=Part.choices)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    given_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["series", "valid_from"], name="seat_by_series")]
        constraints = [
            models.CheckConstraint(condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="seat_ends_later"),
            models.UniqueConstraint(fields=["series", "person"], condition=Q(valid_until=None), name="seat_stands_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.part}"


class Meeting(models.Model):
    """One date of a series. Numbers are those of all series together, and none is used twice."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        LIVE = "live", "In session"
        ENDED = "ended", "Ended"
        MISSED = "missed", "Missed"
        CANCELLED = "cancelled", "Cancelled"

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="meetings")
    number = models.IntegerField(unique=True)
    planned_at = models.DateTimeField()
    moved_from = models.DateTimeField(null=True, blank=True)
    """When the rule would have it, where that is another day: it was a holiday, or the chair moved it."""
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    reason = models.TextField(blank=True)
    """Why it was moved, missed, cancelled or held without quorum."""
    chair = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    quorate = models.BooleanField(null=True, blank=True)
    """Of a meeting that was held: whether it had its quorum at some moment. None: not held, or not looked at yet."""
    agenda_digest = models.CharField(max_length=64, blank=True)
    """Of the agenda as it stood at the start."""
    current = models.ForeignKey("AgendaItem", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    current_since = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    """Rises with each change; calendar programs know by it which invitation is newer."""
    changed_at = models.DateTimeField()
    """When it was planned, moved or cancelled last."""
    reminded_at = models.DateTimeField(null=True, blank=True)
    """When its voters were told what they had not read; empty again once it is moved."""

    class Meta:
        indexes = [
            models.Index(fields=["-planned_at", "-id"], name="meeting_newest"),
            models.Index(fields=["state", "planned_at"], name="meeting_by_state"),
        ]

    def __str__(self) -> str:
        return f"Meeting {self.number}"


class AgendaItem(models.Model):
    """One point of an agenda. A point that was not settled is put on the next agenda as a new row (``carried_from``)."""

    class Kind(models.TextChoices):
        PROPOSAL = "proposal", "Proposal"
        LAPSED = "lapsed", "Decision that lapsed"
        RETROSPECTIVE = "retrospective", "Retrospective of an emergency"
        EXCEPTION = "exception", "Exception"
        POLICY = "policy", "Policy"
        ACTION = "action", "Open action"
        FINDING = "finding", "Finding"
        POINT = "point", "Point"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SETTLED = "settled", "Settled"
        CARRIED = "carried", "Carried over"
        DROPPED = "dropped", "Taken off"

    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="items")
    """None for a point that is decided by written vote."""
    kind = models.CharField(max_length=14, choices=Kind.choices)
    key = models.CharField(max_length=120)
    """What it is about, the same every time: change:1042, exception:7, policy:3, action:5, point:<id>."""
    title = models.TextField()
    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="agenda_items")
    href = models.CharField(max_length=300, blank=True)
    note = models.TextField(blank=True)
    minutes = models.PositiveIntegerField(default=10)
    position = models.IntegerField()
    dormant = models.BooleanField(default=False)
    """Set by the chair: it waits folded. What has waited for long is folded without that."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    put_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None when it came by itself."""
    put_at = models.DateTimeField()
    waiting_since = models.DateTimeField()
    """When it came onto an agenda for the first time."""
    reason = models.TextField(blank=True)
    """Why the chair took it off. Empty for one that went by itself: it comes back by itself too."""
    carried_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="carried_to")

    class Meta:
        indexes = [models.Index(fields=["meeting", "position"], name="agenda_order")]
        constraints = [models.UniqueConstraint(fields=["meeting", "key"], name="agenda_item_once")]

    def __str__(self) -> str:
        return self.title


class PreRead(models.Model):
    """That somebody has read a point before the meeting. Personal."""

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="pre_reads")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "person"], name="pre_read_once")]

    def __str__(self) -> str:
        return f"{self.person} read {self.item}"


class Attendance(models.Model):
    """Somebody was there from one moment to another; who leaves and comes back has two rows."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="attendances")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    came_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "person"], condition=Q(left_at=None), name="attendance_once_at_a_time"),
            models.CheckConstraint(condition=Q(left_at=None) | Q(left_at__gte=F("came_at")), name="attendance_ends_later"),
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.meeting}"


class Ballot(models.Model):
    """One vote on one point and one text: opened and closed by the chair, or open until a time when it is written."""

    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="ballots")
    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="ballots")
    digest = models.CharField(max_length=64, blank=True)
    """Of the text that is voted on: ``Revision.binds``, or the digest of a policy version."""
    written = models.BooleanField(default=False)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="ballots")
    opened_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    void = models.TextField(blank=True)
    """Why it does not count: the text was edited meanwhile, no quorum."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=Q(closed_at=None), name="ballot_open_once"),
            models.CheckConstraint(condition=Q(written=False) | Q(closes_at__isnull=False), name="written_ballot_closes"),
        ]

    def __str__(self) -> str:
        return f"vote on {self.item}"


class Vote(models.Model):
    """One person's word in one ballot. Changing one's mind is a new row; the last one counts. A recusal counts as no vote."""

    class Choice(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        ABSTAIN = "abstain", "Abstention"
        RECUSED = "recused", "Recused"

    ballot = models.ForeignKey(Ballot, on_delete=models.PROTECT, related_name="votes")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    choice = models.CharField(max_length=8, choices=Choice.choices)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ballot", "person", "id"], name="vote_last_counts")]

    def __str__(self) -> str:
        return f"{self.person} {self.choice}"


class Decision(models.Model):
    """What a meeting (or a written vote) decided about a point, bound to a text by its digest."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", "Approved"
        CONDITIONAL = "conditional", "Approved with conditions"
        REJECTED = "rejected", "Rejected"
        DEFERRED = "deferred", "Deferred"

    number = models.IntegerField(unique=True)
    """Of the decision, and of its record in Git."""
    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="decisions")
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    ballot = models.OneToOneField(Ballot, null=True, blank=True, on_delete=models.PROTECT, related_name="decision")
    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    digest = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=11, choices=Outcome.choices)
    reason = models.TextField()
    conditions = models.JSONField(default=list, blank=True)
    """What the meeting set, as rows of changes.approvals.models.Condition name it: [{"text", "owner", "due_on", "before"}]."""
    tally = models.JSONField(default=dict)
    """Voters present, quorum needed, yes, no, abstained, recused, by name."""
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    supersedes = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by")

    class Meta:
        indexes = [models.Index(fields=["-at", "-id"], name="decision_newest"), models.Index(fields=["change"])]

    def __str__(self) -> str:
        return f"Decision {self.number}"


class DecisionLapse(models.Model):
    """Why a decision no longer counts: its text was edited, its time ran out, another one took its place."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="lapse")
    reason = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.reason


class Action(models.Model):
    """What somebody is to do by a day, as a meeting asked. It stands on every agenda until it is done."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="actions")
    item = models.ForeignKey(AgendaItem, null=True, blank=True, on_delete=models.PROTECT, related_name="actions")
    text = models.TextField()
    owner = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    done_note = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "due_on"], condition=Q(done_at=None), name="action_waiting")]

    def __str__(self) -> str:
        return self.text


class Note(models.Model):
    """A paragraph of the minutes while the meeting runs. ``version`` keeps two note-takers from overwriting each other."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="notes")
    item = models.ForeignKey(AgendaItem, null=True, blank=True, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField(blank=True)
    version = models.IntegerField(default=1)
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"note {self.pk} of {self.meeting}"


class Minutes(models.Model):
    """The minutes of a meeting as they were drawn up; signed by the chair, then fixed by their digest."""

    meeting = models.OneToOneField(Meeting, on_delete=models.PROTECT, related_name="minutes_record")
    text = models.TextField()
    """Markdown, complete: attendance, points, votes, decisions, actions, notes."""
    digest = models.CharField(max_length=64)
    signed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "minutes"

    def __str__(self) -> str:
        return f"minutes of {self.meeting}"


class Correction(models.Model):
    """What somebody who was there corrects in the minutes: an entry beside them, before and after the signature."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="corrections")
    text = models.TextField()
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"correction of {self.meeting}"

"""Courses on a version of the policy, what people read, their attempts at the quiz, and what they signed. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

PERSON = settings.AUTH_USER_MODEL


class CourseDraft(models.Model):
    """The next course while it is written. One at a time; not evidence."""

    policy = models.IntegerField()
    """Number of the version of the policy that it teaches."""
    title = models.CharField(max_length=120, blank=True)
    pages = models.TextField(blank=True)
    """As it is typed: see ``writing.pages_in``."""
    questions = models.TextField(blank=True)
    """As it is typed: see ``writing.questions_in``."""
    draw = models.IntegerField(default=5)
    pass_mark = models.IntegerField(default=80)
    statement = models.TextField(blank=True)
    version = models.IntegerField(default=1)
    """Rises with each save, so that two who write at once are told."""
    saved_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"draft of a course on policy {self.policy}"


class Course(models.Model):
    """A published course: short pages, a bank of questions, and the statement to sign, fixed by its digest."""

    number = models.IntegerField(unique=True)
    policy = models.IntegerField()
    policy_digest = models.CharField(max_length=64)
    title = models.CharField(max_length=120)
    pages = models.JSONField()
    """In order, each with ``title`` and ``text`` (markdown)."""
    questions = models.JSONField()
    """The bank: each with ``text``, ``choices``, ``right`` (places of the right ones, from 0) and ``because``."""
    draw = models.IntegerField()
    """How many questions an attempt has."""
    pass_mark = models.IntegerField()
    """Per cent of right answers with which it is passed."""
    statement = models.TextField()
    digest = models.CharField(max_length=64)
    published_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(draw__gte=1, pass_mark__gte=1, pass_mark__lte=100), name="course_can_be_passed"),
        ]

    def __str__(self) -> str:
        return f"Course {self.number}"


class PageRead(models.Model):
    """A page that was shown to a person. ``round``: how many times they had signed this course before."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="read")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    page = models.IntegerField()
    """From 1."""
    round = models.IntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "pages read"
        constraints = [models.UniqueConstraint(fields=["person", "course", "round", "page"], name="page_read_once")]

    def __str__(self) -> str:
        return f"{self.course} page {self.page}"


class Attempt(models.Model):
    """One try at the quiz of a course: which questions were drawn, and what came of it."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="attempts")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    drawn = models.JSONField()
    """In order, each with ``question`` (its place in the bank, from 0) and ``choices`` (their places, as they are shown)."""
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    correct = models.IntegerField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["person", "course", "-began_at"], name="attempt_of_person")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("began_at")), name="attempt_ends_later"),
            models.CheckConstraint(
                condition=Q(submitted_at=None, correct=None, passed=None)
                | Q(submitted_at__gte=F("began_at"), submitted_at__lte=F("ends_at"), correct__isnull=False, passed__isnull=False),
                name="attempt_handed_in_time",
            ),
            models.UniqueConstraint(
                fields=["person", "course", "began_at"], name="attempt_begun_once"
            ),  # two presses of one button in two windows at the same moment
        ]

    def __str__(self) -> str:
        return f"{self.course} attempt {self.pk}"


class AttemptAnswer(models.Model):
    """What somebody chose for one question, and when. The last one before the quiz is handed in counts."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="answers")
    place = models.IntegerField()
    """Of the question in this attempt, from 1."""
    chosen = models.JSONField()
    """Places of the choices in the bank, from 0."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["attempt", "place", "id"], name="answer_of_attempt")]

    def __str__(self) -> str:
        return f"{self.attempt} question {self.place}"


class Acknowledgement(models.Model):
    """A person's signature on a version of the policy: exactly what was signed, and its digest. Never changed or erased."""

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="acknowledgements")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="acknowledgements")
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="acknowledgement")
    policy = models.IntegerField()
    policy_digest = models.CharField(max_length=64)
    course_digest = models.CharField(max_length=64)
    statement = models.TextField()
    typed_name = models.CharField(max_length=120)
    text = models.TextField()
    """What the digest is of: the certificate in plain words."""
    digest = models.CharField(max_length=64, unique=True)
    authenticated_at = models.DateTimeField()
    """The fresh sign-in that it rests on."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "at"], name="acknowledgement_of_person")]

    def __str__(self) -> str:
        return f"acknowledgement {self.pk}"


class TrainingReminder(models.Model):
    """Somebody was reminded of what is due, or compliance was told that it is late."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "When it came up"
        BEFORE = "before", "Before its day"
        DUE = "due", "On its day"
        ESCALATED = "escalated", "Told to compliance"
        ASKED = "asked", "By a person"

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    due_at = models.DateTimeField()
    by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None for the portal's own clock."""
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "due_at"], condition=Q(by=None), name="training_reminded_once"),
            models.CheckConstraint(condition=~Q(kind="asked") | Q(by__isnull=False), name="training_asked_by_somebody"),
        ]

    def __str__(self) -> str:
        return f"training reminder {self.pk}"

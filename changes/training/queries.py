"""Who is trained, as of any moment; which course is taken now; how far somebody is. The number of queries is fixed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from changes.training import policy
from changes.training.facts import Called, Due, Edition, Signed, Standing, Taught
from changes.training.involved import involved
from changes.training.models import Acknowledgement, Attempt, Course, CourseDraft, PageRead
from portal.access.models import RoleGrant, User
from portal.access.roles import Role
from portal.policy.in_force import parameters_at
from portal.policy.models import PolicyVersion
from portal.policy.parameters import Parameters

FIRST = Edition(1, datetime.min.replace(tzinfo=UTC), material=True)
"""The built-in version of the policy, which holds from the beginning."""


@dataclass(frozen=True)
class Member:
    """Somebody of the roster at a moment: who, since when, in which roles, what they signed and had to sign."""

    person: User
    joined_at: datetime
    roles: tuple[Role, ...]
    signed: tuple[Signed, ...]
    dues: tuple[Due, ...]
    standing: Standing

    @property
    def last(self) -> Signed | None:
        """Their last signature."""
        return self.signed[-1] if self.signed else None


def editions(*, at: datetime) -> list[Edition]:
    """The versions of the policy that were in force by a moment, by number."""
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED, effective_at__lte=at).order_by("number")
    kept = [
        Edition(row.number, row.effective_at, row.material)
        for row in rows.only("number", "effective_at", "material")
        if row.effective_at
    ]
    return [FIRST, *kept]


@dataclass(frozen=True)
class Lessons:
    """What everybody had to sign by a moment, and whether the policy in force then had a course."""

    called: tuple[Called, ...] = ()
    connected: bool = False


def lessons(*, at: datetime) -> Lessons:
    """What is taught at a moment. Two queries, and one while no course was published."""
    rows = Course.objects.filter(published_at__lte=at).order_by("number").values_list("policy", "published_at")
    taught = [Taught(version, published) for version, published in rows]
    if not taught:
        return Lessons()
    known = editions(at=at)
    newest = max({item.version for item in taught} & {item.version for item in known}, default=0)
    connected = newest > 0 and policy.teaches(version=newest, editions=known, at=at)
    return Lessons(policy.called_by(taught=taught, editions=known), connected)


def course_at(*, at: datetime) -> Course | None:
    """The course that is taken at a moment: the newest on the newest version in force that has one."""
    known = [item.version for item in editions(at=at)]
    return Course.objects.filter(published_at__lte=at, policy__in=known).order_by("-policy", "-number").first()


def is_connected(*, at: datetime) -> bool:
    """Whether the policy in force has a course."""
    return lessons(at=at).connected


def members(*, at: datetime, people: Collection[int] | None = None, taught: Lessons | None = None) -> list[Member]:
    """The roster at a moment, by name: everybody who held a role that takes part, or a right at a vendor; auditors left out.

    With ``people`` (ids) exactly these, whether or not they hold a role. ``taught``: what was read already.
    """
    required, parameters = (taught or lessons(at=at)).called, parameters_at(at)
    joined, roles, learners = _grants(at, people)
    reached = involved(at=at, people=people)
    # Who was let in only to learn has as long for it as the access at the vendor says, not anew from the letter on.
    joined = {**reached, **{pk: min(begun, reached.get(pk, begun)) if pk in learners else begun for pk, begun in joined.items()}}
    chosen = User.objects.filter(pk__in={*roles, *reached} if people is None else people)
    signed = _signed(at, people)
    return [
        _member(
            user, joined.get(user.pk, user.joined_at), roles.get(user.pk, ()), signed.get(user.pk, ()), required, parameters, at
        )
        for user in chosen.order_by("name", "pk")
    ]


def _grants(
    at: datetime, people: Collection[int] | None
) -> tuple[dict[int, datetime], dict[int, tuple[Role, ...]], frozenset[int]]:
    """When each person began to take part, the roles that they held at the moment, and whose first role was only to learn."""
    rows = RoleGrant.objects.filter(valid_from__lte=at).exclude(role=Role.AUDITOR)
    if people is not None:
        rows = rows.filter(user_id__in=people)
    joined: dict[int, datetime] = {}
    roles: dict[int, tuple[Role, ...]] = {}
    learners: set[int] = set()
    for row in rows.order_by("valid_from", "pk"):
        if row.user_id not in joined and row.role == Role.LEARNER:
            learners.add(row.user_id)
        joined.setdefault(row.user_id, row.valid_from)
        if row.valid_until is None or row.valid_until > at:
            roles[row.user_id] = (*roles.get(row.user_id, ()), Role(row.role))
    return joined, roles, frozenset(learners)


def _signed(at: datetime, people: Collection[int] | None) -> dict[int, tuple[Signed, ...]]:
    rows = Acknowledgement.objects.filter(at__lte=at)
    if people is not None:
        rows = rows.filter(person_id__in=people)
    found: dict[int, list[Signed]] = {}
    for person, version, moment in rows.order_by("at", "pk").values_list("person_id", "policy", "at"):
        found.setdefault(person, []).append(Signed(version, moment))
    return {person: tuple(items) for person, items in found.items()}


def _member(
    user: User,
    joined_at: datetime,
    roles: tuple[Role, ...],
    signed: tuple[Signed, ...],
    required: tuple[Called, ...],
    parameters: Parameters,
    at: datetime,
) -> Member:
    dues = policy.dues_of(joined_at=joined_at, called=required, signed=signed, terms=policy.terms_of(parameters))
    standing = policy.standing_at(dues=dues, at=at, opens_before=parameters.training_after_version_within)
    return Member(user, joined_at, roles, signed, dues, standing)


def member(user: User, *, at: datetime, taught: Lessons | None = None) -> Member:
    """One person. ``taught``: what was read already."""
    return members(at=at, people=[user.pk], taught=taught)[0]


@dataclass(frozen=True)
class Progress:
    """How far somebody is with a course: pages shown in this round, the attempt under way, the last one handed in."""

    course: Course
    round: int
    read: frozenset[int]
    running: Attempt | None
    last: Attempt | None

    @property
    def missing(self) -> list[int]:
        """Pages that were not shown yet."""
        return policy.missing_pages(count=len(self.course.pages), read=self.read)

    @property
    def passed(self) -> Attempt | None:
        """The passed attempt that a signature can rest on."""
        return self.last if self.last is not None and self.last.passed else None


def progress_of(*, course: Course, person: User, at: datetime) -> Progress:
    """How far ``person`` is. After a signature everything begins anew, for the next year."""
    signed = Acknowledgement.objects.filter(course=course, person=person).order_by("-at").values_list("at", flat=True)
    turn, since = len(signed), signed[0] if signed else None
    read = PageRead.objects.filter(course=course, person=person, round=turn).values_list("page", flat=True)
    tries = Attempt.objects.filter(course=course, person=person)
    if since is not None:
        tries = tries.filter(began_at__gt=since)
    rows = list(tries.select_related("course").order_by("-began_at", "-pk"))
    running = next((row for row in rows if row.submitted_at is None and row.ends_at >= at), None)
    handed = [row for row in rows if row.submitted_at is not None]
    best = next((row for row in handed if row.passed), handed[0] if handed else None)
    return Progress(course, turn, frozenset(read), running, best)


def chosen_in(attempt: Attempt) -> dict[int, list[int]]:
    """By the place of a question in the attempt: what was chosen last."""
    rows = attempt.answers.order_by("id").values_list("place", "chosen")
    return {place: list(chosen) for place, chosen in rows}


def draft() -> CourseDraft | None:
    """The course that is being written."""
    return CourseDraft.objects.select_related("saved_by").order_by("-pk").first()


def courses() -> Iterable[Course]:
    """Every published course, newest first."""
    return Course.objects.select_related("published_by").order_by("-number")


def acknowledgements_of(person: User) -> Iterable[Acknowledgement]:
    """What a person signed, newest first."""
    return Acknowledgement.objects.filter(person=person).select_related("course").order_by("-at", "-pk")


def last_stirred(*, at: datetime) -> datetime | None:
    """The last moment by ``at`` at which somebody's training began to count or lapsed: gates judged before are judged again."""
    found = [
        moment
        for item in members(at=at)
        for due in item.dues
        for moment in (due.begun_at, due.blocks_from, due.signed_at)
        if moment is not None and moment <= at
    ]
    return max(found, default=None)

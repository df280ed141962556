"""What people do in the portal now and then: lists of mergers, freezes, waivers, gates, delegations, emergencies.

By name, as in ``deeds``.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from changes.approvals.actions import give
from changes.approvals.delegating import delegate
from changes.approvals.models import Delegation, Waiver
from changes.approvals.waiving import propose_waiver, review_waiver, sign_waiver
from changes.calendar.actions import set_freeze
from changes.calendar.facts import Span
from changes.calendar.models import Freeze, FreezeOverride
from changes.calendar.overriding import ask_override, confirm_override
from changes.delivery.models import Repository
from changes.desk.demo import deciding
from changes.desk.demo.deciding import SIGNED_IN
from changes.desk.demo.people import named
from changes.desk.demo.year.cast import EVERYBODY
from changes.desk.demo.year.deeds import deed
from changes.entitlements.mergers.actions import confirm, propose
from changes.entitlements.mergers.models import MergerList
from changes.entitlements.reviews import actions as reviews
from changes.entitlements.reviews import queries as queries_of_reviews
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer
from changes.exceptions import missed
from changes.exceptions.asking import ask_gate
from changes.gates import modes
from changes.gates.actions import reassess
from changes.gates.models import GateAnswer, GateMode
from changes.inventory import reconciling
from changes.inventory.models import Reconciliation
from changes.meetings.models import Meeting
from changes.proposals import queries, submitting
from changes.proposals.approving import Seen
from changes.proposals.models import Approval, Change, ReviewAfter
from portal.access.identities import link_identity
from portal.access.models import User
from portal.access.people import actor_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LOOKED_AT_AGAIN = timedelta(days=30)
NOT_ALIKE = "Compared line by line with the console; what differs was made or taken away on the last day."
UNDO = "Set it back to what it was; nothing else changes."


def _in_scope(repository: str) -> Repository:
    return Repository.objects.get(name=repository, in_scope_until=None)


@deed("agree_mergers")
def _agree_mergers(*, repository: str, branch: str, without: Sequence[str], confirmed_by: str, by: str, at: datetime) -> None:
    """Everybody who may push may merge to a branch, but for those in ``without``."""
    people = [named(person.login) for person in EVERYBODY if person.permission and person.login not in without]
    row = _in_scope(repository)
    where: dict[str, Any] = {"branch": branch, "people": people}
    newest = MergerList.objects.filter(repository=row, branch=branch).order_by("-pk").first()
    if newest is None or newest.proposed_at != at:
        newest = propose(repository=row.pk, reason="Who works here and was trained.", by=named(by), at=at, **where)
    if newest.confirmed_at is None:
        confirm(row=newest, digest=newest.digest, by=named(confirmed_by), at=at)


@deed("freeze")
def _freeze(*, name: str, repository: str, starts: datetime, ends: datetime, by: str, at: datetime, hard: bool = False) -> None:
    """Nothing of a repository goes to production for a time; unless ``hard``, people are only warned."""
    if Freeze.objects.filter(name=name, repositories=[repository]).exists():
        return
    set_freeze(
        name=name,
        level=Freeze.Level.HARD if hard else Freeze.Level.SOFT,
        span=Span(starts, ends),
        environments=["production"],
        repositories=[repository],
        apps=[],
        reason="The warehouse needs everybody then.",
        by=named(by),
        at=at,
    )


@deed("override")
def _override(*, name: str, repository: str, number: int, reason: str, confirmed_by: str, by: str, at: datetime) -> None:
    """Two people let every change of a pull request pass a freeze."""
    freeze, second = Freeze.objects.get(name=name, repositories=[repository]), named(confirmed_by)
    for change in deciding.changes_of(repository, number):
        if not FreezeOverride.objects.filter(change=change, freeze=freeze).exists():
            asked = ask_override(change=change, freeze=freeze, reason=reason, by=named(by), at=at)
            confirm_override(override=asked, digest=asked.digest, by=second, authenticated_at=at - SIGNED_IN, at=at)
            reassess(change=change, at=at)


@deed("approve_others")
def _approve_others(*, repository: str, number: int, but: int, by: str, at: datetime) -> None:
    """Every change of a pull request is approved for production, but for that of another one."""
    left_out = {change.pk for change in deciding.changes_of(repository, but)}
    for change in deciding.changes_of(repository, number):
        if change.pk not in left_out:
            deciding.approve_change(change, by=by, at=at)


@deed("waive")
def _waive(*, repository: str, number: int, reason: str, signed_by: str, by: str, at: datetime) -> None:
    """Compliance and the chair stand for the approval that nobody is left to give."""
    for change in deciding.changes_of(repository, number):
        if not Waiver.objects.filter(change=change).exists():
            signed_in = {"authenticated_at": at - SIGNED_IN, "at": at}
            made = propose_waiver(change=change, reason=reason, review_at=at + LOOKED_AT_AGAIN, by=named(by), **signed_in)
            sign_waiver(waiver=made, digest=made.digest, by=named(signed_by), **signed_in)
            reassess(change=change, at=at)


@deed("review_waiver")
def _review_waiver(*, repository: str, number: int, by: str, at: datetime) -> None:
    """Whoever waived an approval looks at it again."""
    for waiver in Waiver.objects.filter(change__in=deciding.changes_of(repository, number), reviewed_at=None):
        review_waiver(waiver=waiver, note="Right for that day. A second team can read the code now.", by=named(by), at=at)


@deed("open_gate")
def _open_gate(
    *, repository: str, environment: str, until: datetime, reason: str, confirmed_by: str, by: str, at: datetime
) -> None:
    """The deploy gate lets doubts pass for a time."""
    row = _in_scope(repository)
    if not GateMode.objects.filter(repository=row, at=at).exists():
        asked = modes.ask_to_open(repository=row, environment=environment, until=until, reason=reason, by=named(by), at=at)
        modes.confirm_open(gate_mode=asked, digest=asked.digest, by=named(confirmed_by), at=at)


@deed("ask_gate")
def _ask_gate(*, repository: str, environment: str, commit: str, by: str, at: datetime) -> None:
    """A pipeline asks whether a commit may be released."""
    if not GateAnswer.objects.filter(repository=repository, commit=commit).exists():
        ask_gate(repository=repository, commit=commit, environment=environment, by=named(by), token=None, at=at)


@deed("close_gate")
def _close_gate(*, repository: str, environment: str, reason: str, by: str, at: datetime) -> None:
    """The deploy gate is closed for doubts again."""
    row = _in_scope(repository)
    if modes.open_until(repository=row, environment=environment, at=at) is not None:
        modes.close(repository=row, environment=environment, reason=reason, by=named(by), at=at)


@deed("link_account")
def _link_account(*, uid: int, login: str, by: str, at: datetime) -> None:
    """Somebody links another account of theirs at GitHub."""
    user = named(by)
    link_identity(user=user, provider="github", uid=str(uid), login=login, by=actor_of(user), at=at)


@deed("delegate")
def _delegate(*, to: str, until: datetime, reason: str, by: str, at: datetime) -> None:
    """Somebody hands approvals over while away."""
    absent = named(by)
    if not Delegation.objects.filter(absent=absent, made_at=at).exists():
        delegate(absent=absent, to=named(to), starts_at=at, ends_at=until, reason=reason, by=absent, at=at)


@deed("approve_for")
def _approve_for(*, repository: str, number: int, on_behalf_of: str, by: str, at: datetime) -> None:
    """A delegate approves every change of a pull request in the name of somebody away."""
    user = named(by)
    for change in deciding.changes_of(repository, number):
        if not Approval.objects.filter(change=change, by=user, lapse=None).exists():
            seen = Seen(queries.current_revision(change).binds, queries.head_for_production(change))
            words: dict[str, Any] = {"verdict": Approval.Verdict.YES, "note": "", "seen": seen, "on_behalf_of": named(on_behalf_of)}
            give(change=change, by=user, authenticated_at=at - SIGNED_IN, at=at, **words)
            reassess(change=change, at=at)


@deed("retrospective")
def _retrospective(*, repository: str, number: int, by: str, at: datetime) -> None:
    """The full review of an emergency, by somebody who took no part."""
    note = "Rightly an emergency; read in full, nothing to add."
    for change in deciding.changes_of(repository, number):
        deciding.look_back(change, kind=ReviewAfter.Kind.RETROSPECTIVE, by=by, at=at, note=note)


@deed("propose")
def _propose(*, title: str, what: str, kind: str, by: str, at: datetime) -> None:
    """Somebody proposes a change of DNS, access or secrets."""
    if not Change.objects.filter(title=title).exists():
        texts = {"title": title, "why": "It was asked for.", "what": what, "tested": "In staging.", "rollback": UNDO}
        given = {**texts, "category": "standard", "size": "normal", "kind": kind}
        reassess(change=submitting.submit(given=given, by=named(by), ready=True, at=at), at=at)


@deed("sign_month")
def _sign_month(*, month: date, by: str, at: datetime) -> None:
    """The reconciliation of a month's inventory is signed. Whoever signs reads the numbers first."""
    if Reconciliation.objects.filter(month=month).exists():
        return
    compared = reconciling.lines(at=reconciling.end_of_month(month))
    note = "" if all(line.agrees for line in compared) else NOT_ALIKE
    seen = reconciling.digest_for(month=month, compared=compared)
    reconciling.sign(month=month, note=note, seen=seen, by=named(by), authenticated_at=at - SIGNED_IN, at=at)


@deed("review_access")
def _review_access(*, by: str, at: datetime) -> None:
    """Everybody who is asked in the open review of access answers; whoever leads it answers what is left, and closes it."""
    review, leads = queries_of_reviews.open_review(), named(by)
    if review is None:
        return
    left = [row for row in queries_of_reviews.entries_of(review) if not row.verdict]
    asked = sorted({row.asked for row in left if row.asked})
    for place, person in enumerate(User.objects.in_bulk(asked).values()):
        mine = [row.pk for row in left if row.asked == person.pk and row.holder_id != person.pk]
        _keep(review, mine, person, at + place * 17 * MINUTE)
    later = at + HOUR + len(asked) * 17 * MINUTE
    rest = [row.pk for row in queries_of_reviews.entries_of(review) if not row.verdict and row.holder_id != leads.pk]
    _keep(review, rest, leads, later)
    note = "What is left are my own rights, which nobody else is asked about."
    reviews.close(review=review, note=note, by=leads, at=later + 10 * MINUTE)


def _keep(review: AccessReview, entries: Sequence[int], by: User, at: datetime) -> None:
    if entries:
        reviews.answer(review=review, entries=entries, verdict=ReviewAnswer.Verdict.KEEP, by=by, at=at)


@deed("explain_missed")
def _explain_missed(*, number: int, reason: str, by: str, at: datetime) -> None:
    """The chair says why a meeting was not held."""
    meeting = Meeting.objects.get(number=number)
    if not meeting.reason:
        missed.explain(meeting=meeting, reason=reason, by=named(by), at=at)

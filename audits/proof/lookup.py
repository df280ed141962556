"""Finds what a digest on paper belongs to: a revision, a frozen verdict, what a meeting decided and signed, a version of the
policy, a course, a signature, or an entry of the ledger. Features above this one add what they know with ``@finder``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from changes.desk.meetings.decisions_page import inside_decisions
from changes.desk.meetings.shapes import inside
from changes.desk.timeline import OUTCOMES
from changes.gates.models import Verdict
from changes.meetings.models import Decision, Meeting, Minutes
from changes.proposals.listing import visible
from changes.proposals.models import Revision
from changes.training.models import Acknowledgement, Course
from portal.access.scope import Scope
from portal.ledger.models import LedgerLeaf
from portal.policy.models import PolicyVersion


@dataclass(frozen=True)
class FoundRecord:
    """What it is, in words, where to see it, and since when it stands."""

    what: str
    href: str
    at: datetime


Finder = Callable[[str, Scope], FoundRecord | None]
_finders: list[Finder] = []


def finder(function: Finder) -> Finder:
    """Register a function that knows more digests. Registering it again changes nothing."""
    if function not in _finders:
        _finders.append(function)
    return function


def found_under(digest: str, *, scope: Scope) -> FoundRecord | None:
    """The record with this SHA-256 (64 hexadecimal digits); None when there is none inside what may be seen."""
    text = _revision(digest, scope) or _policy(digest)
    if text is not None:
        return replace(text, what=f"{text.what}{_decided(digest, scope)}")
    own = _verdict(digest, scope) or _met(digest, scope) or _trained(digest) or _entry(digest)
    return own or next((found for find in _finders if (found := find(digest, scope))), None)


def _revision(digest: str, scope: Scope) -> FoundRecord | None:
    revision = Revision.objects.select_related("change").filter(digest=digest).order_by("id").first()
    if revision is None or not visible(number=revision.change.number, scope=scope):
        return None
    words = f"Revision {revision.number} of {revision.change}: {revision.title}"
    return FoundRecord(words, f"/changes/{revision.change.number}/", revision.at)


def _policy(digest: str) -> FoundRecord | None:
    version = PolicyVersion.objects.filter(digest=digest).first()
    if version is None:
        return None
    return FoundRecord(f"{version}, {version.get_state_display().lower()}", f"/policy/v/{version.number}/", version.sent_at)


def _decided(digest: str, scope: Scope) -> str:
    """What was decided on a text with that digest, in words; empty where nothing was."""
    rows = inside_decisions(Decision.objects.filter(digest=digest), scope).order_by("id")
    return "".join(f". {row} on it: {row.get_outcome_display().lower()}" for row in rows)


def _verdict(digest: str, scope: Scope) -> FoundRecord | None:
    verdict = Verdict.objects.select_related("change").filter(facts_digest=digest).order_by("id").first()
    if verdict is None or not visible(number=verdict.change.number, scope=scope):
        return None
    said = OUTCOMES.get(verdict.outcome, verdict.outcome).lower()
    words = f"{verdict.get_moment_display()}: the verdict on {verdict.change}, {said}"
    return FoundRecord(words, f"/changes/{verdict.change.number}/", verdict.at)


def _met(digest: str, scope: Scope) -> FoundRecord | None:
    """Minutes as they were signed, or an agenda as it stood when its meeting began."""
    rows = inside(Meeting.objects.all(), scope)
    signed = Minutes.objects.filter(digest=digest, meeting__in=rows).select_related("meeting").first()
    if signed is not None:
        return FoundRecord(f"Minutes of {signed.meeting}", f"/meetings/{signed.meeting.number}/minutes/", signed.signed_at)
    begun = rows.filter(agenda_digest=digest).first()
    if begun is None or begun.started_at is None:
        return None
    return FoundRecord(f"Agenda of {begun}, as it stood when it began", f"/meetings/{begun.number}/", begun.started_at)


def _trained(digest: str) -> FoundRecord | None:
    """A signature on the policy, or a course."""
    signed = Acknowledgement.objects.filter(digest=digest).select_related("person").first()
    if signed is not None:
        words = f"Signature of {signed.person.name} on version {signed.policy} of the policy"
        return FoundRecord(words, f"/training/certificate/{signed.pk}/", signed.at)
    course = Course.objects.filter(digest=digest).order_by("number").first()
    if course is None:
        return None
    words = f"{course} on version {course.policy} of the policy: {course.title}"
    return FoundRecord(words, f"/training/courses/{course.number}/", course.published_at)


def _entry(digest: str) -> FoundRecord | None:
    leaf = LedgerLeaf.objects.filter(hash=bytes.fromhex(digest)).first()
    if leaf is None:
        return None
    return FoundRecord(f"Entry {leaf.stream}/{leaf.stream_seq} of the ledger: {leaf.kind}", "/ledger/", leaf.recorded_at)

"""Say who answers for a system, open a review, answer its entries, close it. Each with its entry in the ledger."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.entitlements import queries as rights
from changes.entitlements.models import Entitlement
from changes.entitlements.own import people_of, person_of_right
from changes.entitlements.reviews import policy, queries
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer, ReviewEntry, ReviewHandover, SystemOwner
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

AT_ONCE = 500
"""Entries that are answered together."""


@transaction.atomic
def set_owner(*, source: str, thing: str, person: User | None, by: User, at: datetime) -> None:
    """``person`` answers for a source (``thing`` empty) or a thing from now on; None: nobody of their own."""
    _check(by, P.ACCESS_LEAD, at)
    if person is not None and not may_at(person, P.ACCESS_REVIEW, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{person.name} may not {P.ACCESS_REVIEW.sentence}.", "Choose somebody who may.")
    standing = SystemOwner.objects.select_for_update().filter(source=source, thing=thing, ended_at=None).first()
    if (standing.person_id if standing else None) == (person.pk if person else None):
        return
    rows = []
    if standing is not None:
        standing.ended_at, standing.ended_by = at, by
        standing.save(update_fields=["ended_at", "ended_by"])
        rows.append(standing)
    if person is not None:
        rows.append(SystemOwner.objects.create(source=source, thing=thing, person=person, set_by=by, set_at=at))
    append(
        stream=f"access:{source}",
        kind="access.owner_set",
        actor=actor_of(by),
        fact={"source": source, "thing": thing, "owner": person.name if person else "", "by": by.name, "at": at.isoformat()},
        rows=rows,
    )


@transaction.atomic
def open_review(*, by: User | None, at: datetime) -> AccessReview:
    """Freeze every right that is held now, each with its reviewer. ``by`` None: the portal, because it is due.

    ``Stale`` while another one is open; ``Refused`` when no right has been read yet.
    """
    if by is not None:
        _check(by, P.ACCESS_LEAD, at)
    last = AccessReview.objects.select_for_update().order_by("-number").first()
    if last is not None and last.closed_at is None:
        raise Stale(f"{last} is still open.")
    held = list(rights.rights_now())
    if not held:
        raise Refused(Clause.ACCESS_RESTRICTED, "No right has been read yet.", "Connect a source first.")
    entries = _entries(held, by, at)
    review = AccessReview.objects.create(
        number=last.number + 1 if last else 1,
        opened_by=by,
        opened_at=at,
        due_at=at + parameters_at(at).access_review_open_for,
        rights=len(entries),
        digest=policy.digest_of_entries(map(frozen, entries)),
    )
    for entry in entries:
        entry.review = review
    ReviewEntry.objects.bulk_create(entries, batch_size=1000)
    _tell("access_review.opened", review, by, at, {"rights": review.rights, "digest": review.digest}, [review])
    return review


def frozen(entry: ReviewEntry) -> tuple[object, ...]:
    """What the digest of a review says about one entry."""
    return (
        *(entry.place, entry.source, entry.thing, entry.account_kind, entry.account_id, entry.account_name, entry.right),
        *(entry.through, entry.vendor_word, entry.holder_id, entry.reviewer_id),
    )


def _entries(held: list[Entitlement], by: User | None, at: datetime) -> list[ReviewEntry]:
    people = people_of(held)
    pool = queries.pool(at=at)
    able = {user.pk for user in pool}
    owners = {(row.source, row.thing): row.person_id for row in queries.owners() if row.person_id in able}
    asked = list(dict.fromkeys(([by.pk] if by is not None else []) + [user.pk for user in pool]))
    found = []
    for place, row in enumerate(held, start=1):
        holder = person_of_right(row, people)
        number = holder.pk if holder is not None else None
        reviewer = policy.reviewer_for(source=row.thing.source, thing=row.thing.key, holder=number, owners=owners, pool=asked)
        found.append(_entry(place, row, number, reviewer))
    return found


def _entry(place: int, row: Entitlement, holder: int | None, reviewer: int | None) -> ReviewEntry:
    return ReviewEntry(
        place=place,
        entitlement=row,
        source=row.thing.source,
        thing=row.thing.key,
        thing_name=row.thing.name,
        account_id=row.account_id,
        account_name=row.account_name,
        account_kind=row.account_kind,
        right=row.right,
        through=row.through,
        vendor_word=row.vendor_word,
        holder_id=holder,
        reviewer_id=reviewer,
    )


@transaction.atomic
def answer(
    *, review: AccessReview, entries: Collection[int], verdict: str, reason: str = "", by: User, at: datetime
) -> list[ReviewAnswer]:
    """One word on some entries (ids) of a review. What was said already is not said twice; the last word counts.

    A reviewer answers their own share, whoever leads the review any; nobody their own rights. All or nothing.
    """
    _check(by, P.ACCESS_REVIEW, at)
    standing = _open(review)
    rows = _chosen(standing, entries)
    policy.check_answer(verdict=verdict, reason=reason, holders={row.holder_id for row in rows}, by=by.pk)
    _check_share(rows, by, at)
    last = queries.last_answers([row.pk for row in rows])
    said, words = (verdict, reason.strip()), {pk: (row.verdict, row.reason) for pk, row in last.items()}
    given = [
        ReviewAnswer(entry=row, verdict=verdict, reason=reason.strip(), by=by, at=at) for row in rows if words.get(row.pk) != said
    ]
    if given:
        ReviewAnswer.objects.bulk_create(given)
        fact = {"verdict": verdict, "reason": reason.strip(), "entries": [row.entry.place for row in given]}
        _tell("access_review.answered", standing, by, at, fact, given)
    return given


@transaction.atomic
def hand_over(
    *, review: AccessReview, entries: Collection[int], to: User, reason: str, by: User, at: datetime
) -> list[ReviewHandover]:
    """``to`` is asked about these entries (ids) from now on. All or nothing; who was asked first stays on record.

    A reviewer hands over their own share, whoever leads the review any; nobody is given the review of their own rights.
    """
    _check(by, P.ACCESS_REVIEW, at)
    standing = _open(review)
    rows = _chosen(standing, entries)
    _check_share(rows, by, at)
    policy.check_handover(name=to.name, able=may_at(to, P.ACCESS_REVIEW, at=at), reason=reason)
    policy.check_not_own(holders={row.holder_id for row in rows}, person=to.pk)
    given = [ReviewHandover(entry=row, reviewer=to, reason=reason.strip(), by=by, at=at) for row in rows if row.asked != to.pk]
    if given:
        ReviewHandover.objects.bulk_create(given)
        places = [row.entry.place for row in given]
        _tell(
            "access_review.handed_over",
            standing,
            by,
            at,
            {"to": to.pk, "name": to.name, "reason": reason.strip(), "entries": places, "count": len(places)},
            given,
        )
    return given


def _chosen(review: AccessReview, entries: Collection[int]) -> list[Any]:
    """These entries of the review with who is ``asked`` about each."""
    if not 0 < len(set(entries)) <= AT_ONCE:
        raise Refused(Clause.ACCESS_RESTRICTED, f"Between 1 and {AT_ONCE} entries are chosen together.", "Tick some of them.")
    rows = list(ReviewEntry.objects.filter(review=review, pk__in=entries).annotate(asked=queries.ASKED).order_by("place"))
    if len(rows) != len(set(entries)):
        raise Stale("These are not entries of this review.")
    return rows


def _check_share(rows: Iterable[Any], by: User, at: datetime) -> None:
    if any(row.asked != by.pk for row in rows) and not may_at(by, P.ACCESS_LEAD, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Some of these are for somebody else to review.", "Choose from your own share.")


@transaction.atomic
def close(*, review: AccessReview, note: str, by: User, at: datetime) -> AccessReview:
    """Close a review with the digest of all its answers. What is left unanswered needs a note that says why."""
    _check(by, P.ACCESS_LEAD, at)
    standing = _open(review)
    rows = list(queries.entries_of(standing))
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in policy.VERDICTS}
    left = len(rows) - sum(counts.values())
    if left and not note.strip():
        raise Refused(Clause.ACCESS_RESTRICTED, f"{left} entries are not answered.", "Have them answered, or say why not.")
    answers = ((row.place, row.verdict, row.reason, row.answered_by) for row in rows)
    standing.closed_at, standing.closed_by, standing.note = at, by, note.strip()
    standing.outcome = {**counts, "left": left, "digest": policy.digest_of_entries(answers)}
    standing.save(update_fields=["closed_at", "closed_by", "note", "outcome"])
    _tell("access_review.closed", standing, by, at, {**standing.outcome, "note": standing.note}, [standing])
    return standing


def _open(review: AccessReview) -> AccessReview:
    row = AccessReview.objects.select_for_update().get(pk=review.pk)
    if row.closed_at is not None:
        raise Stale(f"{row} was closed. Nothing was changed.")
    return row


def _check(by: User, permission: P, at: datetime) -> None:
    if not may_at(by, permission, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {permission.sentence}.")


def _tell(
    kind: str,
    review: AccessReview,
    by: User | None,
    at: datetime,
    fact: Mapping[str, object],
    rows: Iterable[AccessReview | ReviewAnswer | ReviewHandover],
) -> None:
    append(
        stream=f"access-review:{review.number}",
        kind=kind,
        actor=actor_of(by) if by is not None else PORTAL,
        fact={"review": review.number, **fact, "by": by.name if by is not None else "", "at": at.isoformat()},
        rows=rows,
    )
    ring("access")
    ring("inbox")

"""People: the roster and its training, entries of access reviews, grants of roles."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from audits.populations.facts import NUMBER, TIME, Asked, Column, Kind, Row, ids, moment
from changes.delivery.models import Repository
from changes.entitlements.reviews.models import ReviewAnswer, ReviewEntry
from changes.entitlements.reviews.queries import with_answers
from changes.forges import FORGES
from changes.training import queries as training
from changes.training.facts import Due
from changes.training.queries import Member
from portal.access.models import RoleGrant
from portal.access.roles import Role

PIECE = 1000
OF_A_REPOSITORY = ("repository", "repository_teams", "branch", "ruleset")
"""Kinds of things at a forge whose key goes on with the number of their repository."""
REASONS = {
    "joining": "Joined",
    "introduction": "First course",
    "version": "Material version",
    "yearly": "A year over",
}


def read_training(asked: Asked) -> Iterator[Row]:
    """The roster at the end of the window, with each thing that somebody had to sign by then: one row each, by name."""
    last = min(asked.until, asked.at)
    for member in training.members(at=last):
        dues = [due for due in member.dues if due.begun_at < asked.until]
        for due in dues:
            yield _training(member, due, last)
        if not dues:
            yield _training(member, None, last)


def _training(member: Member, due: Due | None, last: datetime) -> Row:
    person = member.person
    late = due.late_by(last) if due else timedelta(0)
    return {
        "key": f"person-{person.pk}" + (f":{due.reason}:{due.version}:{moment(due.begun_at)}" if due else ":nothing"),
        "person": person.name,
        "email": person.email,
        "belongs": person.get_kind_display(),
        "roles": ids(role.label for role in member.roles),
        "joined_at": moment(member.joined_at),
        "first_day": person.joined_on.isoformat() if person.joined_on else "",
        "reason": REASONS.get(due.reason, due.reason) if due else "Nothing was due",
        "policy": due.version if due else None,
        "begun_at": moment(due.begun_at) if due else "",
        "due_at": moment(due.due_at) if due else "",
        "signed_at": moment(due.signed_at) if due and due.met_by(last) else "",
        "days_late": late.days + bool(late % timedelta(days=1)),
        "outcome": _outcome(due, last),
    }


def _outcome(due: Due | None, last: datetime) -> str:
    if due is None:
        return "Nothing was due"
    signed = due.met_by(last)
    if due.late_by(last) > timedelta(0):
        return "Signed late" if signed else "Late"
    return "Signed in time" if signed else "Still in time"


def _part(of: Any, between: str, number: int) -> Func:
    """One part of a text, from 1."""
    return Func(of, Value(between), Value(number), function="split_part", output_field=TextField())


def entries_in(asked: Asked) -> QuerySet[Any]:
    """Entries of the reviews that were opened in the window, at the systems and repositories in scope, with their last answers."""
    rows = ReviewEntry.objects.filter(review__opened_at__gte=asked.since, review__opened_at__lt=asked.until)
    vendor, kind = _part("thing", ".", 1), _part(_part("thing", ":", 1), ".", 2)
    system = Case(When(vendor__in=FORGES, then=Value("git")), default=F("vendor"), output_field=TextField())
    rows = rows.alias(vendor=vendor, what=kind, system=system).filter(system__in=asked.systems)
    if asked.scope.repositories is not None:
        inside = Repository.objects.filter(name__in=sorted(asked.scope.repositories)).exclude(vendor_id=None)
        keys = [f"{forge}:{number}" for forge, number in inside.values_list("forge", "vendor_id")]
        rows = rows.alias(repository=Concat("vendor", Value(":"), _part("thing", ":", 2), output_field=TextField()))
        rows = rows.filter(~Q(what__in=OF_A_REPOSITORY) | Q(repository__in=keys))
    return with_answers(rows).select_related("review").order_by("review__number", "place", "id")


def read_entries(asked: Asked) -> Iterator[Row]:
    """The rows, by review and place."""
    words = dict(ReviewAnswer.Verdict.choices)
    for row in entries_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"review-{row.review.number}:{row.place}",
            "review": f"Access review {row.review.number}",
            "opened_at": moment(row.review.opened_at),
            "due_at": moment(row.review.due_at),
            "closed_at": moment(row.review.closed_at),
            "source": row.source,
            "thing": row.thing_name or row.thing,
            "account": row.account_name or row.account_id,
            "belongs_to": row.holder.name if row.holder else "",
            "right": row.right,
            "reviewer": row.reviewer.name if row.reviewer else "",
            "outcome": words.get(str(row.verdict), "Not answered"),
            "reason": row.reason or "",
            "answered_by": row.answered_by or "",
            "answered_at": moment(row.answered_at),
            "removed_at": moment(row.entitlement.ended_at),
        }


def grants_in(asked: Asked) -> QuerySet[RoleGrant]:
    """Roles that somebody held at some moment of the window."""
    rows = RoleGrant.objects.filter(valid_from__lt=asked.until)
    rows = rows.filter(Q(valid_until=None) | Q(valid_until__gt=asked.since))
    return rows.select_related("user", "granted_by", "seconded_by", "ended_by").order_by("id")


def read_grants(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    labels = {role.value: role.label for role in Role}
    for row in grants_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"grant-{row.pk}",
            "person": row.user.name,
            "email": row.user.email,
            "role": labels.get(row.role, row.role),
            "valid_from": moment(row.valid_from),
            "valid_until": moment(row.valid_until),
            "granted_by": row.granted_by.name if row.granted_by else (f"{row.at_shell} at the server" if row.at_shell else ""),
            "seconded_by": row.seconded_by.name if row.seconded_by else "",
            "ended_by": row.ended_by.name if row.ended_by else "",
            "reason": row.reason,
            "outcome": "Ended" if row.valid_until and row.valid_until <= asked.at else "Held",
        }


TRAINING = Kind(
    code="training",
    title="Training",
    one="What somebody of the roster at the end of the window had to sign by then; one row each, and one for who had nothing.",
    columns=(
        Column("key", "Row"),
        Column("person", "Person"),
        Column("email", "Address"),
        Column("belongs", "Belongs as"),
        Column("roles", "Roles"),
        Column("joined_at", "Takes part since", TIME),
        Column("first_day", "First day"),
        Column("reason", "Why"),
        Column("policy", "Policy version", NUMBER),
        Column("begun_at", "Came up", TIME),
        Column("due_at", "Due", TIME),
        Column("signed_at", "Signed", TIME),
        Column("days_late", "Days late", NUMBER),
        Column("outcome", "Outcome"),
    ),
    read=read_training,
    count_sql="""
WITH last AS (SELECT least(%(until)s, %(at)s)::timestamptz AS at), held AS (
    SELECT g.user_id, g.role FROM portal_rolegrant g, last
    WHERE g.valid_from <= last.at AND (g.valid_until IS NULL OR g.valid_until > last.at)
)
SELECT count(*) FROM (
    SELECT user_id FROM held WHERE role <> 'auditor'
    UNION
    SELECT i.user_id FROM last, changes_entitlement e JOIN changes_thing t ON t.id = e.thing_id
    JOIN portal_identity i ON i.uid = e.account_id AND t.key LIKE i.provider || '.%%' JOIN portal_user u ON u.id = i.user_id
    WHERE e.account_kind = 'person' AND e.first_seen_at <= last.at AND (e.ended_at IS NULL OR e.ended_at > last.at)
      AND i.linked_at <= last.at AND (i.ended_at IS NULL OR i.ended_at > last.at) AND (u.left_at IS NULL OR u.left_at > last.at)
      AND NOT EXISTS (SELECT FROM held WHERE held.user_id = u.id AND held.role = 'auditor')
) roster
""",
    counts="email",
    source="Countersign's roster and signatures",
    systems=("portal",),
    filters=("outcome", "reason", "belongs"),
    wide="Everybody involved signs the policy, whatever repository they work in.",
    shown=("person", "joined_at", "reason", "due_at", "signed_at", "days_late", "outcome"),
)
ACCESS_REVIEWS = Kind(
    code="access_reviews",
    title="Access reviews",
    one="A right on the list of an access review that was opened in the window.",
    columns=(
        Column("key", "Entry"),
        Column("review", "Review"),
        Column("opened_at", "Opened", TIME),
        Column("due_at", "Due", TIME),
        Column("closed_at", "Closed", TIME),
        Column("source", "Source"),
        Column("thing", "On what"),
        Column("account", "Account"),
        Column("belongs_to", "Of whom"),
        Column("right", "Right"),
        Column("reviewer", "Reviewer"),
        Column("outcome", "Outcome"),
        Column("reason", "Reason"),
        Column("answered_by", "Answered by"),
        Column("answered_at", "Answered", TIME),
        Column("removed_at", "Right ended", TIME),
    ),
    read=read_entries,
    count_sql="""
SELECT count(*) FROM changes_reviewentry e JOIN changes_accessreview v ON v.id = e.review_id
WHERE v.opened_at >= %(since)s AND v.opened_at < %(until)s
  AND regexp_replace(split_part(e.thing, '.', 1), '^(github|gitea|gitlab)$', 'git') = ANY (%(systems)s::text[])
  AND (%(repositories)s::text[] IS NULL OR e.thing !~ '^[a-z]+[.](repository|repository_teams|branch|ruleset):' OR EXISTS (
      SELECT FROM changes_repository r
      WHERE r.name = ANY (%(repositories)s::text[]) AND e.thing LIKE r.forge || '.%%'
        AND split_part(e.thing, ':', 2) = r.vendor_id::text))
""",
    source="Rights as read from the vendors, and the portal's own",
    systems=("portal",),
    filters=("review", "source", "right", "outcome"),
    shown=("review", "thing", "account", "right", "reviewer", "answered_at", "outcome"),
)
ROLES = Kind(
    code="roles",
    title="Roles",
    one="A role in the portal that somebody held at some moment of the window.",
    columns=(
        Column("key", "Grant"),
        Column("person", "Person"),
        Column("email", "Address"),
        Column("role", "Role"),
        Column("valid_from", "From", TIME),
        Column("valid_until", "Until", TIME),
        Column("granted_by", "Granted by"),
        Column("seconded_by", "Seconded by"),
        Column("ended_by", "Ended by"),
        Column("reason", "Reason"),
        Column("outcome", "Outcome"),
    ),
    read=read_grants,
    count_sql="""
SELECT count(*) FROM portal_rolegrant g
WHERE g.valid_from < %(until)s AND (g.valid_until IS NULL OR g.valid_until > %(since)s)
""",
    source="Countersign",
    systems=("portal",),
    filters=("role", "outcome"),
    wide="A role holds for all repositories.",
    shown=("person", "role", "valid_from", "valid_until", "granted_by", "seconded_by", "outcome"),
)

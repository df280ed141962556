"""The first question of the page of a change: its newest text, and the short lists that hang on the change, in one query.

A page asks as often for a change with many verdicts as for one with none; each list comes as an array of JSON objects.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.backends.postgresql.psycopg_any import mogrify
from django.db.models import OuterRef
from django.db.models.query import RawQuerySet

from changes.delivery.models import Check, PullRequest
from changes.desk.frozen import COLUMNS, OLD_FACTS, POLICY_COLUMNS, Frozen, frozen_of, policies, policy_of, verdicts_of
from changes.desk.lists import annotations, listed
from changes.desk.panels import PANELS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals import queries
from changes.proposals.models import Change, Revision, SignOff
from portal.policy.parameters import Parameters
from portal.policy.refusal import Stale
from portal.prepared import prepared

EXCEPTION = ("id", "sentence", "state", "confirmed")
CHECK = ("id", "name", "status", "conclusion", "completed_at")
SOME_CHANGE = -482
"""No change has this key."""
LISTS = {name: listing for panel in PANELS for name, listing in panel.lists.items()}


@dataclass(frozen=True)
class Opening:
    """``verdicts`` and ``exceptions`` are newest first and hold what the page shows; ``proven`` are commits signed off."""

    revision: Revision
    verdicts: list[Frozen]
    exceptions: list[ExceptionRecord]
    proven: frozenset[str]
    lists: dict[str, list[dict[str, Any]]]
    """What the panels of the page asked for, by name."""
    policy: Parameters
    """The parameters in force."""


def opening_of(change: Change, *, auditor: bool = False) -> Opening:
    """What the page begins with. Raises ``Stale`` for a change without a text, which a whole change never is."""
    found = list(_asked(change, auditor=auditor))
    if not found:
        raise Stale(f"{change} has no text yet.")
    revision = found[0]
    here = {name: [json.loads(row) for row in vars(revision)[f"{name}_here"]] for name in ("verdicts", "policies", "exceptions")}
    policy = policy_of(here["policies"])
    return Opening(
        revision=revision,
        verdicts=[frozen_of(row, policy) for row in here["verdicts"]],
        exceptions=[ExceptionRecord(**row) for row in here["exceptions"]],
        proven=frozenset(vars(revision)["proven_here"]),
        lists={name: [json.loads(row) for row in vars(revision).get(f"{name}_here", ())] for name in LISTS},
        policy=policy,
    )


def _asked(change: Change, *, auditor: bool) -> "RawQuerySet[Revision]":
    """Planning the statement takes ten times as long as answering it, so a connection plans it once. Not behind the wall of an
    auditor, through which only reads are sent, each in full."""
    if not auditor:
        return Revision.objects.raw(prepared("opening_of_a_change", _statement), [change.pk])
    statement, values = _compiled(auditor=True)
    return Revision.objects.raw(statement, [change.pk if value == SOME_CHANGE else value for value in values])


def _statement() -> str:
    """The statement with all of its values but the change, which is ``$1``."""
    statement, values = _compiled(auditor=False)
    return mogrify(statement, values, connection).replace(str(SOME_CHANGE), "$1")


@cache
def _compiled(*, auditor: bool) -> tuple[str, tuple[Any, ...]]:
    """The statement and its values, in which ``SOME_CHANGE`` stands for the change.

    It is the same for every change, and putting it together takes longer than all queries of the page.
    """
    here = OuterRef("change_id")
    asked = {name: listing for name, listing in LISTS.items() if not (auditor and listing.personal)}
    exceptions = ExceptionRecord.objects.filter(change_id=here).exclude(state=ExceptionState.CLEARED).order_by("-found_at", "-id")
    rows = (
        Revision.objects.filter(change_id=SOME_CHANGE)
        .order_by("-number")
        .annotate(
            verdicts_here=listed(verdicts_of(here), (*COLUMNS, OLD_FACTS)),
            policies_here=listed(policies(), POLICY_COLUMNS),
            exceptions_here=listed(exceptions, EXCEPTION),
            proven_here=ArraySubquery(SignOff.objects.filter(change_id=here).values("commit_sha")),
            **annotations(asked, here=here),
        )[:1]
    )
    return rows.query.sql_with_params()


def pull_requests_of(change: Change) -> list[PullRequest]:
    """Its pull requests with repository and reviews, each with the checks of its head (see ``checks_of``)."""
    checks = Check.objects.filter(repository_id=OuterRef("repository_id"), head_sha=OuterRef("head_sha"))
    counted = checks.exclude(source=Check.Source.CHECK_SUITE)
    return list(queries.linked_pull_requests(change).annotate(checks_here=listed(counted, CHECK)))


def checks_of(row: PullRequest) -> Iterable[dict[str, Any]]:
    """The checks that ``pull_requests_of`` read, each with the columns of ``CHECK``; times are ISO text."""
    found: list[dict[str, Any]] = vars(row)["checks_here"]
    return found

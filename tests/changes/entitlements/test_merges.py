"""What gate 9, the detector and the control make of the list that was in force at a merge."""

from datetime import UTC, datetime, timedelta

import pytest

from audits.controls.catalogue import CONTROLS
from audits.controls.result import Window
from audits.controls.rows import result_of
from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.entitlements.mergers import actions
from changes.exceptions.detect import about_pull_requests
from changes.exceptions.kinds import KINDS
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUE = "github-merge-queue[bot]"


def merged(shop, number, login, uid, *, at, base="prod"):
    return PullRequest.objects.create(
        repository=shop,
        number=number,
        title="Work",
        state="merged",
        head_ref="x",
        head_sha=f"{number:040x}",
        base_ref=base,
        merged_at=at,
        merged_by_uid=uid,
        merged_by_login=login,
        merge_sha=f"{number + 100:040x}",
        touched_at=at,
        reported_at=at,
        confirmed_at=at,
    )


def test_a_merge_past_the_list_is_an_exception_and_counted_by_the_control():
    shop = Repository.objects.create(name="northwind/shop", vendor_id=1, in_scope_from=AT)
    bob, mia, dev = person("Bob"), person("Mia"), person("Dev")
    linked(bob, 2, "bob")
    row = actions.propose(repository=shop.pk, branch="prod", people=[bob], reason="On call.", by=mia, at=AT)
    actions.confirm(row=row, digest=row.digest, by=dev, at=AT + HOUR)
    rows = [
        merged(shop, 1, "zed", 9, at=AT),
        merged(shop, 2, "bob", 2, at=AT + 2 * HOUR),
        merged(shop, 3, "zed", 9, at=AT + 2 * HOUR),
        merged(shop, 4, "zed", 9, at=AT + 2 * HOUR, base="main"),
        merged(shop, 5, "", None, at=AT + 2 * HOUR),
        *(merged(shop, number, QUEUE, 77, at=AT + 2 * HOUR) for number in (6, 7, 8)),
    ]
    for row, (login, uid) in zip(rows[5:], [("", None), ("bob", 2), ("zed", 9)], strict=True):
        PullRequest.objects.filter(pk=row.pk).update(queued_by_login=login, queued_by_uid=uid)
        row.refresh_from_db()
        MergeGroup.objects.create(
            repository=shop, head_sha=row.merge_sha, head_ref="q", base_ref="prod", numbers=[row.number], reported_at=AT
        )

    found = {key: {one.kind: one for one in kinds} for key, kinds in about_pull_requests(rows=rows, parameters=DEFAULT)}
    control = next(one for one in CONTROLS.values() if one.clause == Clause.AUTHORISED_MERGE)
    result = result_of(control=control, window=Window(AT - HOUR, AT + 9 * HOUR))

    assert [key for key, kinds in found.items() if "unauthorised_merge" in kinds] == [f"{rows[2].key}:", f"{rows[7].key}:"]
    words = found[f"{rows[2].key}:"]["unauthorised_merge"].sentence
    assert words == "zed merged #3 to prod and was not on the list of authorised mergers then."
    late = found[f"{rows[7].key}:"]["unauthorised_merge"]
    words = f"{QUEUE} merged #8 to prod, into whose queue zed had put it, and was not on the list of authorised mergers then."
    assert late.sentence == words
    assert (late.evidence["queued_by"], late.evidence["queued_by_uid"]) == ("zed", 9)
    assert KINDS["unauthorised_merge"].clause == Clause.AUTHORISED_MERGE
    assert (result.population, result.deviations) == (6, 0)

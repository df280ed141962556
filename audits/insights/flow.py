"""Where changes wait: the time in each gate; and how far the proof reaches: deploys, matched, sampled, tested."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Exists, F, Min, OuterRef, Q

from audits.engagements.models import Engagement
from audits.insights.delivery import NEEDS
from audits.insights.period import Period
from audits.insights.picture import Bar, Picture, length
from audits.samples.models import Mark, SampleItem
from changes.delivery.models import Environment, Release, Review
from changes.proposals.models import Approval, Change, LinkedPullRequest
from portal.ui.components import charts

STEPS = ("opened", "reviewed", "main", "signed_off", "approved", "prod", "released")
WAITS = {
    "reviewed": "Review (gate 4)",
    "main": "CI and merge to main (gate 5)",
    "signed_off": "Staging and sign-off (gate 7)",
    "approved": "Approval for production (gate 8)",
    "prod": "Merge to prod (gate 9)",
    "released": "Release (gate 10)",
}
"""What a change waits for until each of its moments."""
Moments = dict[str, datetime | None]


def waits_in(moments: Moments) -> Iterator[tuple[str, timedelta]]:
    """How long a change waited for each step, from the latest moment before it. What is not known is left out; none is negative."""
    known = [(step, at) for step in STEPS if (at := moments.get(step)) is not None]
    latest = known[0][1] if known else None
    for (_, before), (step, at) in pairwise(known):
        latest = max(latest or before, before)
        yield step, max(at - latest, timedelta(0))


def gates_picture(period: Period) -> Picture:
    """The middle time in each gate of the changes that were released in the period."""
    words = "Middle time that released changes waited for each gate."
    found: dict[str, list[timedelta]] = {step: [] for step in WAITS}
    count = 0
    for moments in _moments(period):
        count += 1
        for step, took in waits_in(moments):
            found[step].append(took)
    times = [(WAITS[step], _middle(took), len(took)) for step, took in found.items() if took]
    if not times:
        return Picture("gates", "Lead time by gate", words, missing=NEEDS)
    longest = max(times, key=lambda item: item[1])
    most = max(longest[1].total_seconds(), 1)
    bars = tuple(Bar(name, took.total_seconds(), most, f"{length(took)}") for name, took, _ in times)
    rows = [(name, length(took), number) for name, took, number in times]
    table = charts.figures(("Gate", "Median", "Changes"), rows, label="Time in each gate")
    return Picture("gates", f"Changes wait longest for: {longest[0]}", f"{words} {count} changes.", bars=bars, table=table)


def _middle(times: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(time.total_seconds() for time in times))


def _moments(period: Period) -> Iterator[Moments]:
    rows = Change.objects.filter(released_at__gte=period.since, released_at__lt=period.until)
    if period.scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(period.scope.repositories))
    work = Q(links__role=LinkedPullRequest.Role.WORK)
    main = work & Q(links__pull_request__base_ref=F("links__pull_request__repository__main_branch"))
    approved = Q(links__pull_request__reviews__state=Review.State.APPROVED) & work
    values = rows.order_by("number").annotate(
        opened=Min("links__pull_request__opened_at", filter=work),
        reviewed=Min("links__pull_request__reviews__submitted_at", filter=approved),
        main=Min("links__pull_request__merged_at", filter=main),
        signed_off=Min("sign_offs__at"),
        approved=Min("approvals__at", filter=Q(approvals__verdict=Approval.Verdict.YES)),
    )
    for row in values.values("opened", "reviewed", "main", "signed_off", "approved", "merged_at", "released_at"):
        moments: dict[str, Any] = dict(row)
        yield moments | {"prod": row["merged_at"], "released": row["released_at"]}


def funnel_picture(period: Period, engagement: Engagement | None) -> Picture:
    """Deploys to production, those that belong to a change, and how many rows auditors drew and tested."""
    rows = Release.objects.filter(environment=Environment.PRODUCTION, succeeded_at__gte=period.since, succeeded_at__lt=period.until)
    if period.scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(period.scope.repositories))
    links = LinkedPullRequest.objects.filter(pull_request__repository=OuterRef("repository"))
    mine = Q(pull_request__merge_sha=OuterRef("commit_sha")) | Q(pull_request__head_sha=OuterRef("commit_sha"))
    deploys, matched = rows.count(), rows.exclude(commit_sha="").filter(Exists(links.filter(mine))).count()
    items = SampleItem.objects.filter(added_at__gte=period.since, added_at__lt=period.until)
    if engagement is not None:
        items = items.filter(sample__population__engagement=engagement)
    sampled = items.count()
    tested = items.filter(Exists(Mark.objects.filter(item=OuterRef("pk")))).count()
    words = "Releases to production, those whose commit belongs to a change, and what was drawn and tested in audits."
    if not deploys:
        return Picture("funnel", "From deploys to tests", words, missing=NEEDS)
    lost = deploys - matched
    title = "Every release belongs to a change" if not lost else f"{lost} of {deploys} releases belong to no change"
    steps = (("Releases", deploys), ("Matched with a change", matched), ("Drawn into samples", sampled), ("Tested", tested))
    most = max(deploys, sampled)
    bars = tuple(
        Bar(label, number, most, f"{number}", "bad" if lost and label.startswith("Matched") else "accent")
        for label, number in steps
    )
    return Picture("funnel", title, words, bars=bars, table=charts.figures(("Step", "Count"), steps, label="From deploys to tests"))

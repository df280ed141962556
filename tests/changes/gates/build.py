"""Facts for the tables of the gates: one complete standard change, from which each case differs in what it is about.

Minutes count from 09:00 UTC on 2 February 2026, a Monday.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from changes.delivery.actor import Actor
from changes.gates.facts import (
    ApprovalFact,
    ChangeFacts,
    CheckFact,
    DirectPushFact,
    PullRequestFact,
    ReleaseFact,
    ReviewAfterFact,
    ReviewFact,
    SignOffFact,
)
from portal.policy.parameters import DEFAULT, Parameters

ANN = Actor("github:1", "ann", person=1)
BOB = Actor("github:2", "bob", person=2)
CLEO = Actor("github:3", "cleo", person=3)
DEV = Actor("github:4", "dev", person=4)
MIA = Actor("user:5", "Mia", person=5)
BOB_IN_PORTAL = Actor("user:2", "Bob Brown", person=2)
BOBS_OTHER_ACCOUNT = Actor("github:22", "bob-at-night", person=2)
ROBOT = Actor("github:9", "renovate[bot]", bot=True)
STRANGER = Actor("mail:jo@example.test", "Jo")

START = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
OLD, HEAD, ON_MAIN, ON_PROD = (letter * 40 for letter in "abcd")
MERGED_TO_MAIN, STAGED, MERGED_TO_PROD, RELEASED, NOW = 20, 30, 60, 70, 90
WEB, API = "acme/web", "acme/api"


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def review(by=BOB, state="approved", commit=HEAD, at=10, confirmed=True) -> ReviewFact:
    return ReviewFact(by, state, commit, None if at is None else minute(at), confirmed)


def check(name="tests", conclusion="success", commit=HEAD, at=15, status="completed", confirmed=True) -> CheckFact:
    return CheckFact(name, commit, status, conclusion, None if at is None else minute(at), confirmed)


def pull_request(**values) -> PullRequestFact:
    """Ann's pull request into main, approved and green, not merged yet."""
    standard = {
        "repository": WEB,
        "number": 17,
        "role": "work",
        "base": "main",
        "head_sha": HEAD,
        "state": "open",
        "author": ANN,
        "contributors": (ANN,),
        "reviews": (review(),),
        "checks": (check(),),
        "required_checks": None,
        "merged_at": None,
        "merged_by": None,
        "merge_sha": "",
        "confirmed": True,
    }
    return PullRequestFact(**(standard | values))


def merged(**values) -> PullRequestFact:
    """The same, merged to main."""
    standard = {"state": "merged", "merged_at": minute(MERGED_TO_MAIN), "merged_by": BOB, "merge_sha": ON_MAIN}
    return pull_request(**(standard | values))


def promotion(**values) -> PullRequestFact:
    """Its promotion to prod, approved and green, not merged yet."""
    standard = {
        "number": 18,
        "role": "promotion",
        "base": "prod",
        "head_sha": ON_MAIN,
        "reviews": (review(commit=ON_MAIN, at=40),),
        "checks": (check(commit=ON_MAIN, at=41),),
    }
    return pull_request(**(standard | values))


def promoted(**values) -> PullRequestFact:
    """The same, merged to prod."""
    standard = {"state": "merged", "merged_at": minute(MERGED_TO_PROD), "merged_by": BOB, "merge_sha": ON_PROD}
    return promotion(**(standard | values))


def hotfix(**values) -> PullRequestFact:
    """Work that went to prod directly."""
    standard = {"number": 44, "base": "prod", "merged_at": minute(MERGED_TO_PROD), "merge_sha": ON_PROD}
    return merged(**(standard | values))


def release(
    environment="production", commit=ON_PROD, began=65, succeeded=RELEASED, state="succeeded", label="r2", confirmed=True, **more
):
    at = None if succeeded is None else minute(succeeded)
    return ReleaseFact(environment, commit, state, minute(began), at, label, confirmed, **more)


def staged(commit=ON_MAIN, succeeded=STAGED, began=25, **values) -> ReleaseFact:
    return release(**({"environment": "staging", "commit": commit, "began": began, "succeeded": succeeded, "label": "r1"} | values))


def approval(
    by=BOB_IN_PORTAL, verdict="yes", head=ON_MAIN, at=45, digest="digest", lapsed="", lapsed_at=None, **more
) -> ApprovalFact:
    return ApprovalFact(by, verdict, digest, head, minute(at), lapsed, None if lapsed_at is None else minute(lapsed_at), **more)


def sign_off(by=MIA, commit=ON_MAIN, at=35) -> SignOffFact:
    return SignOffFact(by, commit, minute(at))


def push(by=DEV, commit=OLD, at=50, confirmed=True) -> DirectPushFact:
    return DirectPushFact(WEB, commit, by, minute(at), confirmed)


def written(kind="post_implementation", by=ANN, at=80, outcome="went_well") -> ReviewAfterFact:
    return ReviewAfterFact(kind, by, outcome, minute(at))


def change(**values) -> ChangeFacts:
    """A standard change that did everything right and is in production."""
    standard = {
        "number": 1042,
        "as_of": minute(NOW),
        "category": "standard",
        "size": "normal",
        "kind": "application",
        "title": "Raise the memory of web",
        "why": "It runs out of memory.",
        "what": "1 GB instead of 512 MB.",
        "tested": "By hand.",
        "rollback": "Release the version before.",
        "snapshot": "",
        "revision": 3,
        "revision_digest": "digest",
        "has_migration": False,
        "requester": ANN,
        "opened_by": "pull_request",
        "approved_by": "review",
        "pull_requests": (merged(), promoted()),
        "releases": (staged(), release()),
        "reviews_after": (written(),),
        "review_due_at": minute(10_000),
        "connected": frozenset({"meetings", "slack", "mergers", "fly"}),
    }
    mergers = values.pop("authorised_mergers", (BOB, CLEO))
    facts = ChangeFacts(**(standard | values))
    return replace(facts, pull_requests=tuple(replace(pr, authorised_mergers=mergers) for pr in facts.pull_requests))


def emergency(**values) -> ChangeFacts:
    """An emergency that went to prod directly, with Bob's +1 on the pull request, and is reviewed."""
    standard = {
        "category": "emergency",
        "pull_requests": (hotfix(),),
        "releases": (release(),),
        "reviews_after": (written(), written(kind="retrospective", by=CLEO, at=85)),
        "retrospective_due_at": minute(5_000),
    }
    return change(**(standard | values))


def unconfirmed():
    """Everything right, as webhooks alone told it."""
    reviews, checks = (review(confirmed=False),), (check(confirmed=False),)
    on_main = (review(commit=ON_MAIN, at=40, confirmed=False),), (check(commit=ON_MAIN, at=41, confirmed=False),)
    return change(
        pull_requests=(
            merged(reviews=reviews, checks=checks, confirmed=False),
            promoted(reviews=on_main[0], checks=on_main[1], confirmed=False),
        ),
        releases=(staged(confirmed=False), release(confirmed=False)),
    )


def pushed_past(**values) -> ChangeFacts:
    """A commit that went to prod without a pull request; the portal opened the change."""
    standard = {"opened_by": "portal", "pull_requests": (), "releases": (), "reviews_after": (), "direct_pushes": (push(),)}
    return change(**(standard | values))


def draft(**values) -> ChangeFacts:
    """A proposal from the form, before any code."""
    return change(**({"opened_by": "form", "pull_requests": (), "releases": (), "reviews_after": ()} | values))


def judged(rule, facts: ChangeFacts, parameters: Parameters = DEFAULT) -> tuple[str, str]:
    """What a rule says: state and reason."""
    gate = rule(facts, parameters)
    return str(gate.state), gate.reason


def with_parameters(**values) -> Parameters:
    return replace(DEFAULT, **values)

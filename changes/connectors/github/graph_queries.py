"""The questions that are asked in GraphQL, as text. What they cost and how they are limited: docs/connectors/github.md.

A page of a hundred pull requests with the first page of everything below it costs seven points of five thousand an hour. What is
longer than its first page is asked for by the pull request's number, several at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

REVIEWS, FILES, COMMITS, CONTEXTS = 30, 100, 30, 50
"""How much of each list comes with the page of pull requests: more than nearly all have."""
REST = 100
"""How much of a list one later question takes: all that GitHub allows."""
TOGETHER = 20
"""Pull requests whose lists are continued in one question."""
LIMITS = "rateLimit { cost remaining resetAt }"
PLACE = "pageInfo { hasNextPage endCursor }"
WHO = """
fragment who on Actor {
  __typename
  login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}
"""
PERSON = "{ name email user { databaseId login } }"
REVIEW = "fullDatabaseId state submittedAt author { ...who } commit { oid }"
FILE = "path changeType additions deletions"
COMMIT = f"commit {{ oid message author {PERSON} committer {PERSON} }}"
SIGNED = (
    f"commit {{ oid message author {PERSON} committer {PERSON} "
    "signature { isValid wasSignedByGitHub } parents(first: 2) { totalCount } }"
)
CONTEXT = """
__typename
... on CheckRun { databaseId url name status conclusion startedAt completedAt checkSuite { app { slug name } } }
... on StatusContext { context }
"""
QUEUED = """
queued: timelineItems(last: 1, itemTypes: ADDED_TO_MERGE_QUEUE_EVENT) {
  nodes { ... on AddedToMergeQueueEvent { enqueuer { databaseId login } } }
}
"""
"""Who put it into the merge queue last: the queue merges with an account of its own."""
PARTS = {
    "reviews": ("reviews", REVIEW),
    "files": ("files", FILE),
    "commits": ("commits", COMMIT),
    "signed": ("commits", SIGNED),
}
"""Lists directly below a pull request, and what is asked of each entry. ``signed`` are commits with all that tells a merge."""


def _listed(name: str, first: str, entry: str) -> str:
    return f"{name}({first}) {{ {PLACE} nodes {{ {entry} }} }}"


def _head(first: str) -> str:
    """The checks of the newest commit."""
    contexts = _listed("contexts", first, CONTEXT)
    return f"head: commits(last: 1) {{ nodes {{ commit {{ oid statusCheckRollup {{ {contexts} }} }} }} }}"


PULL_REQUEST = f"""
number title body state isDraft createdAt updatedAt closedAt mergedAt additions deletions changedFiles
headRefName headRefOid baseRefName baseRefOid isCrossRepository
headRepository {{ databaseId }} baseRepository {{ databaseId }}
author {{ ...who }} mergedBy {{ ...who }} mergeCommit {{ oid }}
labels(first: 100) {{ nodes {{ name }} }}
{QUEUED}
{_listed("reviews", f"first: {REVIEWS}", REVIEW)}
{_listed("files", f"first: {FILES}", FILE)}
{_listed("commits", f"first: {COMMITS}", COMMIT)}
{_head(f"first: {CONTEXTS}")}
"""
PAGE = f"""
query PullRequests($owner: String!, $name: String!, $first: Int!, $after: String) {{
  {LIMITS}
  repository(owner: $owner, name: $name) {{
    pullRequests(first: $first, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      totalCount
      {PLACE}
      nodes {{ {PULL_REQUEST} }}
    }}
  }}
}}
{WHO}"""

QUEUE = f"""
query Queued($owner: String!, $name: String!, $number: Int!) {{
  {LIMITS}
  repository(owner: $owner, name: $name) {{ pullRequest(number: $number) {{ {QUEUED} }} }}
}}
"""


@dataclass(frozen=True)
class Wanted:
    """The continuation of one list of one pull request, from ``after`` on (None: from its beginning)."""

    number: int
    part: str
    """reviews, files, commits, signed or contexts."""
    after: str | None


def rest(wanted: Sequence[Wanted]) -> tuple[str, dict[str, Any]]:
    """(the question, its variables) for these continuations; each answers under ``p0``, ``p1`` and so on."""
    named = "".join(f", $a{place}: String" for place in range(len(wanted)))
    below = "\n".join(f"p{place}: pullRequest(number: {one.number}) {{ {_part(place, one)} }}" for place, one in enumerate(wanted))
    who = WHO if any(one.part == "reviews" for one in wanted) else ""
    text = f"query Rest($owner: String!, $name: String!{named}) {{ {LIMITS} repository(owner: $owner, name: $name) {{ {below} }} }}"
    return text + who, {f"a{place}": one.after for place, one in enumerate(wanted)}


def _part(place: int, one: Wanted) -> str:
    first = f"first: {REST}, after: $a{place}"
    if one.part == "contexts":
        return _head(first)
    name, entry = PARTS[one.part]
    return _listed(name, first, entry)

"""What a pull request says by itself about the change that it carries: its part, its text, whom it came from, what it names."""

import re

from changes.delivery.models import PullRequest
from changes.proposals.headings import lift, references
from changes.proposals.models import LinkedPullRequest

Role = LinkedPullRequest.Role
REVERT = re.compile(r'\s*Revert "', re.IGNORECASE)
"""How the forge and Git title what undoes something."""
MOST_NAMED = 200
"""Changes that one pull request can join by naming them. A promotion carries what Git says, whatever it names."""


def role_of(pull_request: PullRequest) -> str:
    """What part a pull request plays: work, promotion or back_merge."""
    repository = pull_request.repository
    ends = (pull_request.head_ref, pull_request.base_ref)
    if pull_request.head_is_fork:
        return Role.WORK
    if ends == (repository.main_branch, repository.prod_branch):
        return Role.PROMOTION
    if ends == (repository.prod_branch, repository.main_branch):
        return Role.BACK_MERGE
    return Role.WORK


def named_in(row: PullRequest) -> tuple[int, ...]:
    """The numbers that it names. The title and the branch of a revert repeat those of what it undoes: its body alone counts."""
    texts = (row.body,) if REVERT.match(row.title) else (row.title, row.head_ref, row.body)
    return references(*texts)[:MOST_NAMED]


def account_of(row: PullRequest) -> str:
    """The account that opened it, as the ledger names actors: after its forge, ``gitlab:7:ann``.

    Older entries say ``github`` of every forge; they stay as they are.
    """
    return f"{row.repository.forge}:{row.author_uid or ''}:{row.author_login}"


def texts_from(row: PullRequest) -> dict[str, str]:
    """The text of a proposal in the words of the pull request."""
    return {"title": row.title, **vars(lift(row.body))}

"""Asks for readings: what is to be read from a vendor's API, once, however often it is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from changes.connectors.models import Reading, Source
from changes.delivery.facts import PullRequestReported
from changes.delivery.models import PullRequest, Repository


@dataclass(frozen=True)
class Asked:
    """One wish to read something again."""

    source: Source
    repository: Repository
    subject: str
    at: datetime


def ask(*, source: Source, repository: Repository, subject: str, at: datetime) -> None:
    """Ask for one reading; asking again while it waits changes nothing, after it was done it asks anew.

    A source whose API cannot be read is not asked: its facts stay marked as reported.
    """
    ask_all(asked=[Asked(source, repository, subject, at)])


def ask_all(*, asked: Iterable[Asked]) -> None:
    """Ask for many readings with one statement; of several wishes for one reading the last one counts."""
    last = {(one.source.pk, one.repository.pk, one.subject): one for one in asked if one.source.readable}
    Reading.objects.bulk_create(
        [
            Reading(source=one.source, repository=one.repository, subject=one.subject, wanted_at=one.at)
            for _, one in sorted(last.items())
        ],
        update_conflicts=True,
        unique_fields=["source", "repository", "subject"],
        update_fields=["wanted_at", "done_at", "not_before", "attempts"],
    )


def ask_for_rules(*, source: Source, repository: Repository, at: datetime) -> None:
    """Read the rules of both restricted branches, the repository itself and its environments."""
    ask(source=source, repository=repository, subject="repository:", at=at)
    for branch in (repository.main_branch, repository.prod_branch):
        ask(source=source, repository=repository, subject=f"rules:{branch}", at=at)


def ask_unless_read(*, source: Source, repository: Repository, fact: PullRequestReported, at: datetime) -> bool:
    """Ask for the whole of a pull request of which only a line was seen, unless this very version was read. Returns whether it did.

    To be called before that line is recorded: it says nothing of reviews and of who merged.
    """
    known = PullRequest.objects.filter(repository=repository, number=fact.number).first()
    if known is not None and known.confirmed_at is not None and known.vendor_updated_at == fact.vendor_updated_at:
        return False
    ask(source=source, repository=repository, subject=f"pull_request:{fact.number}", at=at)
    return True

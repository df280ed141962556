"""Record how a repository is set at the forge, reading by reading: a snapshot for each difference, with its evidence (P-08)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from changes.delivery.branch_names import names_of, present_name
from changes.delivery.facts import RuleSuiteReported
from changes.delivery.models import Repository
from changes.delivery.rule_models import RulesSnapshot, RuleSuite
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of

BRANCH = "branch:"
"""How the subject of what guards a branch begins."""
Compare = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[list[str], list[str]]]


def newest(*, repository: Repository, subject: str) -> RulesSnapshot | None:
    """The snapshot that the last reading showed; that of a branch also where it was read under a name that it had before."""
    subjects = subjects_of(repository=repository, subject=subject)
    return RulesSnapshot.objects.filter(repository=repository, subject__in=subjects).order_by("-read_at", "-id").first()


def subjects_of(*, repository: Repository, subject: str) -> list[str]:
    """Under which subjects the snapshots of a thing stand: a branch may have had other names."""
    if not subject.startswith(BRANCH):
        return [subject]
    return [BRANCH + name for name in names_of(repository=repository, name=subject.removeprefix(BRANCH))]


@transaction.atomic
def record_rules(
    *,
    repository: Repository,
    subject: str,
    rules: Mapping[str, Any],
    compare: Compare,
    at: datetime,
    changed_by: Callable[[datetime], int | None] = lambda since: None,
) -> RulesSnapshot | None:
    """Keep one reading. Returns the new snapshot when something differs from the one before, or it is the first; else None.

    ``compare`` gives the differences in words, and those that loosen something. ``changed_by`` is asked who changed it, with
    the last moment when it was otherwise; it is not asked for a first reading.
    """
    with connection.cursor() as cursor:  # two readings of one subject wait for each other
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rules:{repository.pk}:{subject}"])
    digest, known = digest_of(rules), newest(repository=repository, subject=subject)
    if known is not None and known.digest == digest:
        RulesSnapshot.objects.filter(pk=known.pk, last_read_at__lt=at).update(last_read_at=at)
        return None
    words, weaker = compare(known.rules, rules) if known is not None else ([], [])
    made = RulesSnapshot.objects.create(
        repository=repository,
        subject=subject,
        digest=digest,
        rules=dict(rules),
        differences=words,
        weaker=weaker,
        after=known.last_read_at if known is not None else None,
        read_at=at,
        last_read_at=at,
        actor_uid=changed_by(known.last_read_at) if known is not None else None,
    )
    append(
        stream=f"repository:{repository.pk}",
        kind="repository.rules_changed" if known is not None else "repository.rules_read",
        actor="portal",
        fact={"name": repository.name, "subject": subject, "digest": digest, "differences": words, "at": at.isoformat()},
        rows=[made],
    )
    return made


@transaction.atomic
def record_suite(*, repository: Repository, fact: RuleSuiteReported, at: datetime) -> RuleSuite | None:
    """Keep a push that the rules of main or prod judged; None when it is known, or about another branch."""
    branch = present_name(repository=repository, name=fact.branch, at=fact.pushed_at)
    if branch not in (repository.main_branch, repository.prod_branch) or fact.pushed_at < repository.in_scope_from:
        return None
    row, made = RuleSuite.objects.get_or_create(
        repository=repository,
        vendor_id=fact.vendor_id,
        defaults={
            "branch": branch,
            "before": fact.before,
            "after": fact.after,
            "actor_uid": fact.actor_uid,
            "actor_login": fact.actor_login or "",
            "result": fact.result,
            "pushed_at": fact.pushed_at,
            "read_at": at,
        },
    )
    return row if made else None

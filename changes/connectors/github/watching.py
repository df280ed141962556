"""Watches how a repository is set at GitHub: its branches' rules, its environments, the repository itself (P-08).

Each reading is a snapshot where something differs. What loosens a rule, who may get past it without a trace, and our own check
that is not required as it was, become exceptions with the interval between two readings.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from changes.connectors.errors import Forbidden, NotFound
from changes.connectors.github.assets import observe_environments, unreadable
from changes.connectors.github.client import GitHub
from changes.connectors.github.guards import EXEMPT, branch_guard, compared, environment_guard
from changes.connectors.github.rulebook import Rulebook
from changes.delivery import actions as record
from changes.delivery.branch_names import awaits
from changes.delivery.facts import BranchRulesReported, RepositoryFact
from changes.delivery.models import Repository
from changes.delivery.rule_models import RuleEvent, RulesSnapshot, RuleSuite
from changes.delivery.rules import newest, record_rules, record_suite, subjects_of
from changes.exceptions import intervals
from changes.exceptions.actions import Found, open_exception
from changes.gates.publishing import CHECK_NAME
from changes.proposals.deriving import follow_rename

TOLD_BY_EVENT = timedelta(minutes=2)
"""How far a delivery about an edit may lie outside the two readings around it."""
Json = Mapping[str, Any]


def compare(before: Json, after: Json) -> tuple[list[str], list[str]]:
    """As ``record_rules`` wants it."""
    return compared(before=before, after=after)


def watch_branch(*, book: Rulebook, repository: Repository, rules: BranchRulesReported, at: datetime) -> RulesSnapshot | None:
    """Keep what guards a branch, and find what is wrong with it. Nothing is concluded from a part of the truth, nor before it is
    known whether a new name means the same branch."""
    protection = rules.raw.get("protection")
    if not rules.raw.get("seen") or (isinstance(protection, Mapping) and "enabled" in protection):
        return None
    if awaits(repository=repository, name=rules.branch):
        return None
    numbers = {rule.get("ruleset_id"): rule for rule in rules.raw["rules"] if rule.get("ruleset_id")}
    found = [book.ruleset(rule=rule) or {"name": f"ruleset {number}"} for number, rule in numbers.items()]
    guard = branch_guard(rules=rules.raw["rules"], protection=protection, rulesets=found)
    subject = f"branch:{rules.branch}"
    made = record_rules(
        repository=repository,
        subject=subject,
        rules=guard,
        compare=compare,
        at=at,
        changed_by=lambda since: _changed_by(book, numbers, since),
    )
    _find_weaker(repository, made, f"what guards {rules.branch}")
    _find_exempt(repository, subject, rules.branch, guard, made, at)
    _find_check(repository, subject, rules.branch, guard, made, at)
    return made


def _changed_by(book: Rulebook, numbers: Iterable[Any], since: datetime) -> int | None:
    actors = (book.changed_by(ruleset=number, since=since) for number in numbers if isinstance(number, int))
    return next((actor for actor in actors if actor is not None), None)


def _find_weaker(repository: Repository, made: RulesSnapshot | None, what: str) -> None:
    """Loosened since the last reading; not when a delivery has told of it already. Access that was given is another matter."""
    if made is None or not made.weaker or made.after is None:
        return
    told = RuleEvent.objects.filter(repository=repository, weakens=True).exclude(kind=RuleEvent.Kind.MEMBER)
    if told.filter(happened_at__range=(made.after - TOLD_BY_EVENT, made.read_at + TOLD_BY_EVENT)).exists():
        return
    found = Found(
        kind="protection_weakened",
        subject=made.subject,
        key=f"{repository.key}:rules:{made.pk}:protection_weakened",
        sentence=f"Between {_words(made.after)} and {_words(made.read_at)}, {what} became weaker: {'; '.join(made.weaker)}.",
        happened_at=made.after,
        confirmed=True,
        evidence={
            "actor": f"account {made.actor_uid}" if made.actor_uid else "",
            "actor_uid": made.actor_uid,
            "subject": made.subject,
            "after": made.after.isoformat(),
            "read_at": made.read_at.isoformat(),
            "differences": made.differences,
        },
    )
    open_exception(repository=repository, found=found, at=made.read_at)


def _find_exempt(repository: Repository, subject: str, branch: str, guard: Json, made: RulesSnapshot | None, at: datetime) -> None:
    prefix = f"{repository.key}:exempt:{_outlasting(repository, subject)}"
    exempt = [who for who in guard["bypass"] or () if who.endswith(f"({EXEMPT})")]
    if exempt:
        intervals.begin(
            kind="rule_exempt",
            prefix=prefix,
            subject=branch,
            sentence=f"{', '.join(exempt)} may get past the rules of {branch}, and GitHub keeps no entry of it.",
            since=_since(made, at),
            at=at,
            repository=repository,
            evidence={"branch": branch, "exempt": exempt},
        )
    elif guard["bypass"] is not None:
        intervals.end(prefix=prefix, words="Nobody may get past the rules without a trace any more.", at=at)


def _find_check(repository: Repository, subject: str, branch: str, guard: Json, made: RulesSnapshot | None, at: datetime) -> None:
    """Our check was required once and is not any more, or anybody with write access could write it."""
    prefix = f"{repository.key}:check:{_outlasting(repository, subject)}"
    checks = guard["checks"]
    tellable = repository.forge == "github"  # elsewhere a check has no source that could be expected
    if CHECK_NAME in checks and (checks[CHECK_NAME] is not None or not tellable):
        intervals.end(prefix=prefix, words=f"The check {CHECK_NAME} is required again, from its app.", at=at)
        return
    if CHECK_NAME in checks:
        words = f"The check {CHECK_NAME} is required on {branch} from no certain app: anybody with write access can write it."
    elif _was_required(repository, subject):
        words = f"The check {CHECK_NAME} is not required on {branch} any more."
    else:
        return
    intervals.begin(
        kind="check_not_required",
        prefix=prefix,
        subject=branch,
        sentence=words,
        since=_since(made, at),
        at=at,
        repository=repository,
        evidence={"branch": branch, "checks": dict(checks)},
    )


def _was_required(repository: Repository, subject: str) -> bool:
    subjects = subjects_of(repository=repository, subject=subject)
    return RulesSnapshot.objects.filter(repository=repository, subject__in=subjects, rules__checks__has_key=CHECK_NAME).exists()


def _outlasting(repository: Repository, subject: str) -> str:
    """The subject under the first name of its branch: what was found lasting under it ends under another name."""
    return subjects_of(repository=repository, subject=subject)[-1]


def _since(made: RulesSnapshot | None, at: datetime) -> datetime:
    return made.after if made is not None and made.after is not None else at


def watch_suites(*, book: Rulebook, repository: Repository, at: datetime) -> list[RuleSuite]:
    """Keep pushes that the rules refused or that somebody took past them; each bypass is an exception. Returns the new ones."""
    try:
        rows = [record_suite(repository=repository, fact=fact, at=at) for fact in book.suites()]
    except (Forbidden, NotFound):  # rulesets are not there for every plan, and their suites not for every token
        return []
    new = [row for row in rows if row is not None]
    for row in new:
        if row.result == "bypass":
            open_exception(repository=repository, found=_bypassed(repository, row), at=at)
    return new


def _bypassed(repository: Repository, row: RuleSuite) -> Found:
    who = row.actor_login or "Somebody"
    return Found(
        kind="rule_bypassed",
        subject=f"{row.branch}:{row.after[:12]}",
        key=f"{repository.key}:suite:{row.vendor_id}:rule_bypassed",
        sentence=f"{who} took {row.after[:7]} past the rules of {row.branch}.",
        happened_at=row.pushed_at,
        confirmed=True,
        evidence={
            "actor": row.actor_login,
            "actor_uid": row.actor_uid,
            "branch": row.branch,
            "before": row.before,
            "after": row.after,
            "suite": row.vendor_id,
        },
    )


def watch_environments(*, book: Rulebook, repository: Repository, at: datetime) -> int:
    """Keep how each environment is guarded. Returns how many there are; 0 also where GitHub does not let us see them."""
    try:
        found = book.environments()
    except (Forbidden, NotFound):
        return 0
    guarded = []
    for environment in found:
        name = str(environment.get("name", ""))
        guard = environment_guard(environment=environment, gates=book.gates(environment=name))
        guarded.append((environment, guard))
        made = record_rules(repository=repository, subject=f"environment:{name}", rules=guard, compare=compare, at=at)
        _find_weaker(repository, made, f"what guards deployments to {name}")
    observe_environments(source=book.source, repository=repository, environments=guarded, at=at)
    return len(found)


def watch_repository(*, client: GitHub, repository: Repository, at: datetime) -> bool:
    """Follow its name, keep how it is set, and say loudly when it is not there. False when nothing else of it can be read."""
    try:
        fact = client.repository()
    except (Forbidden, NotFound):
        name = repository.name
        return _lost(repository, f"{name} cannot be read: it was deleted, or the portal may not see it any more.", at)
    if repository.vendor_id is not None and fact.vendor_id not in (None, repository.vendor_id):
        return _lost(repository, f"Another repository has taken over the name {repository.name}.", at)
    _follow(repository, fact)
    intervals.end(prefix=unreadable(repository), words="It can be read again.", at=at)
    trouble = f"{repository.name} is archived: nothing can be merged to it." if fact.archived else ""
    Repository.objects.filter(pk=repository.pk).exclude(trouble=trouble).update(trouble=trouble)
    settings = {"default_branch": fact.default_branch, "archived": bool(fact.archived), "disabled": bool(fact.disabled)}
    settings |= {"visibility": fact.visibility or ""}
    before = newest(repository=repository, subject="repository")
    made = record_rules(repository=repository, subject="repository", rules=settings, compare=compare, at=at)
    if made is not None and before is not None:
        _find_weaker(repository, made, "the repository")
        _find_default_branch(repository, before.rules, made)
    return True


def _follow(repository: Repository, fact: RepositoryFact) -> None:
    record.take_over_names(repository=repository, fact=fact, at_present=True)
    if repository.renamed_from:
        follow_rename(was=repository.renamed_from, name=repository.name)


def _lost(repository: Repository, words: str, at: datetime) -> bool:
    Repository.objects.filter(pk=repository.pk).update(trouble=words)
    intervals.begin(
        kind="repository_unreadable",
        prefix=unreadable(repository),
        subject=repository.name,
        sentence=words,
        since=repository.polled_at or at,
        at=at,
        repository=repository,
        evidence={"repository": repository.name, "vendor_id": repository.vendor_id},
    )
    return False


def _find_default_branch(repository: Repository, before: Json, made: RulesSnapshot) -> None:
    was, now = before.get("default_branch"), made.rules.get("default_branch")
    if was == now:
        return
    found = Found(
        kind="default_branch_changed",
        subject=repository.name,
        key=f"{repository.key}:rules:{made.pk}:default_branch_changed",
        sentence=f"The default branch of {repository.name} became {now}; it was {was} at {_words(made.after or made.read_at)}.",
        happened_at=made.after or made.read_at,
        confirmed=True,
        evidence={"before": was, "after": now},
    )
    open_exception(repository=repository, found=found, at=made.read_at)


def _words(moment: datetime) -> str:
    return f"{moment:%-d %b %Y %H:%M} UTC"

"""Pushes into prod past every pull request: what is known of one, the change that answers for it, and its verdicts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.delivery.models import BranchCommit, Push, Release, Repository
from changes.exceptions.models import ExceptionRecord
from changes.exceptions.owning import person_behind
from changes.gates.actions import freeze, reassess
from changes.gates.models import Verdict
from changes.proposals import actions as proposals
from changes.proposals.headings import references
from changes.proposals.lifecycle import State
from changes.proposals.models import DECLARED, Category, Change, LinkedPush
from changes.proposals.pushes import Pushed
from changes.proposals.refreshing import refresh
from changes.proposals.undeclared import REASON

TITLE = 200
MOST = 20
"""Commits whose first lines the portal's own text repeats."""


def pushed_of(record: ExceptionRecord, repository: Repository) -> Pushed | None:
    """The push that an exception is about: as the forge told it, else as Git shows it. None when neither knows it any more."""
    branch = repository.prod_branch
    commit = str(record.evidence.get("after") or record.evidence.get("commit") or "")
    told = Push.objects.filter(repository=repository, branch=branch, after=commit).order_by("pushed_at", "id").first()
    if told is not None:
        return _as_told(told, repository)
    shown = BranchCommit.objects.filter(repository=repository, branch=branch, sha=commit).first()
    return _as_shown(shown, repository) if shown is not None else None


def _as_told(push: Push, repository: Repository) -> Pushed:
    return Pushed(
        repository=repository,
        branch=push.branch,
        commit=push.after,
        login=push.pusher_login,
        uid=push.pusher_uid,
        at=push.pushed_at,
        confirmed=push.confirmed_at is not None,
        people=tuple(_author(commit, push) for commit in push.commits),
        paths=tuple(sorted({path for commit in push.commits for path in commit.get("paths", [])})),
        subjects=tuple(f"{str(commit.get('sha', ''))[:7]} {_first_line(commit.get('message'))}" for commit in push.commits),
    )


def _author(commit: Mapping[str, Any], push: Push) -> dict[str, Any]:
    """An author as the push names them: by login, which is the pusher's own account where they are the same."""
    login = str(commit.get("author_login") or "")
    uid = push.pusher_uid if login and login.lower() == push.pusher_login.lower() else None
    return {"uid": uid, "login": login, "name": login, "email": str(commit.get("author_email") or ""), "role": "author"}


def _as_shown(commit: BranchCommit, repository: Repository) -> Pushed:
    """Git knows no account at the forge: who did it is whoever the portal knows by the committer's address."""
    author = {"uid": None, "login": "", "name": commit.author_name, "email": commit.author_email, "role": "author"}
    return Pushed(
        repository=repository,
        branch=commit.branch,
        commit=commit.sha,
        login=commit.committer_email or commit.committer_name,
        uid=None,
        at=commit.committed_at,
        confirmed=True,
        people=(author,),
        paths=tuple(commit.paths),
        subjects=(f"{commit.sha[:7]} {_first_line(commit.subject)}",),
    )


def _first_line(text: Any) -> str:
    return str(text or "").partition("\n")[0].strip()


def named_emergency(pushed: Pushed) -> Change | None:
    """The emergency that somebody declared and that a commit of the push names: the push then belongs to it."""
    numbers = references(*pushed.subjects)
    declared = Change.objects.filter(DECLARED, number__in=numbers)
    return declared.exclude(state=State.WITHDRAWN).order_by("id").first()


@transaction.atomic
def open_for(*, pushed: Pushed, at: datetime) -> Change:
    """A change that nobody proposed, for a push that went past every pull request."""
    last = pushed.subjects[-1].partition(" ")[2] if pushed.subjects else ""
    plain = f"{pushed.login or 'Somebody'} pushed {pushed.commit[:7]} to {pushed.branch}"
    listed = "\n".join(f"- {subject}" for subject in pushed.subjects[:MOST])
    return proposals.open_change(
        texts={"title": (last or plain)[:TITLE], "what": f"{plain} of {pushed.repository.name}.\n\n{listed}".strip()},
        source="portal",
        at=at,
        by=person_behind(login=pushed.login, uid=pushed.uid),
        by_login=pushed.login,
        actor="portal",
        state=State.MERGED,
        classified={"category": Category.EMERGENCY, "undeclared": True, "reasons": {"category": [REASON]}},
    )


@transaction.atomic
def follow_pushes(*, repository: Repository, commits: Iterable[str], at: datetime) -> list[Change]:
    """Bring the changes up to date whose pushed commits a release has put into production, or taken out. Returns them."""
    rows = LinkedPush.objects.filter(repository=repository, commit_sha__in=set(commits) - {""}, taken_back_at=None)
    changes = list(Change.objects.filter(pk__in=rows.values("change")).order_by("id"))
    for change in changes:
        judge_pushed(change=change, at=at)
    return changes


@transaction.atomic
def judge_pushed(*, change: Change, at: datetime) -> None:
    """State, clocks and gates of a change with pushes, and its frozen verdicts: of the push, and of each release of it."""
    refresh(change=change, at=at)
    reassess(change=change, at=at)
    for push in change.pushes.filter(taken_back_at=None).select_related("repository").order_by("id"):
        freeze(change=change, moment=Verdict.Moment.MERGE, subject=str(push), at=at)
        released = Release.objects.filter(
            repository_id=push.repository_id, environment="production", commit_sha=push.commit_sha, succeeded_at__isnull=False
        )
        for release in released.order_by("id"):
            freeze(change=change, moment=Verdict.Moment.RELEASE, subject=str(release), at=at)

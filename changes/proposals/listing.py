"""The list of changes: filters that the address holds, and the rows."""

import re
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from changes.delivery.models import PullRequest
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, Kind, LinkedPullRequest, Size
from portal.access.scope import Scope

NUMBER = re.compile(r"^\s*(?:CHG-)?(\d{1,15})\s*$", re.IGNORECASE)
NAMED = re.compile(r"^\s*CHG-(\d{1,15})\s*$", re.IGNORECASE)
"""A number that can be nothing else: it is looked up, and no title is read."""
COMMIT = re.compile(r"^\s*([0-9a-f]{7,64})\s*$", re.IGNORECASE)
CHOICES: dict[str, list[tuple[str, str]]] = {
    "state": list(State.choices),
    "category": list(Category.choices),
    "kind": list(Kind.choices),
    "size": list(Size.choices),
}


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. Empty texts filter nothing; ``pull_request`` is a number, ``mine`` a person's id."""

    text: str = ""
    state: str = ""
    category: str = ""
    kind: str = ""
    size: str = ""
    repository: str = ""
    pull_request: int | None = None
    commit: str = ""
    mine: int | None = None


def matching(*, wanted: Wanted, scope: Scope) -> QuerySet[Change]:
    """Changes that match, inside what this request may see, without their large columns."""
    rows = Change.objects.defer("assessment", "reasons").select_related("requester")
    for name in ("state", "category", "kind", "size"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(**{name: value})
    if wanted.mine is not None:
        rows = rows.filter(requester_id=wanted.mine)
    if wanted.repository:
        rows = rows.filter(repository_names__contains=[wanted.repository])
    rows = _by_pull_request(rows, wanted)
    if wanted.text.strip():
        rows = rows.filter(_text(wanted.text))
    return _inside(rows, scope)


def _by_pull_request(rows: QuerySet[Change], wanted: Wanted) -> QuerySet[Change]:
    if wanted.pull_request is None and not wanted.commit:
        return rows
    ours = PullRequest.objects.all()
    if wanted.repository:
        ours = ours.filter(repository__name=wanted.repository)
    if wanted.pull_request is not None:
        ours = ours.filter(number=wanted.pull_request)
    if wanted.commit:
        ours = ours.filter(Q(head_sha__startswith=wanted.commit) | Q(merge_sha__startswith=wanted.commit))
    return rows.filter(links__pull_request__in=ours).distinct()


def _text(text: str) -> Q:
    """A number of ours or a commit goes straight to its index; anything else is looked for in titles too."""
    asked = text.strip()
    named, number, commit = NAMED.match(asked), NUMBER.match(asked), COMMIT.match(asked)
    if named:
        return Q(number=int(named.group(1)))
    if commit and not number and any(sign.isdigit() for sign in asked):
        return _of_commit(asked)
    found = Q(title__icontains=asked) | Q(requester_login__iexact=asked)
    if number:
        found |= Q(number=int(number.group(1)))
    return found | _of_commit(asked) if commit else found


def _of_commit(text: str) -> Q:
    sha = text.lower()
    ours = PullRequest.objects.filter(Q(head_sha__startswith=sha) | Q(merge_sha__startswith=sha))
    return Q(pk__in=LinkedPullRequest.objects.filter(pull_request__in=ours).values("change"))


def _inside(rows: QuerySet[Change], scope: Scope) -> QuerySet[Change]:
    """Auditors see the changes of their repositories that were alive in their window."""
    if scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(moved_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(opened_at__lt=scope.window_to)
    return rows


def visible(*, number: int, scope: Scope) -> Change | None:
    """One change by its number; None when it is not there or not in scope."""
    return _inside(Change.objects.select_related("requester"), scope).filter(number=number).first()

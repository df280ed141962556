"""Who had a hand in a pull request: authors, committers and co-authors of its commits.

Mail addresses in commits can be forged (REFERENCE §1.1, 4). They are good enough here because being a contributor only
ever takes a right away: a contributor may not approve.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from changes.connectors.fields import BIG, Fields
from changes.connectors.github.objects import LOGIN, account

WEB_FLOW = "web-flow"
"""GitHub itself, which commits what is merged or edited in the browser."""
WEB_FLOW_MAIL = "noreply@github.com"
NOREPLY = "@users.noreply.github.com"
TRAILER = "co-authored-by:"
MOST = 250
"""Commits of a pull request that GitHub lists (REFERENCE §1.1, 5)."""
UNLISTED = {"uid": None, "login": "", "name": f"whoever made those after the {MOST}th", "email": "", "role": "author"}
"""Stands for those of whom nothing is told: an unknown contributor, so that nobody is taken for somebody else."""


def commit_people(*, commits: Sequence[Mapping[str, Any]], most: int | None = None) -> tuple[dict[str, Any], ...]:
    """Each contributor once per role, in order: {"uid", "login", "name", "email", "role"}.

    ``commits`` are the answers of ``GET /repos/{o}/{r}/pulls/{n}/commits``. ``uid`` is None when the mail address belongs to no
    account. Where the forge lists ``most`` commits at most and that many came, there may be more: ``UNLISTED`` stands for them.
    """
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for value in commits:
        for person in _of_commit(fields=Fields.of(value=value, path="commit")):
            seen.setdefault(tuple(person.values()), person)
    cut = most is not None and len(commits) >= most
    return (*seen.values(), *([dict(UNLISTED)] if cut else []))


def _of_commit(*, fields: Fields) -> Iterator[dict[str, Any]]:
    git = fields.needed("commit")
    if _is_merge_button(fields=fields, git=git):
        return
    yield _person(fields=fields, git=git, role="author")
    committer = _person(fields=fields, git=git, role="committer")
    if committer["login"] != WEB_FLOW and committer["email"].lower() != WEB_FLOW_MAIL:
        yield committer
    yield from co_authors(message=git.text("message") or "")


def _is_merge_button(*, fields: Fields, git: Fields) -> bool:
    """A merge of a pull request that GitHub made and signed: whoever pressed the button contributed nothing to it.

    A promotion brings such commits along. Only GitHub's own signature counts, since anybody can write its address; a merge
    of one's base branch can hold resolved conflicts and stays a contribution.
    """
    verified = git.within("verification")
    return (
        len(fields.items("parents")) > 1
        and verified is not None
        and verified.flag("verified") is True
        and _person(fields=fields, git=git, role="committer")["login"] == WEB_FLOW
        and (git.text("message") or "").startswith("Merge pull request #")
    )


def _person(*, fields: Fields, git: Fields, role: str) -> dict[str, Any]:
    uid, login, _ = account(holder=fields, name=role)
    signature = git.within(role)
    name = (signature.text("name") if signature else None) or ""
    email = (signature.text("email") if signature else None) or ""
    return _entry(uid=uid, login=login, name=name, email=email, role=role)


def co_authors(*, message: str) -> Iterator[dict[str, Any]]:
    """The people of the ``Co-authored-by: Name <mail>`` lines, wherever they stand in the message."""
    for line in message.splitlines():
        if line[: len(TRAILER)].lower() != TRAILER:
            continue
        name, _, rest = line[len(TRAILER) :].partition("<")
        email = rest.partition(">")[0].strip()
        if email:
            yield _entry(uid=None, login=None, name=name.strip(), email=email, role="co-author")


def _entry(*, uid: int | None, login: str | None, name: str, email: str, role: str) -> dict[str, Any]:
    if login is None:
        uid, login = account_of_mail(email=email)
    return {"uid": uid, "login": login or "", "name": name, "email": email, "role": role}


def account_of_mail(*, email: str) -> tuple[int | None, str | None]:
    """(uid, login) out of GitHub's own ``id+login@users.noreply.github.com`` (before 2017: without the id)."""
    if not email.lower().endswith(NOREPLY):
        return None, None
    number, plus, login = email[: -len(NOREPLY)].rpartition("+")
    if len(login) > LOGIN:
        return None, None
    uid = int(number) if plus and number.isascii() and number.isdecimal() and len(number) < 19 else None
    return (uid if uid is not None and uid <= BIG else None), login or None

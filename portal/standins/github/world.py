"""Everything one GitHub stand-in holds: records, Git repositories, the clock, and where webhooks go."""

import base64
import threading
from datetime import UTC, datetime
from pathlib import Path

from portal.standins.clock import Clock
from portal.standins.faults import Faults
from portal.standins.git import BareRepository, GitFailed, Signature
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.hooks import Hooks
from portal.standins.store import Row, Store
from portal.standins.times import stamp

WEB_FLOW = Signature("GitHub", "noreply@github.com", datetime.min.replace(tzinfo=UTC))
API_PATH = "/github"
GIT_PATH = "/git"


class World:
    """One GitHub. ``url`` is where its server answers; ``lock`` is held by whoever reads or changes more than one record."""

    vendor = "github"
    api_path, git_path = API_PATH, GIT_PATH
    """Below which the REST API and Git answer."""

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        self.directory = directory
        self.url = url
        self.lock = threading.RLock()
        self.faults = Faults()
        self.clock = Clock()
        self.store = Store(directory / f"{self.vendor}.sqlite3")
        self.hooks = Hooks(self.store, self.faults, now=lambda: self.clock.now())

    @property
    def api_url(self) -> str:
        """Where the REST API answers."""
        return self.url + self.api_path

    def clone_url(self, repository: str) -> str:
        """Where Git answers for one repository."""
        return f"{self.url}{self.git_path}/{repository}.git"

    def git(self, repository: str) -> BareRepository:
        """The Git repository itself."""
        return BareRepository(self.git_root / f"{repository}.git")

    @property
    def git_root(self) -> Path:
        """The folder that holds all bare repositories, by owner."""
        return self.directory / "git"

    def moment(self, at: datetime | None) -> datetime:
        """``at``, or this moment; UTC, whole seconds."""
        return (at or self.clock.now()).astimezone(UTC).replace(microsecond=0)

    def stamp(self, at: datetime | None) -> str:
        """``at`` (or this moment) as GitHub writes it."""
        return stamp(self.moment(at))

    # Records

    def repository(self, name: str) -> Row:
        """The record of ``owner/name``. Raises a 404."""
        row = self.store.one("repository", subject=name.lower())
        if row is None:
            raise not_found()
        return row

    def repositories(self) -> list[Row]:
        """All repositories, oldest first."""
        return self.store.all("repository")

    def pull(self, repository: str, number: int) -> Row:
        """The record of a pull request. Raises a 404."""
        row = self.store.one("pull", place=repository, subject=str(number))
        if row is None:
            raise not_found()
        return row

    def pulls(self, repository: str) -> list[Row]:
        """All pull requests of a repository, oldest first."""
        return self.store.all("pull", place=repository)

    def account(self, login: str) -> Row:
        """A person, bot or organisation, also by a login that they had before. Raises a 404."""
        row = self.store.one("account", subject=login.lower())
        if row is not None:
            return row
        former = self.store.one("former_login", subject=login.lower())
        if former is None:
            raise not_found()
        return self.account(former["login"])

    def account_by_email(self, email: str) -> Row | None:
        """Whose address it is, as GitHub links commits to accounts; None when nobody's."""
        return self.store.one("address", subject=email.lower())

    def add_account(self, *, login: str, uid: int | None = None, name: str = "", email: str = "", kind: str = "User") -> Row:
        """Makes an account, or returns the one that is there. ``uid`` is GitHub's number for it."""
        found = self.store.one("account", subject=login.lower())
        if found:
            return found
        address = email or f"{login.lower()}@users.noreply.github.com"
        body = {"login": login, "uid": uid, "name": name or login, "email": address, "type": kind}
        row = self.store.add("account", subject=login.lower(), body=body)
        row["uid"] = uid or row["id"]
        self.store.save(row)
        self.store.add("address", subject=address.lower(), body={"login": login})
        return row

    def signature(self, login: str, at: datetime) -> Signature:
        """Who somebody is in a commit."""
        account = self.account(login)
        return Signature(account["name"], account["email"], at)

    def merger(self, login: str, at: datetime) -> Signature:
        """Who commits what the merge button makes: GitHub itself."""
        return Signature(WEB_FLOW.name, WEB_FLOW.email, at)

    def permission(self, repository: str, login: str) -> str:
        """pull, triage, push, maintain or admin; "" when the account is no collaborator."""
        row = self.store.one("member", place=repository, subject=login.lower())
        former = None if row else self.store.one("former_login", subject=login.lower())
        if former is not None:
            return self.permission(repository, former["login"])
        return str(row["permission"]) if row else ""

    def protection(self, repository: str, branch: str) -> Row | None:
        """The branch protection rule; None when the branch is not protected."""
        return self.store.one("protection", place=repository, subject=branch)

    def signed_at(self, repository: str, sha: str) -> str:
        """When GitHub itself made and signed this commit, by its merge button; "" for commits that people pushed."""
        row = self.store.one("signed", place=repository, subject=sha)
        return str(row["at"]) if row else ""

    def tip(self, repository: str, ref: str) -> str:
        """The commit that a ref names. Raises a 422 like GitHub for a name that leads nowhere."""
        try:
            return self.git(repository).tip(ref)
        except GitFailed as problem:
            raise GitHubError(422, f"No commit found for SHA: {ref}") from problem

    def close(self) -> None:
        """Ends the sender and lets go of the files."""
        self.hooks.stop()
        self.store.close()


def node_id(kind: str, number: int) -> str:
    """An opaque id as GraphQL uses it: stable for the same thing."""
    return f"{kind}_" + base64.b64encode(f"{kind}{number:012d}".encode()).decode().rstrip("=")

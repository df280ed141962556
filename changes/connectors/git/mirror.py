"""Bring the mirror of a repository and the record of its branches up to date. Reads only.

The folder is named after the repository's own number, so a renamed repository keeps its mirror. One worker at a time
works on a mirror: a lock on a file beside it is held by the worker and by the git that it started.
"""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from changes.connectors import addresses, outages
from changes.connectors.errors import AddressRefused, Passing, Permanent
from changes.connectors.github import auth
from changes.connectors.http import Client
from changes.connectors.models import Source
from changes.delivery import git
from changes.delivery.git_process import Access, GitError
from changes.delivery.merges import compare_merges
from changes.delivery.models import Repository
from changes.delivery.population import Recorded, record_population
from changes.delivery.renaming import follow_branch_names

FETCH = 45.0
"""Seconds for one fetch, under the time limit of a task."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mirrored:
    """What a sweep of main and prod found. ``by_hand``: how many merges that hold something of their own; ``renamed``: of how many
    branches with another name it is known now whether they are the same."""

    main: Recorded
    prod: Recorded
    by_hand: int = 0
    renamed: int = 0

    @property
    def changed(self) -> bool:
        return self.main.changed or self.prod.changed or self.by_hand > 0 or self.renamed > 0

    @property
    def added(self) -> tuple[str, ...]:
        """Commits new on record, those of main first, each branch oldest first, none twice."""
        return tuple(dict.fromkeys((*self.main.added, *self.prod.added)))


def folder_of(repository: Repository) -> Path:
    """Where the mirror of a repository is, or will be."""
    return Path(settings.DATA_DIR) / "mirrors" / f"{repository.pk}.git"


def mirror_repository(*, repository: Repository, at: datetime, seconds: float = FETCH) -> Mirrored | None:
    """Fetch the repository and record the commits of main and prod as of ``at``; ``seconds`` limits the fetch.

    Returns None when nothing can be said: another worker is at it, or git failed. Then ``repository.mirror_error`` says
    why, in words for a person, and what is on record stays as it was.
    """
    with _alone(repository) as held:
        if held is None:
            return None
        try:
            found = _mirror(repository, held=held, at=at, seconds=seconds)
        except (GitError, Passing, Permanent) as problem:
            log.warning("the mirror of %s failed: %s", repository, problem)
            _remember(repository, mirror_error=str(problem)[:1000])
            outages.failed(of=repository, why=str(problem), at=at)
            return None
    outages.well(of=repository, at=at)
    outages.filled(of=repository, at=at)
    _remember(repository, mirrored_at=at, mirror_error=_missing(repository, found))
    return found


def _mirror(repository: Repository, *, held: int, at: datetime, seconds: float) -> Mirrored:
    folder = folder_of(repository)
    access = replace(access_of(repository, at=at), held=held)
    git.mirror(clone_url=repository.clone_url, folder=folder, access=access, seconds=seconds)
    renamed = follow_branch_names(repository=repository, folder=folder, at=at)
    main = record_population(repository=repository, branch=repository.main_branch, folder=folder, at=at)
    prod = record_population(repository=repository, branch=repository.prod_branch, folder=folder, at=at)
    return Mirrored(main, prod, by_hand=compare_merges(repository=repository, folder=folder, at=at), renamed=renamed)


def _missing(repository: Repository, found: Mirrored) -> str:
    """A sentence about branches that the policy needs and the repository does not have; empty when all are there."""
    both = {repository.main_branch: found.main, repository.prod_branch: found.prod}
    names = [name for name, recorded in both.items() if not recorded.there]
    return f"{Repository.NO_BRANCH} {' and no branch '.join(names)}." if names else ""


def _remember(repository: Repository, **values: object) -> None:
    Repository.objects.filter(pk=repository.pk).update(**values)
    for name, value in values.items():
        setattr(repository, name, value)


@contextmanager
def _alone(repository: Repository) -> Iterator[int | None]:
    """The open lock file, or None when somebody else holds the lock. The kernel lets go of it when its holders end."""
    path = folder_of(repository).with_suffix(".lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield held if _locked(held) else None
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def access_of(repository: Repository, *, at: datetime) -> Access:
    """How git may reach the repository: schemes, the checked address, and the forge's token.

    The token goes to the host of the forge's own API only, since a clone address can come from a webhook.
    Raises ``AddressRefused``, and what trading an App's key for a token raises.
    """
    scheme = urlsplit(repository.clone_url).scheme
    if scheme not in settings.GIT_PROTOCOLS:
        raise AddressRefused(f"the clone address of {repository.name} must begin with {' or '.join(settings.GIT_PROTOCOLS)}")
    if scheme == "file":
        return Access(protocols=("file",))
    try:
        base = addresses.base_of(url=repository.clone_url)
    except addresses.BadAddress as wrong:
        raise AddressRefused(str(wrong)) from None
    listed = addresses.is_listed(host=base.host, port=base.port, private_hosts=settings.CONNECTOR_PRIVATE_HOSTS)
    if base.scheme == "http" and not listed:
        raise AddressRefused("Plain http is only for hosts in COUNTERSIGN_PRIVATE_HOSTS: code would travel in the clear")
    return Access(
        token=_token_for(repository, host=base.host, at=at),
        origin=base.origin,
        protocols=(base.scheme,),
        pins=(f"{base.host}:{base.port}:{_checked_address(base, listed=listed)}",),
    )


def _checked_address(base: addresses.Base, *, listed: bool) -> str:
    """The first address of the host that a connector may reach. Raises ``Passing`` when the name is not known."""
    try:
        found = socket.getaddrinfo(base.host, base.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Passing(f"the name {base.host} could not be resolved") from None
    refusals = [addresses.refusal(address=str(entry[4][0]), listed=listed) for entry in found]
    for entry, refused in zip(found, refusals, strict=True):
        if not refused:
            return str(entry[4][0])
    raise AddressRefused(f"{base.host} may not be reached: {refusals[0]}")


def _token_for(repository: Repository, *, host: str, at: datetime) -> str:
    source = Source.objects.filter(kind=repository.forge, paused_at=None).order_by("id").first()
    if source is None:
        return ""
    client = Client(base_url=source.api_url)
    if client.base.host not in (host, f"api.{host}"):
        return ""
    return auth.bearer(source=source, client=client, at=at)

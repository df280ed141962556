"""Checks of everything but the database: broker, keys, programs, how the portal is reached."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings

from portal.environment import THIS_MACHINE
from portal.runtime import broker as brokers
from portal.runtime import minimums
from portal.runtime.doctor.finding import Finding, bad, good, note

BROKER_SECONDS = 4
PROGRAM_SECONDS = 10
SHORTEST_SECRET = 32
FULL = 0.9
MERGES = (2, 38)
"""The git from which on a merge can be made without a work tree, and so be compared."""


def broker() -> Iterator[Finding]:
    answer = brokers.says(seconds=BROKER_SECONDS)
    if answer == brokers.ANSWERS:
        yield good("the broker answers")
    else:
        yield bad(
            f"the broker does not answer ({answer})", mend="Start it, or correct BROKER_URL. Nothing is lost meanwhile; work waits."
        )


def keys() -> Iterator[Finding]:
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield bad("COUNTERSIGN_SECRET_KEY is short", mend=f"Use at least {SHORTEST_SECRET} random characters.")
    else:
        yield good("the secret key is long enough")
    for number, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield bad(
                f"encryption key {number} is not a Fernet key",
                mend="Make one: manage.py doctor --make-key. Keep the old ones behind it.",
            )
        else:
            yield good(f"encryption key {number} is well formed")


def signing_key() -> Iterator[Finding]:
    """The key that signs the ledger's checkpoints."""
    named = os.environ.get("COUNTERSIGN_SIGNING_KEY_FILE", "")
    if not named:
        yield bad(
            "COUNTERSIGN_SIGNING_KEY_FILE is not set", mend="Name a file outside the database; the ledger makes the key there."
        )
        return
    path = Path(named)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        yield note(f"there is no signing key yet ({path})", mend="The ledger makes it at its first seal. Keep a copy elsewhere.")
        return
    except OSError as problem:
        yield bad(
            f"the signing key cannot be looked at ({path}: {problem.strerror})",
            mend="Give the folder to the user of the portal, or name another one.",
        )
        return
    if mode & 0o077:
        yield bad(
            f"others may read the signing key ({path}, {mode:o})", mend=f"chmod 600 {path}, then make a new key: it may be known."
        )
    else:
        yield good("the signing key is ours alone")


def programs() -> Iterator[Finding]:
    git = shutil.which("git")
    if git is None:
        yield bad("git is not installed", mend="Install git: the population of production commits comes from it.")
    else:
        said = subprocess.run([git, "--version"], capture_output=True, text=True, check=False, timeout=PROGRAM_SECONDS)
        words = said.stdout.strip()
        old = minimums.numbers(words.removeprefix("git version ")) < MERGES
        yield bad(f"{words} is too old to compare merges", mend="Install 2.38 or newer.") if old else good(words)
    if not any(map(shutil.which, ("chromium-headless-shell", "chromium"))):
        yield note("chromium is not installed", mend="Only ./bin/test needs it: apt-get install chromium-headless-shell.")


def disk() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    usage = shutil.disk_usage(folder if folder.exists() else folder.parent)
    full = usage.used / usage.total
    if full > FULL:
        yield bad(f"the disk of {folder} is {full:.0%} full", mend="Make room: a full disk stops every write.")
    else:
        yield good(f"the disk is {full:.0%} full")


def passwords() -> Iterator[Finding]:
    """The file of passwords that are known from break-ins, where there is one."""
    path = settings.BREACHED_PASSWORDS
    if not path:
        return
    try:
        with open(path, "rb") as lines:
            sound = re.match(rb"[0-9A-Fa-f]{40}[:\r\n]", lines.read(41)) is not None
    except OSError as problem:
        yield bad(f"{path} cannot be read: {problem.strerror}", mend="Passwords known from break-ins are taken meanwhile.")
        return
    words = "Sorted lines that begin with the SHA-1 of a password (docs/operations.md)."
    yield good("passwords known from break-ins are refused") if sound else bad(f"{path} is no file of digests", mend=words)


def exposure() -> Iterator[Finding]:
    """What strangers could reach."""
    at_home = urlsplit(settings.BASE_URL).hostname in THIS_MACHINE and set(settings.ALLOWED_HOSTS) <= {*THIS_MACHINE, "[::1]"}
    if settings.DEBUG:
        yield bad("COUNTERSIGN_DEBUG is on: errors show code and settings", mend="Unset it.")
    if not at_home and not settings.HTTPS:
        yield bad(
            f"{settings.BASE_URL} is not https", mend="Put a proxy with TLS in front and set COUNTERSIGN_BASE_URL to https://…"
        )
    if not at_home and settings.DEMO:
        yield bad(
            "the demo company with its known passwords is reachable by others", mend="Start a real one: ./bin/up --empty --data DIR"
        )
    if settings.HTTPS and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield note(
            "no proxy is declared: all callers share one limit of sign-in attempts", mend="Set COUNTERSIGN_PROXIES to their number."
        )
    if at_home:
        yield good(
            "reachable from this machine only" + (", with the demo company and its known passwords" if settings.DEMO else "")
        )

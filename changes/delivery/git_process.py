"""Start the git binary safely: no shell, no prompt, no hooks, no foreign configuration, no secret on the command line.

Everything that a repository's content or a forge could use to make git run something is switched off here, once. The
options are explained in docs/connectors/git.md.
"""

import base64
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# What git check-ref-format allows, less the characters that have a meaning in a revision.
BRANCH = re.compile(r"(?!-)(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])")
CHUNK = 1 << 16
PR_SET_PDEATHSIG = 1
"""prctl(2). Only Linux has it; elsewhere git ends by its own time limits."""
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

OPTIONS: tuple[str, ...] = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "credential.helper=",
    "-c",
    "gc.autoDetach=false",
    "-c",
    "http.followRedirects=false",
    # A dripping or silent server is given up after 30 s below 1 KB/s.
    "-c",
    "http.lowSpeedLimit=1000",
    "-c",
    "http.lowSpeedTime=30",
)


class GitError(Exception):
    """Git could not do it for now: the network, the forge, a time limit. The message holds no secret."""


class GitRefused(GitError):
    """Git will not do it as asked: no such repository, no access, an address or a name that is not allowed."""


class GitMissing(GitRefused):
    """There is no git program on this machine."""

    def __init__(self) -> None:
        super().__init__("The git program is not installed or not on the PATH. Install it (Debian: apt install git).")


@dataclass(frozen=True)
class Access:
    """How to reach a forge. ``token`` is sent as HTTP basic authentication to ``origin`` only, from the environment.

    ``protocols`` are the address schemes that git may speak; ``pins`` are ``host:port:address`` triples that replace
    name resolution, so that an address that was checked is the address that is called. ``held`` is an open file whose
    lock git keeps too, so that the lock lasts as long as the last process that works under it.
    """

    token: str = field(default="", repr=False)
    origin: str = ""
    protocols: tuple[str, ...] = ("https",)
    pins: tuple[str, ...] = ()
    held: int | None = None


LOCAL = Access(protocols=())


def check_sha(sha: str) -> str:
    """The commit id itself. Raises ``GitRefused`` for anything that is not a full SHA-1 or SHA-256 in lower case."""
    if not SHA.fullmatch(sha):
        raise GitRefused(f"{sha[:80]!r} is not a commit id")
    return sha


def check_branch(branch: str) -> str:
    """The full ref of a branch. Raises ``GitRefused`` for a name that git or a revision would read differently."""
    if not BRANCH.fullmatch(branch):
        raise GitRefused(f"{branch[:80]!r} is not a branch name")
    return f"refs/heads/{branch}"


def run(arguments: Sequence[str], *, folder: Path, seconds: float, access: Access = LOCAL) -> str:
    """Run git in ``folder`` and return what it printed. Raises ``GitError`` after ``seconds`` or when git fails."""
    code, printed, problem = ask(arguments, folder=folder, seconds=seconds, access=access)
    if code:
        raise failure(problem, access)
    return printed


def ask(
    arguments: Sequence[str], *, folder: Path, seconds: float, access: Access = LOCAL, scratch: Path | None = None
) -> tuple[int, str, str]:
    """Run git and return its exit code, output and messages; for questions that git answers by its code.

    ``scratch`` is a folder for the objects that git writes while it answers: the mirror stays as it is.
    """
    process = _start(arguments, folder=folder, access=access, messages=subprocess.PIPE, scratch=scratch)
    try:
        printed, problem = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        command = next(word for word in arguments if not word.startswith("-") and "=" not in word)
        raise GitError(f"git {command} was stopped after {seconds:g} seconds") from None
    finally:
        _end(process)
    return process.returncode, printed.decode(errors="backslashreplace"), problem.decode(errors="replace")


@contextmanager
def stream(arguments: Sequence[str], *, folder: Path) -> Iterator[Iterator[bytes]]:
    """Run git in ``folder`` and yield its output split at NUL bytes, as it comes. Raises ``GitError`` when git fails.

    Leaving early ends git. There is no time limit: it reads local objects only, and the caller stops when it wants to.
    """
    with tempfile.TemporaryFile() as messages:
        process = _start(arguments, folder=folder, access=LOCAL, messages=messages)
        try:
            assert process.stdout is not None
            yield _fields(process.stdout)
            ended_by_itself = process.poll() is not None or process.stdout.read(1) == b""
            if ended_by_itself and process.wait():
                messages.seek(0)
                raise failure(messages.read(2000).decode(errors="replace"), LOCAL)
        finally:
            _end(process)


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := output.read(CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _start(
    arguments: Sequence[str], *, folder: Path, access: Access, messages: int | IO[bytes], scratch: Path | None = None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *OPTIONS, *arguments],
            cwd=folder,
            env=_environment(access) | _written_to(scratch, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            # A group of its own: git's children (the transport) end together with it.
            start_new_session=True,
            preexec_fn=_end_with_us,
            pass_fds=() if access.held is None else (access.held,),
        )
    except FileNotFoundError as problem:
        if folder.is_dir():
            raise GitMissing from problem
        raise GitRefused(f"{folder.name} has no mirror yet") from problem


def _end_with_us() -> None:
    """Runs in the child before git does: the kernel kills git when the worker that started it vanishes."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and its children if they still run, and close the pipes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _environment(access: Access) -> dict[str, str]:
    """All that git sees of the environment. Secrets stand here and not in the arguments, which every user can list."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": ":".join(access.protocols) or "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        # Commits as they are: nothing that somebody laid over them in the folder of the mirror.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
    }
    # A company's own certificate authority.
    environment.update({name: os.environ[name] for name in ("GIT_SSL_CAINFO",) if name in os.environ})
    extra = _settings(access)
    environment["GIT_CONFIG_COUNT"] = str(len(extra))
    for number, (name, value) in enumerate(extra):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def _written_to(scratch: Path | None, folder: Path) -> dict[str, str]:
    """New objects go to ``scratch``; those of the mirror are read beside them."""
    if scratch is None:
        return {}
    quoted = str(folder.resolve() / "objects").replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_OBJECT_DIRECTORY": str(scratch), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}


def _settings(access: Access) -> list[tuple[str, str]]:
    """Settings that hold a secret or an address, handed over through the environment."""
    # The mirrors are ours whoever owns the data folder: a container may run as another user than the volume's.
    found = [("safe.directory", "*")]
    if access.token:
        secret = base64.b64encode(f"x-access-token:{access.token}".encode()).decode()
        found.append((f"http.{access.origin}/.extraHeader", f"Authorization: Basic {secret}"))
    found.extend(("http.curloptResolve", pin) for pin in access.pins)
    return found


PERMANENT = re.compile(
    r"not found|does not appear to be a git repository|Authentication failed|could not read Username|not allowed|"
    r"error: 40[134]|error: 30[1278]|redirect|bad object|unknown revision|bad revision|[Nn]ot a git repository|"
    r"[Nn]ot a valid commit name"
)
TOLD = ("fatal:", "error:", "remote:")


def failure(messages: str, access: Access) -> GitError:
    """Git's own messages as an error, permanent or passing, without the token should a server ever echo it."""
    lines = [line.strip() for line in messages.splitlines()]
    told = "; ".join([line for line in lines if line.startswith(TOLD)][:3])[:500] or "git failed without a message"
    if access.token:
        told = told.replace(access.token, "…")
    return GitRefused(told) if PERMANENT.search(messages) else GitError(told)

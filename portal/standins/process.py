"""The stand-ins as a process of their own, and its command line."""

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portal.standins import company
from portal.standins.client import Remote, StandInRefused
from portal.standins.live import Living
from portal.standins.together import InUse, StandIns, last_address

FOR_A_PULL = ("--repository", "--number")


def main(argv: Sequence[str]) -> int:
    """``serve`` runs the stand-ins until a signal; every other word does one thing at a running pair. Returns the exit code."""
    asked = _parser().parse_args(argv)
    if asked.word == "serve":
        return serve(asked)
    address = asked.at or last_address(Path(asked.data))
    if not address:
        print(
            f"No stand-ins have run in {asked.data}. Start them with `manage.py standins`, or name them with --at URL.",
            file=sys.stderr,
        )
        return 2
    try:
        if Remote(address).state()["telling"]:
            print("A year is being told here with a clock of its own. Try again when it is over.", file=sys.stderr)
            return 1
        print(WORDS[asked.word](Remote(address), asked))
    except (StandInRefused, OSError) as problem:
        print(f"{asked.word}: {problem}", file=sys.stderr)
        return 1
    return 0


def serve(asked: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT."""
    try:
        standins = StandIns(Path(asked.data), portal=asked.portal)
        url = standins.start(port=asked.port, hooks=asked.hooks, secret=asked.hook_secret)
    except (InUse, OSError) as problem:
        print(f"The stand-ins cannot start: {problem}", file=sys.stderr)
        return 1
    living = Living(standins.vendors, seconds=asked.live) if asked.live else None
    if living:
        living.start()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with contextlib.suppress(BrokenPipeError):
        print(f"The stand-ins of GitHub, Fly and Slack answer at {url}", flush=True)
    ended.wait()
    if living:
        living.stop()
    standins.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py standins", description="Stand-ins of GitHub, Fly and Slack on this machine.")
    parser.set_defaults(data=".data/standins", at="")
    _where(parser)
    words = parser.add_subparsers(dest="word", required=True)
    running = _word(words, "serve", "run the stand-ins")
    running.add_argument("--port", type=int, default=0, help="0 takes the port of the last start, or any")
    running.add_argument("--hooks", default="", help="where webhooks go")
    running.add_argument("--hook-secret", default="", help="what signs them; made when empty")
    running.add_argument("--portal", default="", help="address of the portal, for a link on the page")
    running.add_argument("--live", type=float, default=0.0, help="do something every so many seconds; 0 waits for people")
    opening = _word(words, "open-pr", "open a pull request", "--repository", "--title")
    opening.add_argument("--by", default="ann")
    opening.add_argument("--why", default="")
    opening.add_argument("--emergency", action="store_true")
    reviewing = _word(words, "review", "review a pull request", *FOR_A_PULL)
    reviewing.add_argument("--by", default="bob")
    reviewing.add_argument("--state", default="approved", choices=["approved", "changes_requested", "commented"])
    checking = _word(words, "check", "let CI end on a pull request", *FOR_A_PULL)
    checking.add_argument("--conclusion", default="success")
    merging = _word(words, "merge", "merge a pull request", *FOR_A_PULL)
    merging.add_argument("--by", default="bob")
    merging.add_argument("--method", default="merge", choices=["merge", "squash", "rebase"])
    promoting = _word(words, "promote", "open the pull request from main to prod", "--repository")
    promoting.add_argument("--by", default="ann")
    releasing = _word(words, "release", "release main to staging, or prod to production", "--repository")
    releasing.add_argument("--environment", default="staging", choices=sorted(company.ENVIRONMENTS))
    releasing.add_argument("--sha", default="")
    releasing.add_argument("--by", default="bob")
    pushing = _word(words, "direct-push", "commit straight to a branch, past the rules", "--repository")
    pushing.add_argument("--branch", default="prod")
    pushing.add_argument("--message", default="Quick fix")
    pushing.add_argument("--by", default="rex")
    return parser


def _where(parser: argparse.ArgumentParser) -> None:
    """The two options that every word knows, before it and after it."""
    parser.add_argument("--data", default=argparse.SUPPRESS, help="folder that keeps their state")
    parser.add_argument("--at", default=argparse.SUPPRESS, help="address of a running pair, instead of the last one in --data")


def _word(words: Any, name: str, about: str, *needed: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(name, help=about)
    _where(parser)
    for option in needed:
        parser.add_argument(option, required=True, type=int if option == "--number" else str)
    return parser


def _open(remote: Remote, asked: argparse.Namespace) -> str:
    labels = ["emergency"] if asked.emergency else []
    body = f"## Why\n{asked.why}\n" if asked.why else ""
    made = remote.do("open-work", repository=asked.repository, title=asked.title, by=asked.by, body=body, labels=labels)
    return f"{asked.repository}#{made['number']} {made['html_url']}"


def _review(remote: Remote, asked: argparse.Namespace) -> str:
    made = remote.do("github/review", repository=asked.repository, number=asked.number, by=asked.by, state=asked.state)
    return f"{asked.by}: {made['state']} on {made['commit_id'][:12]}"


def _check(remote: Remote, asked: argparse.Namespace) -> str:
    pull = remote.do("pull-request", repository=asked.repository, number=asked.number)
    made = remote.do(
        "github/check", repository=asked.repository, sha=pull["head"]["sha"], name=company.CI, conclusion=asked.conclusion
    )
    return f"{made['name']}: {made['conclusion']}"


def _merge(remote: Remote, asked: argparse.Namespace) -> str:
    made = remote.do("github/merge", repository=asked.repository, number=asked.number, by=asked.by, method=asked.method)
    return str(made["sha"])


def _promote(remote: Remote, asked: argparse.Namespace) -> str:
    made = remote.do("promote", repository=asked.repository, by=asked.by)
    return f"{asked.repository}#{made['number']} {made['html_url']}"


def _release(remote: Remote, asked: argparse.Namespace) -> str:
    made = remote.do("ship", repository=asked.repository, environment=asked.environment, by=asked.by, sha=asked.sha)
    return f"version {made['version']} of {company.app_name(asked.repository, asked.environment)}"


def _push(remote: Remote, asked: argparse.Namespace) -> str:
    files = {"hotfix.txt": f"{asked.message}\n"}
    made = remote.do(
        "github/push_direct", repository=asked.repository, branch=asked.branch, files=files, by=asked.by, message=asked.message
    )
    return str(made["sha"])


WORDS = {
    "open-pr": _open,
    "review": _review,
    "check": _check,
    "merge": _merge,
    "promote": _promote,
    "release": _release,
    "direct-push": _push,
}

"""``python -m portal.runtime.serve web``: becomes one program of the portal, for containers and machines without our supervisor.

    web        pages, webhooks and API; listens where COUNTERSIGN_LISTEN says (127.0.0.1:8000)
    worker     background work but the seal; COUNTERSIGN_WORKERS processes (2)
    scheduler  wakes the others; several may run
    sealer     the seal, verifications and evidence packs: the one machine that holds the signing key

``healthy`` instead of a name says by its exit code whether the web process of this machine answers.
"""

import os
import sys
from collections.abc import Mapping

from portal.runtime import commands
from portal.runtime.stack import page_answers
from portal.schedule import QUEUE, SEALER

NAMES = ("web", "worker", "scheduler", "sealer")
HEALTHY = "healthy"
SEALING = 4
"""Processes of the sealer. What takes long (a verification, a pack, a copy) runs one at a time, and the seal goes on beside it."""


class Unknown(SystemExit):
    """Not a program of ours."""


def arguments(*, name: str, env: Mapping[str, str]) -> list[str]:
    """What the interpreter is given. Raises ``Unknown`` in words."""
    if name == "web":
        host, port = listening(env=env)
        return commands.web(host=host, port=port, env=env)
    if name == "scheduler":
        return commands.SCHEDULER
    if name == "worker":
        return commands.worker(queues=[QUEUE], processes=int(env.get("COUNTERSIGN_WORKERS", "2")))
    if name == "sealer":
        return commands.worker(queues=[SEALER], processes=SEALING)
    raise Unknown(f"{name!r} is none of {', '.join(NAMES)}.")


def listening(*, env: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of the web process."""
    host, _, port = env.get("COUNTERSIGN_LISTEN", "127.0.0.1:8000").rpartition(":")
    return host.strip("[]"), int(port)


def environment(*, name: str, env: Mapping[str, str]) -> dict[str, str]:
    """As everybody's, without what only the one who migrates may know."""
    found = commands.surroundings(name=name, env=env)
    found.pop("DATABASE_OWNER_URL", None)
    return found


def main() -> int:
    """Replace this process, so that signals reach the program itself."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name != HEALTHY:
        given = [sys.executable, *arguments(name=name, env=os.environ)]
        os.execve(sys.executable, given, environment(name=name, env=os.environ))  # noqa: S606  # no shell, and our own interpreter
    return 0 if page_answers(port=listening(env=os.environ)[1], path="/healthz") is not None else 1


if __name__ == "__main__":
    sys.exit(main())

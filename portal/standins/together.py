"""All stand-ins on one port: one for each vendor, a control door for programs, and pages for people."""

import fcntl
import secrets
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from portal.standins import control, page
from portal.standins.vendors import Vendors
from portal.standins.web import Answer, Request, Serving

PORT_WITHIN = 5.0
LOCAL = {"127.0.0.1", "localhost", "[::1]"}
ADDRESS_FILE = "address"
BELOW = {"github": ("/github/", "/git/"), "slack": ("/slack/api/", "/slack/respond/")}
"""Where a stand-in answers, if not below its name."""


class InUse(Exception):
    """Another process runs the stand-ins of this folder."""


class StandIns:
    """The process. The port is kept for the next start, since others remember the address. Raises InUse."""

    def __init__(self, directory: Path, *, portal: str = "") -> None:
        self.directory = directory
        self._lock = _locked(directory)
        self.vendors = Vendors.in_folder(directory, portal=portal)
        self._serving: Serving | None = None

    def start(self, *, port: int = 0, hooks: str = "", secret: str = "") -> str:
        """Serves, and sends webhooks to ``hooks`` signed with ``secret`` (made once when empty). Returns the address.

        ``port`` 0 takes the port of the last start; any other only when that stays taken for five seconds.
        """
        self._serving = self._bound(port)
        url = self._serving.url
        self.vendors.move_to(url)
        github = self.vendors.github
        if hooks:
            github.send_hooks_to(hooks, secret=secret or github.hooks.config["secret"] or secrets.token_hex(20))
        self._serving.start()
        github.hooks.start()
        self.vendors.slack.requests.start()
        self.vendors.gitea.begin_sending()
        self.vendors.gitlab.begin_sending()
        (self.directory / ADDRESS_FILE).write_text(url)
        return url

    def _bound(self, port: int) -> Serving:
        wanted = port or urlsplit(last_address(self.directory)).port or 0
        patience = time.monotonic() + PORT_WITHIN
        while True:
            try:
                return Serving(self.answer, port=wanted)
            except OSError:
                if port:
                    raise
            if time.monotonic() > patience:
                return Serving(self.answer)
            time.sleep(0.1)

    def stop(self) -> None:
        """Stops everything."""
        if self._serving:
            self._serving.stop()
        self.vendors.close()
        self._lock.close()

    def answer(self, request: Request) -> Answer:
        """One request, by the beginning of its path. Foreign host names are refused: pages of strangers may not reach it."""
        host = request.headers.get("Host", "")
        if (host.rpartition(":")[0] or host) not in LOCAL:
            return Answer(421, b"The stand-ins answer on this machine only.")
        for name, standin in self.vendors.by_name().items():
            if request.path.startswith(BELOW.get(name, (f"/{name}/",))):
                return standin.answer(request)
        if request.path.startswith("/_control/"):
            return control.answer(self.vendors, request)
        return page.answer(self.vendors, request)


def _locked(directory: Path) -> IO[str]:
    """Holds the folder for this process alone, until the file is closed."""
    directory.mkdir(parents=True, exist_ok=True)
    file = (directory / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        file.close()
        raise InUse(f"Another process runs the stand-ins in {directory}.") from problem
    return file


def last_address(directory: Path) -> str:
    """Where the stand-ins of this folder answered last; "" when they never ran."""
    file = directory / ADDRESS_FILE
    return file.read_text().strip() if file.exists() else ""

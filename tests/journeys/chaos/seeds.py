"""A portal that somebody has set up already: connected, with one person and a token. Copied for each test, since that is faster."""

import shutil
import subprocess
from contextlib import contextmanager

from tests.journeys.chaos.portal import Portal
from tests.stack import Stack, temporary_folder


class Seed:
    """A stopped portal's data folder, and copies of it that run."""

    def __init__(self, *, secret):
        self.folder = temporary_folder()
        first = Stack(data=self.folder / "data")
        try:
            self.token = Portal(first.start()).connect(secret=secret).join().token
            first.stop()
        finally:
            first.clear()

    @contextmanager
    def running(self):
        """A running copy, gone afterwards."""
        folder = temporary_folder()
        subprocess.run(["cp", "-a", str(self.folder / "data"), str(folder / "data")], check=True)
        stack = Stack(data=folder / "data")
        try:
            portal = Portal(stack.start())
            portal.token = self.token
            yield portal
        finally:
            stack.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)

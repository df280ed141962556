"""A portal that somebody has set up already: connected, with one person and a token. Copied for each test, since that is faster."""

import shutil
import subprocess
from contextlib import contextmanager

from tests.journeys.chaos.portal import Portal
from tests.stack import Stack, temporary_folder


class Seed:
    """A stopped portal's data folder, and copies of it that run."""

    def __init__(self):
        self.stack = Stack()
        try:
            self.token = Portal(self.stack.start()).connect().join().token
            self.stack.stop()
        except BaseException:
            self.clear()
            raise

    @contextmanager
    def running(self):
        """A running copy, gone afterwards."""
        folder = temporary_folder()
        subprocess.run(["cp", "-a", str(self.stack.data), str(folder / "data")], check=True)
        stack = Stack(data=folder / "data")
        try:
            portal = Portal(stack.start())
            portal.token = self.token
            yield portal
        finally:
            stack.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def clear(self):
        self.stack.clear()

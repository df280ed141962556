"""``manage.py demo``: fills the demo company; ``year`` tells only the year before its week.

``check`` compares what was found with what was planted, ``where`` says where that is; ``live`` keeps it alive.
"""

import importlib
import os
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from portal.standins.client import Remote, StandInRefused
from portal.standins.together import last_address

STANDINS_WITHIN = 60.0
LIVE_SECONDS = 240.0


class Command(BaseCommand):
    """A thin caller: what happens stands in the module that ``settings.DEMO_STORY`` names."""

    help = "Fill the demo company of a demo portal. Run again, it goes on where it stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The one word, and where the stand-ins answer."""
        parser.add_argument("word", nargs="?", default="fill", choices=["fill", "check", "live", "where", "year"])
        parser.add_argument("--at", default=os.environ.get("COUNTERSIGN_STANDINS_URL", ""), help="address of the stand-ins")
        parser.add_argument("--scale", type=float, default=settings.DEMO_YEAR, help="how much of a year (1.0: 1,300 pull requests)")
        parser.add_argument("--seed", type=int, default=settings.DEMO_SEED, help="which year")
        parser.add_argument("--seconds", type=float, default=LIVE_SECONDS, help="for live: the pause between two steps")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses outside a demo: made-up people have no business among real records."""
        if not settings.DEMO:
            raise CommandError("This is no demo portal. Set COUNTERSIGN_DEMO=1, or start ./bin/up without --empty.")
        remote = self._standins(options["at"])
        story = importlib.import_module(settings.DEMO_STORY)
        if options["word"] == "fill":
            story.load(address=remote.url, now=now(), say=self.stdout.write, year=options["scale"], seed=options["seed"])
        elif options["word"] == "year":
            which = {"scale": options["scale"], "seed": options["seed"]}
            story.load_year(address=remote.url, now=now(), say=self.stdout.write, **which)
        elif options["word"] == "check":
            self._check(remote, story)
        elif options["word"] == "where":
            self.stdout.write("\n".join(story.places(address=remote.url)) or "No year was told.")
        else:
            self._live(remote, options["seconds"])

    def _standins(self, given: str) -> Remote:
        """The running stand-ins; waits for them, since they are started at the same time."""
        patience = time.monotonic() + STANDINS_WITHIN
        while True:
            address = given or last_address(settings.DATA_DIR / "standins")
            if address and Remote(address).answers():
                return Remote(address)
            if time.monotonic() > patience:
                raise CommandError("The stand-ins do not answer. Start them with `manage.py standins`, or name them with --at URL.")
            time.sleep(0.2)

    def _check(self, remote: Remote, story: Any) -> None:
        if remote.mark("demo") != "filled":
            raise CommandError("The demo company has not been filled yet: manage.py demo")
        differences = story.check(address=remote.url)
        if differences:
            raise CommandError("\n".join(differences))
        self.stdout.write("Everything that was planted was found, and nothing else.")

    def _live(self, remote: Remote, seconds: float) -> None:
        turn = 0
        while True:
            try:
                step = remote.do("live", turn=turn)
                self.stdout.write(f"{step['act']} in {step['repository']}" if step else "everything waits for the portal")
            except (StandInRefused, OSError) as problem:
                self.stderr.write(str(problem))
            turn += 1
            time.sleep(seconds)

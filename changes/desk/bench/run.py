"""All workloads in their order: fill, pages, door, ledger, whole portal. Prints each line as it comes, and the table at the end."""

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.utils.timezone import now

from changes.connectors.actions import connect_github
from changes.desk.bench import applying, door, fill, ledger, matching, pages, proof, reader, searching, server, syncing, whole
from changes.desk.bench.figures import Line, Table
from changes.proposals.models import Change
from portal.access.models import User
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.runtime import assets

LONG_TIMELINE = 57
SMALL, LARGE = 100_000, 1_000_000
PACKS = "audits.packs.bench"
"""W8 stands with the audits; a name keeps the direction of imports."""


@dataclass
class Bench:
    """One run. ``sizes`` are the numbers of changes, one after the other; ``rounds`` the requests of each page; ``entries``
    those that the ledger has when it is verified.
    """

    sizes: tuple[int, ...]
    rounds: int
    deliveries: int
    seconds: float
    parts: frozenset[str]
    entries: int
    cold: bool
    rows: int
    """Rows of W8."""
    say: fill.Say
    pulls: int = 10_000
    """Pull requests of W6."""
    commits: tuple[int, int] = (1_000_000, 100_000)
    """Commits of W7, and of its real Git history."""
    table: Table = field(default_factory=Table)

    def run(self) -> Table:
        """Measure everything that was asked for."""
        data = Path(settings.DATA_DIR)
        owner = os.environ["DATABASE_OWNER_URL"]
        ledger.make_tables(url=owner)  # before the guards are installed: tables that come after them are a finding
        call_command("migrate", verbosity=0)
        assets.build()
        person = reader.approver(email="bob@northwind.example", name="Bob", at=now())
        connect_github(repository="northwind/web", secret=door.SECRET, main="main", prod="prod", at=now())
        for size in self.sizes if "pages" in self.parts else ():
            self._fill(owner, size, person)
            self._pages(data, person, f"{size:,}")
        measured: dict[str, Callable[[], Iterable[Line]]] = {
            "door": lambda: self._door(data),
            "matching": lambda: self._matching(owner, data),
            "syncing": lambda: syncing.measure(many=self.pulls, folder=data, say=self.say),
            "applying": lambda: self._applying(data, person),
            "ledger": lambda: ledger.measure(seconds=self.seconds, superuser=os.environ["COUNTERSIGN_SUPERUSER_URL"], folder=data),
            "packs": lambda: import_module(PACKS).measure(rows=self.rows, person=person, at=now()),
            "proof": lambda: proof.measure(url=owner, entries=self.entries, folder=data),
            "whole": lambda: whole.measure(folder=data, at=now(), cold=self.cold),
        }
        for part, measure in measured.items():
            if part in self.parts:
                self._add(measure())
        self.say(f"\n{self._machine()}\n\n{self.table.text()}")
        return self.table

    def _door(self, data: Path) -> Iterable[Line]:
        with server.serving(database=os.environ["DATABASE_URL"], data=data) as port:
            return list(door.measure(port=port, many=self.deliveries))

    def _matching(self, owner: str, data: Path) -> Iterable[Line]:
        many, history = self.commits
        return matching.measure(url=owner, many=many, history=history, rounds=self.rounds, folder=data, at=now(), say=self.say)

    def _applying(self, data: Path, person: User) -> Iterable[Line]:
        cookie = reader.signed_in(person, at=now())
        with server.serving(database=os.environ["DATABASE_URL"], data=data) as port:
            rounds = max(5, self.rounds // 10)
            return list(applying.measure(many=self.deliveries, rounds=rounds, port=port, cookie=cookie, folder=data))

    def _fill(self, owner: str, size: int, person: User) -> None:
        have = Change.objects.count()
        self.say(f"Filling {size - have:,} changes …")
        seconds = fill.fill(url=owner, have=have, want=size, approver=person.pk, at=now(), say=self.say)
        self.say(f"Filled in {seconds:.0f} s; sealing …")
        seal(at=now(), where=places(), origin="countersign.bench", force=True)

    def _pages(self, data: Path, person: User, size: str) -> None:
        long = Change.objects.filter(state="released").order_by("-number").values_list("number", flat=True)[0]
        short = Change.objects.filter(state="draft").order_by("-number").values_list("number", flat=True)[0]
        fill.lengthen(url=os.environ["DATABASE_OWNER_URL"], number=long, entries=LONG_TIMELINE)
        cookie = reader.signed_in(person, at=now())
        with server.serving(database=os.environ["DATABASE_URL"], data=data) as port:
            self._add(pages.measure_list(port=port, cookie=cookie, person=person, rounds=self.rounds, size=size))
            self._add(pages.measure_list_size(port=port, cookie=cookie))
            self._add(searching.measure(port=port, cookie=cookie, rounds=self.rounds, size=size))
            self._add(pages.measure_record(port=port, cookie=cookie, long=long, short=short, rounds=self.rounds))

    def _add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.table.lines.append(line)
            self.say(
                f"{line.workload}: {line.measured}; {line.baseline or 'no baseline'}; {line.ratio} {line.wanted} {line.reached}"
            )

    def _machine(self) -> str:
        busy = " ".join(f"{load:.1f}" for load in os.getloadavg())
        return f"{now():%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, load averages at the end {busy}"

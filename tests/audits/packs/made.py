"""An engagement with frozen populations, a sample and a mark, its pack, and the ledger's key in a folder of the test."""

import json
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audits.packs import actions
from audits.packs.building import work_on_packs
from audits.packs.models import Pack, PackPiece
from audits.populations.kinds import KINDS
from audits.populations.models import Population, PopulationRow
from audits.samples.actions import draw, mark, replace
from changes.gates.models import Verdict
from changes.proposals.models import Change
from portal.ledger.actions import append
from portal.ledger.canonical import canonical, digest_of, digest_of_text
from portal.ledger.sealer import seal
from tests.audits.engagements.opened import YEAR, admitted
from tests.changes.people import who
from tests.database import cover

ORIGIN = "countersign.example/ledger"
NASTY = ('=HYPERLINK("https://evil.example")', "@SUM(A1)", "+1", "-1", 'plain, "quoted"\r\nsecond line', "Łukasz")


def row_of(kind, number, **more):
    """A flat row of a kind, with nothing in most columns."""
    row = {column.name: "" for column in KINDS[kind].columns}
    return {**row, "key": f"{'CHG' if kind == 'changes' else 'EXC'}-{number}", **more}


@transaction.atomic
def frozen(engagement, kind, rows, *, by, at):
    """A population of just these rows."""
    lines = [canonical(row) for row in rows]
    sheet = {"sources": [{"name": "GitHub", "count": len(rows)}], "gaps": [], "note": "=1+1"}
    population = Population.objects.create(
        engagement=engagement,
        number=engagement.populations.count() + 1,
        kind=kind,
        since=YEAR[0],
        until=at,
        filters={},
        count=len(rows),
        digest=digest_of_text("".join(f"{line}\n" for line in lines)),
        sheet=sheet,
        sheet_digest=digest_of(sheet),
        rules_version="1",
        frozen_by=by,
        frozen_at=at,
    )
    PopulationRow.objects.bulk_create(
        PopulationRow(population=population, position=place, key=row["key"], line=line)
        for place, (row, line) in enumerate(zip(rows, lines, strict=True), start=1)
    )
    append(
        stream=f"engagement:{engagement.pk}",
        kind="population.frozen",
        actor=f"user:{by.pk}",
        fact={"digest": population.digest},
        rows=[population],
    )
    return population


@transaction.atomic
def judged(number, *, at):
    """A change with a frozen verdict."""
    change = Change.objects.create(
        number=number, title="Move the session store", requester=who("Ann"), opened_at=at, moved_at=at, state="merged"
    )
    verdict = Verdict.objects.create(
        change=change,
        moment="merge",
        subject="northwind/web#18",
        outcome="compliant",
        gates=[{"name": "Review", "state": "met"}],
        facts={},
        facts_digest="ab" * 32,
        rules_version="2",
        policy_version="1",
        at=at,
    )
    cover(change, verdict, stream=f"change:{number}")
    return change


def furnished(rows=12):
    """An engagement of Uma's with two populations, a sample with a replacement, and marks of both sides."""
    uma, engagement = admitted()
    at, mia = timezone.now(), who("Mia")
    judged(1, at=at)
    frozen(
        engagement,
        "changes",
        [
            row_of("changes", number, title=NASTY[number % len(NASTY)], merged_at="2026-03-29T00:30:00Z")
            for number in range(1, rows + 1)
        ],
        by=uma,
        at=at,
    )
    found = [row_of("exceptions", number, sentence=NASTY[number % 6], outcome="Explained") for number in range(1, rows + 1)]
    population = frozen(engagement, "exceptions", found, by=uma, at=at)
    sample = draw(population=population, method="random", seed="northwind 7", size=3, by=mia, at=at)
    items = list(sample.items.order_by("position"))
    replace(item=items[0], reason="The record is a test.", by=mia, at=at)
    mark(item=items[1], letter="A", outcome="deviation", note="=cmd", workpaper="WP-1", by=mia, at=at)
    return uma, engagement


def sealed(where):
    """Seal now, and leave the clock a little behind so that the next seal is later."""
    return seal(at=timezone.now(), where=where, origin=ORIGIN, force=True)


def asked(engagement, by):
    """Ask for a pack, as its page does."""
    return actions.ask(engagement=engagement, by=by, at=timezone.now() + timedelta(seconds=1))


def built(pack, where):
    """Seal, let a worker do its turn, and give the pack as it is then."""
    sealed(where)
    work_on_packs(now=timezone.now, where=where)
    return Pack.objects.get(pk=pack.pk)


def content_of(pack):
    """The whole file."""
    return b"".join(
        bytes(piece) for piece in PackPiece.objects.filter(pack=pack).order_by("position").values_list("content", flat=True)
    )


def manifest_of(files):
    """What the manifest says; ``files`` as zipfile reads them."""
    return json.loads(files.read("manifest.json"))


__all__ = ["ORIGIN", "asked", "built", "content_of", "furnished", "manifest_of", "sealed"]

"""Builds a pack: step by step into pieces in the database, and offers it only when it is whole.

Everything that is read is frozen, or below the first checkpoint since the pack was asked for, so a second attempt comes to the same
bytes. What the controls find is kept first, with the pack (``kept``). Nothing else of a broken attempt is used again: a deflated
stream cannot be continued, and writing is quick.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from zipfile import LargeZipFile
from zoneinfo import ZoneInfo

import structlog

from audits.controls.running import controls_in
from audits.engagements.queries import scope_of
from audits.packs import actions
from audits.packs.archive import Archive, zlib_version
from audits.packs.contents.book import put_workbook
from audits.packs.contents.controlled import Controlled, controls_of, put_control
from audits.packs.contents.lists import put_population, put_sample
from audits.packs.contents.oscal import put_oscal
from audits.packs.contents.readme import put_readme
from audits.packs.contents.records import put_records, read_records
from audits.packs.contents.segment import covered_under, put_segment
from audits.packs.contents.statements import put_statements
from audits.packs.contents.work import Work
from audits.packs.kept import run_for
from audits.packs.models import Pack, PackPiece
from audits.packs.pieces import PieceWriter
from audits.packs.queries import is_outdated
from audits.packs.signing import signed_manifest
from audits.packs.verifier import verifier
from audits.populations.facts import moment
from audits.populations.models import Population
from audits.samples.models import Sample
from portal.ledger import keys
from portal.ledger.actions import row_key
from portal.ledger.keys import KeyProblem, Signer
from portal.ledger.models import LedgerCheckpoint, LedgerSealed
from portal.ledger.places import Places
from portal.ledger.queries import checkpoint_over
from portal.policy.in_force import parameters_at
from portal.replica import reading_at_length, writing

log = structlog.get_logger("audits.packs")
MOST_BYTES = 1_900_000_000
"""A ZIP without its large form ends at 2 GiB, and so does what people send each other."""
SEAL_WAIT = timedelta(seconds=5)
Now = Callable[[], datetime]
Step = tuple[str, Callable[[], object]]


class Lost(Exception):
    """The pack is not this worker's any more, or nobody wants it: stop and leave everything as it is."""


class TooLarge(Exception):
    """The file would be larger than a pack may be."""


def work_on_packs(*, now: Now, where: Places) -> int:
    """Build what waits, one pack after the other. Returns how many were taken."""
    taken = 0
    while (pack := actions.claim(at=now())) is not None:
        taken += 1
        if not build(pack=pack, now=now, where=where):
            break
    return taken


def build(*, pack: Pack, now: Now, where: Places) -> bool:
    """Build one pack that was claimed. False when it has to wait for a checkpoint."""
    checkpoint = checkpoint_of(pack)
    if checkpoint is None:
        actions.put_off(pack=pack, until=now() + SEAL_WAIT, why="Waiting for the ledger's next checkpoint")
        return False
    if is_outdated(pack):
        actions.fail(pack=pack, why=actions.OUTDATED, at=now())
        return True
    with suppress(Lost):
        try:
            _write(pack, checkpoint, keys.load(where=where), now, where)
        except KeyProblem as problem:
            actions.fail(pack=pack, why=f"The ledger's key cannot be used by the worker: {problem}", at=now())
        except TooLarge as problem:
            actions.fail(pack=pack, why=str(problem), at=now())
        except (ValueError, RuntimeError, LargeZipFile) as problem:
            # Of zipfile for what would need its large form, of a sheet for too many rows: another attempt ends the same way.
            log.exception("pack.not_built", pack=pack.pk)
            actions.fail(pack=pack, why=f"It could not be built: {problem}", at=now())
    return True


def checkpoint_of(pack: Pack) -> LedgerCheckpoint | None:
    """The first checkpoint over the entry with which the pack was asked for, and so over all that it holds; None before it."""
    sealed = LedgerSealed.objects.filter(leaf__stream=actions.stream_of(pack), leaf__kind="pack.asked").first()
    return checkpoint_over(seq=sealed.seq) if sealed else None


def _write(pack: Pack, checkpoint: LedgerCheckpoint, signer: Signer, now: Now, where: Places) -> None:
    def keep(position: int, content: bytes) -> None:
        if position * len(content) > MOST_BYTES:
            raise TooLarge(f"The file would be larger than {MOST_BYTES:,} bytes. Freeze narrower windows.")
        with writing():
            if not actions.hold(pack=pack, at=now()):
                raise Lost
            PackPiece.objects.create(pack=pack, attempt=pack.attempt, position=position, content=content)

    def tell(done: int, words: str) -> None:
        with writing():
            if not actions.hold(pack=pack, at=now(), step=words[:80], done=done, steps=whole, moved_at=now()):
                raise Lost

    PackPiece.objects.filter(pack=pack, attempt__lt=pack.attempt).delete()
    reading = 0 if pack.run_id else sum(1 for _ in controls_in(scope_of(pack.engagement)))
    writer = PieceWriter(keep)
    work = _work(pack, checkpoint, signer, Archive(writer))
    steps = list(_steps(work, where))
    whole = reading + len(steps)
    work.run = run_for(pack, tell=tell, at=now())
    work.people = {int(pk): name for pk, name in (pack.names or {}).items()}
    with reading_at_length(attempt=pack.attempt):
        for done, (words, step) in enumerate(steps, start=reading):
            tell(done, words)
            step()
    writer.close()
    if not actions.finish(pack=pack, digest=writer.digest, size=writer.size, at=now()):
        raise Lost
    log.info("pack.built", pack=pack.pk, size=writer.size, attempt=pack.attempt)


def _work(pack: Pack, checkpoint: LedgerCheckpoint, signer: Signer, archive: Archive) -> Work:
    return Work(
        pack=pack,
        engagement=pack.engagement,
        archive=archive,
        signer=signer,
        checkpoint=checkpoint,
        populations=list(Population.objects.filter(pk__in=pack.contents["populations"]).order_by("number")),
        samples=list(Sample.objects.filter(pk__in=pack.contents["samples"]).select_related("population").order_by("number", "pk")),
        zone=ZoneInfo(parameters_at(pack.asked_at).release_zone),
        people={},
        covered=covered_under(pack=pack, checkpoint=checkpoint),
    )


def _steps(work: Work, where: Places) -> Iterator[Step]:
    """What is written, in the order of the file. The first two files are what an auditor reads first."""
    controls: list[Controlled] = []
    read_records(work)
    yield "Read me, completeness", lambda: put_readme(work)
    for population in work.populations:
        yield f"Population {population.number}: {population.count} rows", lambda one=population: put_population(work, one)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    for sample in work.samples:
        yield f"Sample {sample.number}: sheets and papers", lambda one=sample: put_sample(work, one)  # type: ignore[misc]  # as above
    yield "Marks, requests, findings", lambda: put_records(work)
    for control in controls_of(work):
        yield f"Control {control.id}: its rows", lambda one=control: controls.append(put_control(work, one))  # type: ignore[misc]  # as above
    yield "Signed verdicts", lambda: put_statements(work)
    yield "OSCAL", lambda: put_oscal(work, controls)
    yield "Workbook", lambda: put_workbook(work, controls)
    yield "Ledger with proofs", lambda: put_segment(work, where)
    yield "Manifest and signature", lambda: _close(work)


def _close(work: Work) -> None:
    pack, engagement = work.pack, work.engagement
    work.archive.put("verify.py", verifier())
    about = {
        "row": row_key(pack),
        "number": pack.number,
        "engagement_id": engagement.pk,
        "engagement": engagement.name,
        "contents": pack.contents,
        "asked_by": work.name_of(pack.asked_by_id),
        "asked_at": moment(pack.asked_at),
        "mark": work.mark,
        "zlib": zlib_version(),
    }
    work.archive.close(about=about, signed=lambda manifest: signed_manifest(manifest, signer=work.signer))

"""`manage.py ledger …`: seal, verify, export and adopt, for people and for cron."""

from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from portal import timestamps
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.environment import Misconfigured
from portal.ledger import export, keys, publishing, recovery, report, sealer, verification
from portal.ledger.places import places
from portal.ledger.sealing import origin
from portal.ledger.segment import Chosen, NothingSealed


class Command(BaseCommand):
    help = "Seals, verifies and exports the ledger. See docs/ledger.md."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        init = actions.add_parser("init", help="make the key that signs checkpoints (0600) and print its public half")
        init.add_argument("--origin", default="", help="name of this log; default: the portal's host")
        actions.add_parser("seal", help="seal everything that waits, now, and write the checkpoint outside")
        verify = actions.add_parser("verify", help="check everything; exit code 1 names the first broken entry")
        verify.add_argument("--full", action="store_true", help="name every broken place, not only the first of each sort")
        verify.add_argument("--record", action="store_true", help="keep the result for the ledger's page")
        exported = actions.add_parser("export", help="write entries, checkpoints, keys and the offline verifier to a folder")
        exported.add_argument("folder", type=Path)
        exported.add_argument("--stream", action="append", default=[], help="only this stream, with proofs; may be repeated")
        adopt = actions.add_parser("adopt", help="after a restore: show what was lost; with two signatures, go on from there")
        adopt.add_argument(
            "--signed-by", nargs=2, metavar="EMAIL", default=[], help="the two people who agree; each types a password"
        )
        adopt.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        {
            "init": self.init,
            "seal": self.seal,
            "verify": self.verify,
            "export": self.export,
            "adopt": self.adopt,
        }[options["action"]](options)

    def init(self, options: dict[str, Any]) -> None:
        where = places()
        try:
            keys.make(where=where, origin=options["origin"] or origin())
        except FileExistsError:
            self.stderr.write(f"There is a key at {where.key} already; it stays.")
        for public in keys.public_keys(where=where):
            self.stdout.write(public.text())

    def seal(self, options: dict[str, Any]) -> None:
        try:
            made = sealer.seal(at=now(), where=places(), origin=origin(), force=True)
        except (sealer.SealingStopped, keys.KeyProblem) as problem:
            raise CommandError(f"Nothing was sealed: {problem}.") from problem
        failed = publishing.publish(at=now(), where=places())
        self.stdout.write(f"Sealed: {made}." if made else "Nothing waits.")
        if failed:
            raise CommandError("Not everywhere written outside: " + "; ".join(failed))

    def verify(self, options: dict[str, Any]) -> None:
        found = verification.verify(where=places(), full=options["full"])
        try:
            found = replace(found, problems=(*found.problems, *timestamps.check()))
        except Misconfigured as missing:
            found = replace(found, remarks=(*found.remarks, f"The time stamps were not verified: {missing}"))
        if options["record"]:
            report.record(report=found, at=now())
        for remark in found.remarks:
            self.stdout.write(f"REMARK  {remark}")
        for problem in found.problems:
            self.stdout.write(f"BROKEN  {problem.place}: {problem.sentence}")
        speed = f"{found.entries} entries, {found.checkpoints} checkpoints, {found.seconds:.2f} s"
        if not found.ok:
            raise CommandError(f"The ledger does not verify ({speed}). First: {found.problems[0].place}.")
        self.stdout.write(f"The ledger verifies: {speed}.")

    def export(self, options: dict[str, Any]) -> None:
        if options["stream"]:
            chosen = Chosen(streams=tuple(options["stream"]))
            try:
                written = export.export_segment(folder=options["folder"], chosen=chosen, where=places())
            except NothingSealed as problem:
                raise CommandError(f"Nothing was exported: {problem}.") from problem
        else:
            written = export.export(folder=options["folder"], where=places())
        self.stdout.write(f"{written.entries} entries and {written.checkpoints} checkpoints in {options['folder']}.")
        stamped = timestamps.write_to(options["folder"])
        if stamped:
            self.stdout.write(f"{stamped} time stamps in {options['folder'] / timestamps.FOLDER}.")
        self.stdout.write(f"Verify with: python {options['folder'] / 'verify.py'} {options['folder']}")

    def adopt(self, options: dict[str, Any]) -> None:
        where = places()
        try:
            found = recovery.damage(where=where)
            self.stdout.write(f"The database has {found.kept.size} sealed entries, and they are sound.")
            for keeper, many in found.keepers.items():
                self.stdout.write(f"Lost, but kept by {keeper}: {many} checkpoints, up to entry {found.through}.")
            if not options["signed_by"]:
                self.stdout.write("Nothing was changed. Two people adopt it: --signed-by EMAIL EMAIL --reason TEXT")
                return
            signatories = [self.signatory(email) for email in options["signed_by"]]
            recovery.adopt(where=where, signed_by=signatories, reason=options["reason"], at=now())
        except (sealer.SealingStopped, keys.KeyProblem, ValueError) as problem:
            raise CommandError(f"Not adopted: {problem}.") from problem
        self.stdout.write(f"Adopted checkpoint {found.kept.size}; the entry of the recovery is sealed and written outside.")

    def signatory(self, email: str) -> recovery.Signatory:
        """A person who may sign a recovery and types their own password."""
        user = User.objects.filter(email__iexact=email).first()
        if user is None or not may_at(user, P.LEDGER_RECOVER, at=now()):
            raise CommandError(f"{email} may not sign a recovery; a compliance manager or an administrator does.")
        if not user.check_password(getpass(f"Password of {user.name}: ")):
            raise CommandError(f"That is not the password of {user.name}.")
        return recovery.Signatory(actor_of(user), user.name)

"""The verifier as a program."""

import argparse
import sys
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from audits.packs.tools.evidence import (
    check_about,
    check_complete,
    check_controls,
    check_lists,
    check_populations,
    check_samples,
    check_statements,
)
from audits.packs.tools.ledgered import Ledger, check_ledger
from audits.packs.tools.reading import DESCRIPTION, KEYS, Broken, Unusable, check_manifest, open_pack, read_keys
from audits.packs.tools.stamped import check_stamps, told_of_stamps


def verify(data: bytes, keys_text: str | None = None, kept: list[Path] | None = None, tsa_roots: bytes | None = None) -> str:
    """Check everything; sentences about what was checked. Raises ``Broken`` or ``Unusable``."""
    pack = open_pack(data)
    roots = load_pem_x509_certificates(tsa_roots) if tsa_roots is not None else []
    try:
        inside = read_keys(pack.content(KEYS).decode(), KEYS)
        keys = read_keys(keys_text, "the keys that you gave") if keys_text is not None else inside
        manifest = check_manifest(pack, keys)
        ledger = check_ledger(pack, keys, kept or [])
        check_about(pack, manifest, ledger)
        populations = check_populations(pack, ledger)
        items = check_samples(pack, ledger, populations)
        records = check_lists(pack, ledger)
        check_complete(ledger, manifest["about"])
        controls = check_controls(pack)
        statements = check_statements(pack, keys)
        stamps = check_stamps(pack, ledger, keys, manifest["about"]["contents"].get("timestamps", []), roots)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
        raise Broken(f"the pack: something in it cannot be read ({problem!r})") from problem
    rows = sum(len(one) for one in populations.values())
    return (
        f"{len(pack.places)} files, {rows} rows of {len(populations)} populations, {items} sampled items, {records} records,"
        f" {controls} controls, {statements} statements, {ledger.entries} entries under checkpoint {ledger.size}: all verify."
        f"{redacted_in(ledger)}{''.join(f' {told}' for told in told_of_stamps(stamps))}"
    )


def redacted_in(ledger: Ledger) -> str:
    """What was redacted, in words; nothing where nothing was."""
    if not ledger.gone:
        return ""
    return (
        f" The text of {len(ledger.gone)} entries was redacted by two people; their hashes stand, and {ledger.unread} records"
        " that only they tell of were not compared with them."
    )


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--checkpoints", type=Path, action="append", default=[])
    parser.add_argument("--tsa-roots", type=Path)
    given = parser.parse_args(arguments)
    try:
        keys = given.keys.read_text() if given.keys else None
        roots = given.tsa_roots.read_bytes() if given.tsa_roots else None
        if given.pack.is_dir():
            raise Unusable(f"{given.pack} is a folder. Give the ZIP itself, as it was handed over.")
        print(verify(given.pack.read_bytes(), keys, given.checkpoints, roots))
    except Broken as problem:
        print(f"BROKEN  {problem}")
        return 1
    except (Unusable, OSError, ValueError) as problem:
        print(f"UNUSABLE  {problem}", file=sys.stderr)
        return 2
    if keys is None:
        print("The key came with the pack: compare ledger/keys.txt with the one that you were given, or name that one with --keys.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

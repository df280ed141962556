"""The verifier as a program."""

import argparse
import sys
from pathlib import Path

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


def verify(data: bytes, keys_text: str | None = None, kept: list[Path] | None = None) -> str:
    """Check everything; a sentence about what was checked. Raises ``Broken`` or ``Unusable``."""
    pack = open_pack(data)
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
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
        raise Broken(f"the pack: something in it cannot be read ({problem!r})") from problem
    rows = sum(len(one) for one in populations.values())
    return (
        f"{len(pack.places)} files, {rows} rows of {len(populations)} populations, {items} sampled items, {records} records,"
        f" {controls} controls, {statements} statements, {ledger.entries} entries under checkpoint {ledger.size}: all verify."
        f"{redacted_in(ledger)}"
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
    given = parser.parse_args(arguments)
    try:
        keys = given.keys.read_text() if given.keys else None
        print(verify(given.pack.read_bytes(), keys, given.checkpoints))
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

"""The evidence in a pack: populations, samples, sheets and marks, controls, statements, each from what lies beside it."""

import base64
import csv
import hashlib
import io
from typing import Any

from cryptography.exceptions import InvalidSignature

from audits.packs.tools.ledgered import Ledger, check_record
from audits.packs.tools.reading import MANIFEST, Broken, Keys, Pack, canonical, loads, sha

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
Rows = dict[str, dict[str, Any]]
"""A population: key -> row, in its order."""

# ---- populations


def check_populations(pack: Pack, ledger: Ledger) -> dict[int, Rows]:
    """Each population against its digest, its sheet, its CSV and the ledger; its rows by the population's number."""
    return {about["number"]: rows for about, rows in (check_population(pack, ledger, one) for one in pack.folders("populations"))}


def check_population(pack: Pack, ledger: Ledger, folder: str) -> tuple[dict[str, Any], Rows]:
    """One population; what is said about it, and its rows."""
    about, place = pack.json(f"{folder}/population.json"), f"{folder}/rows.jsonl"
    if pack.digests.get(place) != about["digest"]:
        raise Broken(f"{place}: the rows are not those that were frozen")
    lines = pack.lines(place)
    rows = {row["key"]: row for row in (loads(line, place) for line in lines)}
    if len(rows) != about["count"] or len(lines) != about["count"]:
        raise Broken(f"{place}: {about['count']} rows were frozen, and here are {len(rows)}")
    sheet = f"{folder}/completeness.json"
    if pack.digests.get(sheet) != about["sheet_digest"]:
        raise Broken(f"{sheet}: is not the completeness sheet that was frozen")
    check_record(ledger, about, f"{folder}/population.json")
    check_csv(pack, f"{folder}/rows.csv", lines, about["columns"])
    return about, rows


def check_csv(pack: Pack, place: str, lines: list[str], columns: list[str]) -> None:
    """The CSV must be the JSON, cell by cell."""
    found = csv.reader(io.StringIO(pack.content(place).decode(), newline=""), strict=True)
    wanted = [columns, *([cell(loads(line, place).get(column)) for column in columns] for line in lines)]
    for number, row in enumerate(wanted, start=1):
        if next(found, None) != row:
            raise Broken(f"{place}, row {number}: does not say what the JSON says")
    if next(found, None) is not None:
        raise Broken(f"{place}: has more rows than the JSON")


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet runs."""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(FORMULA) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else canonical(value)


# ---- samples


def rank(seed: str, key: str) -> str:
    """SHA-256 of seed, line feed, key."""
    return hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()


def in_ranks(seed: str, keys: list[str]) -> list[str]:
    """The keys in the order of their ranks."""
    return sorted(keys, key=lambda key: (rank(seed, key), key))


def shares(counts: dict[str, int], size: int) -> dict[str, int]:
    """Rows of each stratum: in proportion by largest remainder, at least one each; ties by name."""
    total = sum(counts.values())
    given = {name: size * count // total for name, count in counts.items()}
    order = sorted(counts, key=lambda name: (-(size * counts[name] % total), name))
    for name in order[: size - sum(given.values())]:
        given[name] += 1
    for name in sorted(name for name in counts if not given[name]):
        given[min(given, key=lambda other: (-given[other], other))] -= 1
        given[name] = 1
    return given


def draw(method: str, seed: str, size: int, strata: dict[str, str]) -> list[str]:
    """The keys that the seed draws. ``strata`` has every key of the population in its order, with its stratum."""
    keys = list(strata)
    if method == "random":
        return in_ranks(seed, keys)[:size]
    if method == "systematic":
        first = int(rank(seed, "start"), 16) % len(keys)
        return [keys[(first + number * len(keys) // size) % len(keys)] for number in range(size)]
    members: dict[str, list[str]] = {}
    for key, stratum in strata.items():
        members.setdefault(stratum, []).append(key)
    given = shares({name: len(some) for name, some in members.items()}, size)
    return in_ranks(seed, [key for name, some in members.items() for key in in_ranks(seed, some)[: given[name]]])


def next_of(method: str, seed: str, strata: dict[str, str], taken: list[str], replaced: str) -> str | None:
    """The row that replaces another: the next in the order of ranks, in a stratified sample of the same stratum."""
    gone = set(taken)
    left = [key for key in strata if key not in gone]
    if method == "stratified":
        left = [key for key in left if strata[key] == strata[replaced]]
    return in_ranks(seed, left)[0] if left else None


def check_samples(pack: Pack, ledger: Ledger, populations: dict[int, Rows]) -> int:
    """Each sample is what its seed draws from its population; its items and marks are those of the ledger. How many items."""
    items = 0
    for folder in pack.folders("samples"):
        sample = pack.json(f"{folder}/sample.json")
        found = pack.values(f"{folder}/items.jsonl")
        check_record(ledger, sample, f"{folder}/sample.json")
        check_draw(sample, found, populations[sample["population"]], f"{folder}/items.jsonl")
        for number, item in enumerate(found, start=1):
            check_item(pack, ledger, item, f"{folder}/items.jsonl, line {number}")
        items += len(found)
    return items


def check_draw(sample: dict[str, Any], items: list[dict[str, Any]], rows: Rows, place: str) -> None:
    """The first items are what was drawn, the others replace one of them."""
    keys = [item["key"] for item in items if item["replaces"] is None]
    if sha("".join(f"{key}\n" for key in keys).encode()) != sample["digest"] or len(keys) != sample["size"]:
        raise Broken(f"{place}: the items are not those of the sample's digest")
    if not set(keys) <= rows.keys():
        raise Broken(f"{place}: an item is not in the population")
    if sample["method"] == "by_hand":
        return
    column = sample["plan"].get("stratum", "")
    strata = {key: str(row.get(column, "")) for key, row in rows.items()}
    if keys != draw(sample["method"], sample["seed"], sample["size"], strata):
        raise Broken(f"{place}: the seed draws other rows")
    taken = list(keys)
    by_position = {item["position"]: item["key"] for item in items}
    for item in (item for item in items if item["replaces"] is not None):
        replaced = by_position[item["replaces"]]
        if item["key"] != next_of(sample["method"], sample["seed"], strata, taken, replaced):
            raise Broken(f"{place}: {item['key']} is not the next row after {replaced}")
        taken.append(item["key"])


def check_item(pack: Pack, ledger: Ledger, item: dict[str, Any], place: str) -> None:
    """The sheet of one item, its raw records, and what the ledger says."""
    if sha(canonical(item["sheet"]).encode()) != item["sheet_digest"]:
        raise Broken(f"{place}: the sheet of {item['key']} is not that of its digest")
    for attribute in item["sheet"].get("attributes", []):
        texts = [(attribute["raw"], attribute["digest"]), *((one["text"], one["digest"]) for one in attribute.get("answers", []))]
        if any(sha(text.encode()) != digest for text, digest in texts):
            raise Broken(f"{place}: a raw record of {item['key']}, {attribute['letter']}, is not that of its digest")
    for path, digest in item.get("files", {}).items():
        if pack.digests.get(path) != digest:
            raise Broken(f"{path}: is not what the item names")
    check_record(ledger, item, place)


def check_lists(pack: Pack, ledger: Ledger) -> int:
    """Marks, requests, findings and every other list of records, line by line against the ledger. How many records."""
    records = 0
    for path in [path for path in pack.places if path.startswith("records/") and path.endswith(".jsonl")]:
        for number, record in enumerate(pack.values(path), start=1):
            check_record(ledger, record, f"{path}, line {number}")
            records += 1
    return records


LISTED = ("mark", "request", "requestmessage", "finding", "findingstep")


def check_complete(ledger: Ledger, about: dict[str, Any]) -> None:
    """Nothing was left out: each mark, request, finding and item that an entry covers has its record."""
    app = about["row"].partition("_")[0]
    listed = {f"{app}_{name}" for name in LISTED}
    for row, text in ledger.rows.items():
        table = row.partition(":")[0]
        item = table == f"{app}_sampleitem" and text is not None and int(text["sample_id"]) in about["contents"]["samples"]
        if (table in listed or item) and row not in ledger.seen:
            raise Broken(f"{row}: the ledger has it, and the pack does not")


# ---- controls and statements


def check_controls(pack: Pack) -> int:
    """Each control's result, computed anew from its rows. How many controls."""
    found = pack.folders("controls")
    for folder in found:
        said, place = pack.json(f"{folder}/result.json")["result"], f"{folder}/rows.jsonl"
        lines = pack.lines(place)
        states = [loads(line, place)["state"] for line in lines]
        counted = {
            name: states.count(state) for name, state in (("deviations", "deviates"), ("unknown", "unknown"), ("unread", "unread"))
        }
        computed = {**counted, "population": len(states) - counted["unread"], "digest": sha(pack.content(place))}
        computed["outcome"] = outcome(computed)
        if computed != said:
            raise Broken(f"{folder}/result.json: its rows come to another result ({canonical(computed)})")
    return len(found)


def outcome(counts: dict[str, Any]) -> str:
    """What the counts come to."""
    if counts["unknown"] or counts["unread"]:
        return "unknown"
    if counts["deviations"]:
        return "deviations"
    return "passed" if counts["population"] else "never_operated"


def check_statements(pack: Pack, keys: Keys) -> int:
    """The signature of every statement (DSSE). How many."""
    known = {f"{name}+{key_id.hex()}": key for (name, key_id), key in keys.items()}
    statements = 0
    for path in [path for path in pack.places if path.endswith(".dsse.jsonl")]:
        for number, envelope in enumerate(pack.values(path), start=1):
            kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"], validate=True)
            signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
            [line] = envelope["signatures"]
            try:
                known[line["keyid"]].verify(base64.b64decode(line["sig"], validate=True), signed)
            except (KeyError, InvalidSignature) as problem:
                raise Broken(f"{path}, line {number}: no valid signature of a known key") from problem
            statements += 1
    return statements


def check_about(pack: Pack, manifest: dict[str, Any], ledger: Ledger) -> None:
    """The pack itself is in the ledger too."""
    check_record(ledger, manifest["about"], MANIFEST)
    contents = manifest["about"]["contents"]
    for name in ("populations", "samples"):
        rows = sorted(int(pack.json(f"{folder}/{name[:-1]}.json")["row"].partition(":")[2]) for folder in pack.folders(name))
        if rows != sorted(contents[name]):
            raise Broken(f"{name}/: one of them is missing, or one too many")
    listed = {path: digest for path, digest in pack.digests.items() if path not in (MANIFEST, "manifest.note")}
    if listed != {file["path"]: file["sha256"] for file in manifest["files"]}:
        raise Broken(f"{MANIFEST}: does not name every file once")

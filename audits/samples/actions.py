"""Draw a sample from a frozen population, replace an item, and mark what was tested (P-27). Each is evidence and never changes."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from audits.engagements.numbering import next_number, one_at_a_time
from audits.engagements.taking_part import check_works, is_auditor, refuse
from audits.populations.facts import Row
from audits.populations.kinds import KINDS
from audits.populations.models import Population, PopulationRow
from audits.samples.drawing import ALGORITHM, BY_HAND, STRATIFIED, digest_of_keys, drawn, replacement
from audits.samples.models import Mark, Sample, SampleItem
from audits.samples.results import WHOLE
from audits.samples.sheets import letters_of, sheets_of
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import Draft, append, append_many
from portal.ledger.canonical import digest_of
from portal.policy.refusal import Stale

LONGEST_SEED = 100


def new_seed() -> str:
    """A seed that nobody chose: 16 hexadecimal digits from the machine's secret generator."""
    return secrets.token_hex(8)


@transaction.atomic
def draw(
    *,
    population: Population,
    method: str,
    by: User,
    at: datetime,
    seed: str = "",
    size: int = 0,
    stratum: str = "",
    keys: Sequence[str] = (),
    reason: str = "",
    plan: Mapping[str, Any] | None = None,
) -> Sample:
    """Draw rows, and freeze the sheet of each as it is now.

    ``seed`` is any text, trimmed; empty: one is drawn. ``stratum`` is the column of a stratified sample, ``keys`` the
    rows of one by hand, with ``reason``. ``plan`` says how the size came about. Raises ``Refused`` for an empty population,
    a sample larger than it, a seed that is too long, unknown rows or columns, and for who does not work on the engagement.
    """
    check_works(engagement_id=population.engagement_id, by=by, at=at)
    seed = seed.strip()
    _check_wish(population, method, seed, stratum, reason)
    strata = _strata(population, stratum if method == STRATIFIED else "")
    if method == BY_HAND:
        chosen = _by_hand(strata, keys)
        seed = ""
    else:
        seed = seed or new_seed()
        chosen = _drawn(method, seed, strata, size)
    kept: dict[str, Any] = {**(plan or {}), "population": len(strata)}
    if method == STRATIFIED:
        kept |= {"stratum": stratum, "strata": _counts(strata, chosen)}
    sample = Sample.objects.create(
        engagement=population.engagement,
        population=population,
        number=next_number(engagement=population.engagement, table="audits_sample"),
        method=method,
        seed=seed,
        size=len(chosen),
        plan=kept,
        algorithm=ALGORITHM,
        digest=digest_of_keys(chosen),
        reason=reason.strip(),
        drawn_by=by,
        drawn_at=at,
    )
    append(stream=_stream(sample), kind="sample.drawn", actor=actor_of(by), fact=_fact(sample, chosen), rows=[sample])
    _add_items(sample, chosen, by, at)
    return sample


@transaction.atomic
def replace(*, item: SampleItem, reason: str, by: User, at: datetime, key: str = "") -> SampleItem:
    """Put the next row in the order of ranks in the place of an item that cannot be tested; ``key`` names it for a sample by hand.

    Raises ``Refused`` without a reason and when no row is left, ``Stale`` for an item that was replaced already.
    """
    sample = item.sample
    check_works(engagement_id=sample.engagement_id, by=by, at=at)
    if not reason.strip():
        refuse("A replacement needs a reason.", "Say why the row cannot be tested.")
    one_at_a_time(engagement_id=sample.engagement_id)
    if SampleItem.objects.filter(replaces=item).exists():
        raise Stale("Somebody has replaced this row already.")
    found = _next_key(sample, item, key.strip())
    [new] = _add_items(sample, [found], by, at, replaces=item, reason=reason.strip())
    return new


@transaction.atomic
def mark(*, item: SampleItem, letter: str, outcome: str, by: User, at: datetime, note: str = "", workpaper: str = "") -> Mark:
    """Keep what a tester says about one attribute, or about the whole item (letter ``*``). The newest one of a side counts.

    Raises ``Refused`` for a letter that the sheet does not have, a deviation without a note, and a replaced item.
    """
    check_works(engagement_id=item.sample.engagement_id, by=by, at=at)
    note, workpaper = note.strip(), workpaper.strip()
    if letter != WHOLE and letter not in letters_of(item.sheet):
        refuse(f"The sheet has no attribute {letter}.", "Choose one of the sheet.")
    if outcome not in Mark.Outcome.values:
        refuse("A mark is pass, deviation or not applicable.", "Choose one.")
    if outcome == Mark.Outcome.DEVIATION and not note:
        refuse("A deviation needs a note.", "Say what was found.")
    if SampleItem.objects.filter(replaces=item).exists():
        raise Stale("This row was replaced: mark the one in its place.")
    side = Mark.Side.AUDITOR if is_auditor(by, at=at) else Mark.Side.OWN
    row = Mark.objects.create(item=item, letter=letter, outcome=outcome, side=side, note=note, workpaper=workpaper, by=by, at=at)
    fact = {
        "sample": item.sample.number,
        "item": item.position,
        "key": item.row.key,
        "letter": letter,
        "outcome": outcome,
        "side": str(side),
        "note": note,
        "workpaper": workpaper,
    }
    append(stream=_stream(item.sample), kind="sample.marked", actor=actor_of(by), fact=fact, rows=[row])
    return row


def _check_wish(population: Population, method: str, seed: str, stratum: str, reason: str) -> None:
    if not population.count:
        refuse("The population is empty: there is nothing to draw.", "The frozen empty list is the evidence.")
    if method not in Sample.Method.values:
        refuse(f"{method} is no way to draw.", "Choose one of the list.")
    if len(seed) > LONGEST_SEED:
        refuse(f"A seed has at most {LONGEST_SEED} characters.", "Shorten it.")
    if method == STRATIFIED and stratum not in KINDS[population.kind].filters:
        refuse("A stratified sample needs a column to go by.", "Choose one of the list.")
    if method == BY_HAND and not reason.strip():
        refuse("A sample by hand needs a reason.", "Say why these rows.")


def _drawn(method: str, seed: str, strata: Mapping[str, str], size: int) -> list[str]:
    try:
        return drawn(method=method, seed=seed, strata=strata, size=size)
    except ValueError as problem:
        refuse(str(problem), f"Choose a size from 1 to {len(strata)} that fits.")


def _by_hand(strata: Mapping[str, str], keys: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(filter(None, (key.strip() for key in keys))))
    unknown = [key for key in chosen if key not in strata]
    if unknown:
        refuse(f"{', '.join(unknown[:5])}: not in this population.", "Name rows by their key, one a line.")
    if not chosen:
        refuse("No row was named.", "Name rows by their key, one a line.")
    return chosen


def _next_key(sample: Sample, item: SampleItem, key: str) -> str:
    strata = _strata(sample.population, sample.plan.get("stratum", ""))
    taken = set(sample.items.values_list("row__key", flat=True))
    if sample.method == BY_HAND:
        [found] = _by_hand({name: "" for name in strata if name not in taken}, [key.split("\n")[0]])
        return found
    next_one = replacement(method=sample.method, seed=sample.seed, strata=strata, taken=taken, replaced=item.row.key)
    if next_one is None:
        refuse("No row is left to take its place.", "Test what there is.")
    return next_one


def _strata(population: Population, column: str) -> dict[str, str]:
    """Every key in the population's order, with what stands in a column; with nothing where no column is asked for."""
    if not column:
        return dict.fromkeys(population.rows.order_by("position").values_list("key", flat=True), "")
    rows = population.rows.order_by("position").values_list("key", "line").iterator()
    return {key: str(json.loads(line)[column]) for key, line in rows}


def _counts(strata: Mapping[str, str], chosen: Sequence[str]) -> dict[str, list[int]]:
    """For each stratum how many rows it has, and how many of them are in the sample."""
    counts: dict[str, list[int]] = {name: [0, 0] for name in sorted(set(strata.values()))}
    for name in strata.values():
        counts[name][0] += 1
    for key in chosen:
        counts[strata[key]][1] += 1
    return counts


def _add_items(
    sample: Sample,
    keys: Sequence[str],
    by: User,
    at: datetime,
    replaces: SampleItem | None = None,
    reason: str = "",
) -> list[SampleItem]:
    rows = {row.key: row for row in PopulationRow.objects.filter(population=sample.population, key__in=keys)}
    position = sample.items.count()
    facts: Iterator[Row] = (json.loads(rows[key].line) for key in keys)
    items = [
        SampleItem(
            sample=sample,
            position=position + place,
            row=rows[key],
            sheet=sheet,
            sheet_digest=digest_of(sheet),
            replaces=replaces,
            reason=reason,
            added_by=by,
            added_at=at,
        )
        for place, (key, sheet) in enumerate(zip(keys, sheets_of(sample.population.kind, facts, at=at), strict=True), start=1)
    ]
    made = SampleItem.objects.bulk_create(items, batch_size=100)
    kind = "sample.replaced" if replaces else "sample.item"
    drafts = [Draft(_stream(sample), kind, actor_of(by), _item_fact(item), [item]) for item in made]
    append_many(drafts=drafts)
    return made


def _item_fact(item: SampleItem) -> dict[str, Any]:
    replaced = {"replaces": item.replaces.row.key, "reason": item.reason} if item.replaces else {}
    return {
        "sample": item.sample.number,
        "position": item.position,
        "key": item.row.key,
        "sheet_digest": item.sheet_digest,
        **replaced,
    }


def _fact(sample: Sample, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "sample": sample.number,
        "population": sample.population.number,
        "population_digest": sample.population.digest,
        "method": sample.method,
        "seed": sample.seed,
        "size": sample.size,
        "algorithm": sample.algorithm,
        "digest": sample.digest,
        "plan": sample.plan,
        "reason": sample.reason,
        "keys": list(keys),
    }


def _stream(sample: Sample) -> str:
    return f"engagement:{sample.engagement_id}"

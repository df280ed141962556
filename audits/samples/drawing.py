"""How rows are drawn: a published algorithm without a generator of random numbers (docs/audits.md, "Samples"). Pure.

Everything follows from SHA-256 over UTF-8 text, so that another program, or a person with a pocket calculator for hashes,
gets the same rows. Keys are the stable keys of the population, in its order. Nothing of the portal is imported here.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

ALGORITHM = "countersign-draw-1"
"""Named in every sample. Another way of drawing gets another name."""
RANDOM, STRATIFIED, SYSTEMATIC, BY_HAND = "random", "stratified", "systematic", "by_hand"
START = "start"
"""What is hashed in place of a key for the first row of a systematic sample."""


def rank(*, seed: str, key: str) -> str:
    """SHA-256 of seed, line feed and key, as 64 hexadecimal digits. Ranks sort as texts."""
    return hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()


def ranked(*, seed: str, keys: Iterable[str]) -> list[str]:
    """The keys in the order of their ranks."""
    return sorted(keys, key=lambda key: (rank(seed=seed, key=key), key))


def simple_random(*, seed: str, keys: Sequence[str], size: int) -> list[str]:
    """The first ``size`` in the order of ranks. Raises ``ValueError`` for a size that the population does not have."""
    _check(size, len(keys))
    return ranked(seed=seed, keys=keys)[:size]


def sizes_of_strata(*, counts: Mapping[str, int], size: int) -> dict[str, int]:
    """How many rows each stratum gives: in proportion, by largest remainder, and at least one.

    Each stratum gets the whole part of ``size × count ÷ total``. What is left goes, one each, to the largest remainders.
    A stratum that has none then takes one from the stratum with most. Ties are settled by the name, smallest first.
    Raises ``ValueError`` where ``size`` is smaller than the number of strata or larger than the population.
    """
    names = sorted(name for name, count in counts.items() if count)
    total = sum(counts.values())
    _check(size, total)
    if size < len(names):
        raise ValueError(f"{len(names)} strata need a sample of at least {len(names)} rows.")
    given = {name: size * counts[name] // total for name in names}
    by_remainder = sorted(names, key=lambda name: (-(size * counts[name] % total), name))
    for name in by_remainder[: size - sum(given.values())]:
        given[name] += 1
    for name in [name for name in names if not given[name]]:
        richest = min(names, key=lambda other: (-given[other], other))
        given[richest] -= 1
        given[name] = 1
    return given


def stratified(*, seed: str, strata: Mapping[str, str], size: int) -> list[str]:
    """From each stratum its first rows in the order of ranks; all of them together in the order of ranks.

    ``strata`` has the stratum of each key.
    """
    members: dict[str, list[str]] = {}
    for key, stratum in strata.items():
        members.setdefault(stratum, []).append(key)
    given = sizes_of_strata(counts={name: len(keys) for name, keys in members.items()}, size=size)
    chosen = [key for name, many in given.items() for key in ranked(seed=seed, keys=members[name])[:many]]
    return ranked(seed=seed, keys=chosen)


def start_of(*, seed: str, total: int) -> int:
    """The place, from 1, at which a systematic sample starts: 1 + (rank of "start", read as a number, modulo ``total``)."""
    return 1 + int(rank(seed=seed, key=START), 16) % total


def systematic(*, seed: str, keys: Sequence[str], size: int) -> list[str]:
    """Every ``total ÷ size``-th row from the start on, round the end to the beginning: each row is as likely as any other.

    Item i (from 0) stands at place ((start - 1 + whole part of i × total ÷ size) modulo total) + 1.
    """
    _check(size, len(keys))
    first = start_of(seed=seed, total=len(keys)) - 1
    return [keys[(first + number * len(keys) // size) % len(keys)] for number in range(size)]


def drawn(*, method: str, seed: str, strata: Mapping[str, str], size: int) -> list[str]:
    """The keys that are drawn, in the order of the sample. ``strata`` has every key in the population's order, with its stratum.

    Raises ``ValueError`` for a method that draws nothing, and as above.
    """
    keys = list(strata)
    if method == RANDOM:
        return simple_random(seed=seed, keys=keys, size=size)
    if method == STRATIFIED:
        return stratified(seed=seed, strata=strata, size=size)
    if method == SYSTEMATIC:
        return systematic(seed=seed, keys=keys, size=size)
    raise ValueError(f"{method} is no method of drawing.")


def replacement(*, method: str, seed: str, strata: Mapping[str, str], taken: Iterable[str], replaced: str) -> str | None:
    """The next by rank that was not taken yet; in a stratified sample, of the same stratum. None: no row is left."""
    used = set(taken)
    left = [key for key in strata if key not in used]
    if method == STRATIFIED:
        left = [key for key in left if strata[key] == strata[replaced]]
    return min(left, key=lambda key: (rank(seed=seed, key=key), key), default=None)


def digest_of_keys(keys: Iterable[str]) -> str:
    """SHA-256 over the keys in their order, each followed by a line feed."""
    return hashlib.sha256("".join(f"{key}\n" for key in keys).encode()).hexdigest()


def _check(size: int, total: int) -> None:
    if not 1 <= size <= total:
        raise ValueError(f"A sample of {size} cannot be drawn from a population of {total}.")

"""Proofs against the RFC's own recursive definition for every size up to 65, and against published vectors."""

import pytest

from portal.ledger import chain, proofs
from portal.ledger.chain import Frontier
from portal.ledger.proofs import Levels
from tests.portal.ledger.test_chain import LEAVES, leaves, root_by_definition

SIZES = range(1, 66)
# Paths and proofs of merkletree/merkle_tree_test.cc, google/certificate-transparency: (leaf, size) or (first, second).
INCLUSIONS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (0, 1): [],
}
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def largest_power_below(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def path_by_definition(index, hashes):
    """PATH(m, D[n]) of RFC 6962 section 2.1.1, word for word."""
    if len(hashes) == 1:
        return []
    k = largest_power_below(len(hashes))
    if index < k:
        return [*path_by_definition(index, hashes[:k]), root_by_definition(hashes[k:])]
    return [*path_by_definition(index - k, hashes[k:]), root_by_definition(hashes[:k])]


def subproof_by_definition(first, hashes, whole):
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2, word for word."""
    if first == len(hashes):
        return [] if whole else [root_by_definition(hashes)]
    k = largest_power_below(len(hashes))
    if first <= k:
        return [*subproof_by_definition(first, hashes[:k], whole), root_by_definition(hashes[k:])]
    return [*subproof_by_definition(first - k, hashes[k:], False), root_by_definition(hashes[:k])]


@pytest.mark.parametrize("case", INCLUSIONS)
def test_inclusion_proof_is_that_of_certificate_transparency(case):
    assert [node.hex() for node in Levels.of(b"".join(LEAVES)).inclusion(*case)] == INCLUSIONS[case]


@pytest.mark.parametrize("case", CONSISTENCIES)
def test_consistency_proof_is_that_of_certificate_transparency(case):
    assert [node.hex() for node in Levels.of(b"".join(LEAVES)).consistency(*case)] == CONSISTENCIES[case]


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_is_that_of_the_definition_and_holds_for_no_other_leaf_place_or_head(size):
    tree, other = leaves(size), chain.leaf_hash(b"other")
    levels = Levels.of(b"".join(leaves(65)))
    head = root_by_definition(tree)
    assert (levels.head(size), levels.head()) == (head, root_by_definition(leaves(65)))
    for index in range(size):
        proof = levels.inclusion(index, size)
        fits = {"index": index, "leaf": tree[index], "size": size, "head": head, "proof": proof}
        assert proof == path_by_definition(index, tree)
        assert proofs.is_included(**fits)
        for wrong in (
            {"leaf": other},
            {"head": other},
            {"proof": [*proof, other]},
            {"proof": [other, *proof[1:]]} if proof else {"index": 1},
            {"proof": proof[:-1]} if proof else {"size": 2},
            {"index": index ^ 1} if size > 1 else {"index": -1},
            {"index": size},
        ):
            assert not proofs.is_included(**{**fits, **wrong})


@pytest.mark.parametrize("second", SIZES)
def test_consistency_is_that_of_the_definition_and_shows_what_was_rewritten(second):
    tree, other = leaves(second), chain.leaf_hash(b"other")
    levels = Levels.of(b"".join(leaves(65)))
    head = root_by_definition(tree)
    for first in range(1, second + 1):
        proof = levels.consistency(first, second)
        fits = {"first": first, "second": second, "first_head": levels.head(first), "second_head": head, "proof": proof}
        assert proof == subproof_by_definition(first, tree, True)
        assert proof == proofs.continuation(Frontier().extended(tree[:first]), tree[first:])
        assert proofs.is_consistent(**fits)
        for wrong in ({"first_head": other}, {"second_head": other}, {"proof": [*proof, other]}):
            assert not proofs.is_consistent(**{**fits, **wrong})
        if proof:
            assert not proofs.is_consistent(**{**fits, "proof": proof[:-1]})
        rewritten = Levels.of(b"".join([other, *tree[1:]]))
        assert not proofs.is_consistent(**{**fits, "proof": rewritten.consistency(first), "second_head": rewritten.head()})


def test_what_cannot_be_proved_is_refused():
    levels = Levels.of(b"".join(LEAVES))

    assert Levels.of(b"").head() == chain.EMPTY_ROOT
    for index, size in ((-1, 8), (8, 8), (3, 3), (0, 0), (0, 9)):
        with pytest.raises(ValueError):
            levels.inclusion(index, size)
    for first, second in ((0, 8), (9, 8), (1, 9)):
        with pytest.raises(ValueError):
            levels.consistency(first, second)
    with pytest.raises(ValueError):
        proofs.continuation(Frontier(), LEAVES)


def test_consistency_of_impossible_sizes_does_not_hold():
    head = chain.root(LEAVES)

    assert not proofs.is_consistent(first=0, second=8, first_head=chain.EMPTY_ROOT, second_head=head, proof=[head])
    assert not proofs.is_consistent(first=9, second=8, first_head=head, second_head=head, proof=[head])
    assert not proofs.is_consistent(first=4, second=8, first_head=head, second_head=head, proof=[])

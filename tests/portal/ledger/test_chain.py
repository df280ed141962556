"""The tree against published vectors, against the RFC's own recursive definition, and against itself."""

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ledger import chain
from portal.ledger.chain import Fields, Frontier
from portal.ledger.tools import verify

# Inputs and roots of Certificate Transparency's reference tree (merkletree/merkle_tree_test.cc of google/certificate-transparency).
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Assembled byte by byte from the layout in docs/ledger.md ("hashed"), by none of the three that must agree with it.
VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())["entries"]
LEAVES = [chain.leaf_hash(data) for data in INPUTS]


def leaves(count):
    return [chain.leaf_hash(str(number).encode()) for number in range(count)]


def root_by_definition(hashes):
    """MTH of RFC 6962 section 2.1, word for word."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return chain.node_hash(root_by_definition(hashes[:k]), root_by_definition(hashes[k:]))


def test_empty_tree_has_the_root_of_nothing():
    assert chain.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_root_is_that_of_certificate_transparency(size):
    assert chain.root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", range(66))
def test_root_is_that_of_the_definition(size):
    assert chain.root(leaves(size)) == root_by_definition(leaves(size))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_tree_grows_the_same_however_it_is_cut(pieces):
    frontier, size = Frontier(), 0
    everything = leaves(sum(pieces))
    for piece in pieces:
        frontier = frontier.extended(everything[size : size + piece])
        size += piece

    assert frontier.root() == chain.root(everything)
    assert Frontier.unpacked(frontier.size, frontier.packed()) == frontier


@pytest.mark.parametrize(("size", "packed"), [(3, b"x" * 32), (1, b"x" * 31), (0, b"x")])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size, packed):
    with pytest.raises(ValueError):
        Frontier.unpacked(size, packed)


@pytest.mark.parametrize("entry", VECTORS)
def test_entry_hash_is_the_one_of_the_shared_vector(entry):
    digest = chain.payload_digest(bytes.fromhex(entry["salt"]), entry["payload"])
    fields = Fields(
        event_id=UUID(entry["event_id"]),
        stream=entry["stream"],
        stream_seq=entry["stream_seq"],
        kind=entry["kind"],
        actor=entry["actor"],
        recorded_at=datetime.fromisoformat(entry["recorded_at"]),
        payload_digest=digest,
        rows=entry["rows"],
        prev_hash=bytes.fromhex(entry["prev_hash"]),
    )

    assert digest.hex() == entry["payload_digest"]
    assert chain.entry_hash(fields).hex() == entry["hash"]


@pytest.mark.django_db
@pytest.mark.parametrize("entry", VECTORS)
def test_the_database_computes_the_hash_of_the_shared_vector(entry):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT portal_ledger_hash(%s::uuid,%s,%s,%s,%s,%s::timestamptz,decode(%s, 'hex'), %s::text[], decode(%s, 'hex'))",
            [
                entry[name]
                for name in (
                    "event_id",
                    "stream",
                    "stream_seq",
                    "kind",
                    "actor",
                    "recorded_at",
                    "payload_digest",
                    "rows",
                    "prev_hash",
                )
            ],
        )
        (computed,) = cursor.fetchone()

    assert bytes(computed).hex() == entry["hash"]


@pytest.mark.parametrize("entry", VECTORS)
def test_the_offline_verifier_computes_the_hash_of_the_shared_vector(entry):
    assert verify.entry_hash({**entry, "recorded_at": entry["recorded_at_sent"]}).hex() == entry["hash"]

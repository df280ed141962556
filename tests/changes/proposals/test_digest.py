"""Digests of revisions."""

import hashlib

from changes.proposals.digest import revision_digest
from portal.ledger.canonical import digest_of

TEXTS = {"title": "Raise memory", "why": "It is short", "what": "1 GB", "tested": "By hand", "rollback": "Back"}
TEXTS |= {"target_release": "", "snapshot": "", "data_loss": ""}


def test_revision_digest_is_the_sha_256_of_its_canonical_json():
    text = (
        '{"data_loss":"","rollback":"Back","snapshot":"","target_release":"","tested":"By hand","title":"Raise memory",'
        '"what":"1 GB","why":"It is short"}'
    )

    assert revision_digest(**TEXTS) == hashlib.sha256(text.encode()).hexdigest()


def test_every_text_of_a_revision_changes_its_digest():
    digests = {revision_digest(**(TEXTS | {name: "other"})) for name in TEXTS}

    assert len(digests | {revision_digest(**TEXTS)}) == len(TEXTS) + 1


def test_a_text_that_moves_to_another_part_changes_the_digest():
    assert revision_digest(**(TEXTS | {"why": "", "what": "It is short"})) != revision_digest(**(TEXTS | {"what": ""}))


def test_digest_of_does_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_digest_of_takes_text_that_no_utf_8_can_hold():
    assert digest_of({"a": "\ud800"}) == digest_of({"a": "\ufffd"})

"""Time stamps in a pack: what the verifier finds about them without a library for them, and what it says it cannot."""

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from audits.packs.tools import stamped
from audits.packs.tools.stamped import check_stamp, told_of_stamps
from tests.portal.ledger import authority
from tests.portal.ledger.authority import Authority

AT = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
NOTE = b"northwind.example/ledger\n7\nroot\n"


@pytest.fixture(scope="module")
def root():
    return Authority()


def answer(by, note=NOTE, **more):
    return by.stamp(digest=hashlib.sha256(note).digest(), nonce=1, at=AT, **more)


def test_stamp_is_verified_as_far_as_the_roots_that_were_given(root):
    desk = Authority(above=root)
    stamps = [check_stamp(7, NOTE, answer(by), roots) for by in (root, desk) for roots in ([], [root.root])]

    assert [(stamp.at, stamp.authority, stamp.trusted) for stamp in stamps] == [
        (AT, "CN=Time at Northwind", False),
        (AT, "CN=Time at Northwind", True),
        (AT, "CN=Desk 2", False),
        (AT, "CN=Desk 2", True),
    ]
    assert [" ".join(told_of_stamps(stamps[number:][:1])).count("NOT verified") for number in (0, 1)] == [1, 0]
    assert list(told_of_stamps([])) == []
    with pytest.raises(ValueError, match="CN=Desk 2 leads to none of the roots"):
        check_stamp(7, NOTE, answer(desk), [Authority().root])


def test_stamp_that_does_not_hold_says_why(root):
    good, other = answer(root), Authority(above=root, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    for broken, words in (
        (answer(root, b"another note"), "over something else"),
        (answer(root, status=2), "gave no stamp"),
        (answer(other), "not made for time stamps"),
        (good[:-5] + b"other", "not of the certificate"),
        (good[:-1], "cut"),
        (good.replace(f"{AT:%Y%m%d}".encode(), b"20250101"), "another token"),
        (good.replace(bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d010703")), "not signed data"),
        (good.replace(bytes.fromhex("2a864886f70d0109100104"), bytes.fromhex("2a864886f70d0109100105"), 1), "no time stamp"),
    ):
        with pytest.raises(ValueError, match=words):
            check_stamp(7, NOTE, broken, [])


def test_no_byte_of_a_stamp_can_be_changed_unseen_but_of_the_frame_around_it(root):
    """What is not signed in an answer (its status in words, its frame) says nothing; it must not crash the verifier either."""
    good, seen = answer(root), 0
    for place in range(0, len(good), 7):
        changed = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        try:
            stamp = check_stamp(7, NOTE, changed, [root.root])
        except (ValueError, KeyError, IndexError, TypeError, stamped.x509.ExtensionNotFound):
            seen += 1
        else:
            assert stamp.unknown or (stamp.at, stamp.authority) == (AT, "CN=Time at Northwind"), place
            seen += bool(stamp.unknown)
    assert seen > len(good) / 7 * 0.9


def test_what_is_not_known_is_said_and_is_no_fault(root, monkeypatch):
    monkeypatch.setattr(authority, "SHA256", "1.3.14.3.2.26")  # SHA-1
    old = check_stamp(7, NOTE, answer(root), [])
    monkeypatch.undo()
    monkeypatch.setattr(authority, "RSA", "1.2.840.113549.1.1.10")  # RSASSA-PSS
    other = check_stamp(8, NOTE, answer(root), [])
    monkeypatch.undo()
    monkeypatch.setattr(authority, "CERTIFICATE_V2", "1.2.840.113549.1.9.16.2.12")
    first = check_stamp(9, NOTE, answer(root), [])

    assert [stamp.trusted for stamp in (old, other, first)] == [False, False, False]
    told = list(told_of_stamps([old, other, first]))
    assert [one.partition(":")[0] for one in told] == [
        f"The time stamp over checkpoint {size} was NOT verified" for size in (7, 8, 9)
    ]
    assert ("2b0e03021a is not known" in told[0], "kind of signature" in told[1], "RFC 5816" in told[2]) == (True, True, True)

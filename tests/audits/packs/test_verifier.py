"""The verifier: a good pack passes on a machine without the portal; a change of any byte, or of any record, is found and named."""

import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.packs.archive import Archive
from audits.packs.signing import pae, signed_manifest
from audits.packs.tools import evidence, ledgered
from audits.packs.tools.main import main, verify
from audits.packs.tools.reading import Broken, Unusable
from audits.packs.verifier import verifier
from audits.samples import drawing
from portal.ledger import keys
from portal.ledger.keys import Signer
from portal.ledger.models import LedgerCheckpoint, LedgerTimestamp
from portal.ledger.notes import Head, PublicKey, sign
from portal.ledger.proofs import Levels
from tests.audits.packs.made import asked, built, content_of, furnished, sealed
from tests.portal.ledger.authority import Authority

MADE = {}
"""One pack for all tests of this module, and the key that signed it."""
CHANGES = 400
STAMPED = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


@pytest.fixture
def pack(db, where):
    """The bytes of a good pack; built by the first test that asks."""
    if not MADE:
        uma, engagement = furnished()
        MADE["size"] = stamped(where)
        MADE["content"] = content_of(built(asked(engagement, uma), where))
        MADE["signer"] = keys.load(where=where)
        MADE["keys"] = "".join(f"{key.text()}\n" for key in keys.public_keys(where=where))
    return MADE["content"]


def stamped(where):
    """A checkpoint with the time stamp of an authority; its size."""
    sealed(where)
    newest = LedgerCheckpoint.objects.latest("size")
    MADE["authority"], digest = Authority(), hashlib.sha256(newest.note.encode()).digest()
    answer = MADE["authority"].stamp(digest=digest, nonce=1, at=STAMPED)
    LedgerTimestamp.objects.create(
        size=newest.size, note_digest=digest.hex(), answer=answer, at=STAMPED, authority="CN=Time at Northwind"
    )
    return newest.size


def place_of(content, **more):
    """Where the verifier says that it is broken."""
    with pytest.raises(Broken) as found:
        verify(content, **more)
    return str(found.value)


def made_anew(content, change, *, signer=None):
    """The pack with some files changed, packed and signed again, as whoever has the key could."""
    out = io.BytesIO()

    class Out:
        write, flush = out.write, out.flush

    archive, old = Archive(Out()), zipfile.ZipFile(io.BytesIO(content))
    for name in old.namelist()[:-2]:
        kept = change(name, old.read(name))
        if kept is not None:
            archive.put(name, kept)
    about = json.loads(old.read("manifest.json"))["about"]
    archive.close(about=about, signed=lambda manifest: signed_manifest(manifest, signer=signer or MADE["signer"]))
    return out.getvalue()


def replaced(path, before, after):
    """A change of one file: it must have been there."""

    def change(name, text):
        if name != path:
            return text
        assert before.encode() in text
        return text.replace(before.encode(), after.encode(), 1)

    return change


def test_good_pack_passes_as_one_file_without_the_portal(pack, tmp_path, capsys):
    (tmp_path / "pack.zip").write_bytes(pack)
    (tmp_path / "keys.txt").write_text(MADE["keys"])
    files = zipfile.ZipFile(io.BytesIO(pack))
    (tmp_path / "verify.py").write_bytes(files.read("verify.py"))
    (tmp_path / "kept.txt").write_bytes(files.read("ledger/checkpoint.note"))
    assert files.read("verify.py").decode() == verifier()
    assert "audits" not in verifier()

    asked_with = ["verify.py", "pack.zip", "--keys", "keys.txt", "--checkpoints", "kept.txt"]
    done = subprocess.run([sys.executable, "-I", *asked_with], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "all verify" in done.stdout
    assert "came with the pack" not in done.stdout
    assert "1 time stamps (RFC 3161)" in done.stdout
    assert "2026-11-28 09:00:00 UTC by the clock of CN=Time at Northwind. Whether you trust that authority was NOT" in done.stdout
    (tmp_path / "roots.pem").write_bytes(MADE["authority"].pem)
    assert main([str(tmp_path / "pack.zip"), "--tsa-roots", str(tmp_path / "roots.pem")]) == 0
    assert "lead to the roots that you gave" in capsys.readouterr().out
    (tmp_path / "pack.zip").write_bytes(pack[:-1])
    assert main([str(tmp_path / "pack.zip")]) == 1
    assert capsys.readouterr().out.startswith("BROKEN  end of the ZIP")
    assert main([str(tmp_path / "missing.zip")]) == 2
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith(f"UNUSABLE  {tmp_path} is a folder. Give the ZIP itself, as it was handed over.\n")


def test_change_of_any_byte_is_found_and_its_place_named(pack):
    chance = random.Random(7)  # the same places in every run
    files = zipfile.ZipFile(io.BytesIO(pack))
    begins = [(entry.header_offset, entry.filename) for entry in files.infolist()]
    directory, last = files.start_dir, len(pack) - 1
    places = [
        *(chance.randrange(len(pack)) for _ in range(CHANGES)),
        *(start + 30 for start, _ in begins),
        *range(last - 120, last + 1),
    ]

    for place in places:
        changed = bytearray(pack)
        changed[place] ^= 1 << chance.randrange(8)
        said = place_of(bytes(changed), keys_text=MADE["keys"])
        if place < directory:
            assert said.startswith(f"{[name for start, name in begins if start <= place][-1]}: ")
        else:
            assert "of the ZIP: " in said


@pytest.mark.parametrize(
    ("spoilt", "place"),
    [
        (lambda pack: pack + b"\0", "end of the ZIP"),
        (lambda pack: b"\0" + pack, "end of the ZIP"),
        (lambda pack: pack[:1000] + pack[1001:], "end of the ZIP"),
        (lambda pack: pack[: len(pack) // 2], "end of the ZIP"),
    ],
)
def test_extra_and_missing_bytes_are_found(pack, spoilt, place):
    assert place_of(spoilt(pack)).startswith(place)


def test_hidden_file_and_another_key_are_found(pack):
    out = io.BytesIO(pack)
    with zipfile.ZipFile(out, "a") as files:
        files.writestr("hidden.txt", "x")
    assert "directory" in place_of(out.getvalue())

    other = Signer("countersign.example/ledger", Ed25519PrivateKey.generate())
    assert place_of(made_anew(pack, lambda name, text: text, signer=other)).startswith("manifest.note: no valid signature")
    foreign = PublicKey("countersign.example/ledger", other.key.public_key()).text()
    assert place_of(pack, keys_text=foreign).startswith("manifest.note: no valid signature")
    with pytest.raises(Unusable, match="holds no key"):
        verify(pack, "")
    with pytest.raises(Unusable, match="too short"):
        verify(b"PK")


def without(path):
    return lambda name, text: None if name == path else text


def without_line(path, number):
    """A line less, for whoever made the digests anew."""

    def change(name, text):
        lines = text.split(b"\n")
        return b"\n".join(line for line in lines if line is not lines[number]) if name == path else text

    return change


def without_text(kind):
    """The text of an entry is gone, and nobody said that it was redacted."""

    def change(name, text):
        if name != "ledger/entries.jsonl":
            return text
        entries = [json.loads(line) for line in text.decode().split("\n")[:-1]]
        gone = [{**entry, "salt": None, "payload": None} if entry["kind"] == kind else entry for entry in entries]
        return "".join(json.dumps(entry) + "\n" for entry in gone).encode()

    return change


CSV, ROWS = "populations/01-changes/rows.csv", "populations/01-changes/rows.jsonl"
ITEMS, SAMPLE = "samples/01/items.jsonl", "samples/01/sample.json"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (replaced(ROWS, "@SUM(A1)", "@SUM(A2)"), f"{ROWS}: the rows are not those that were frozen"),
        (replaced(CSV, "'@SUM(A1)", "@SUM(A1)"), f"{CSV}, row 2: does not say what the JSON says"),
        (lambda name, text: text + b"x,y\r\n" if name == CSV else text, f"{CSV}: has more rows"),
        (replaced("populations/01-changes/completeness.json", "GitHub", "GitLab"), "populations/01-changes/completeness.json"),
        (
            replaced("populations/01-changes/population.json", '"kind": "changes"', '"kind": "commits"'),
            "populations/01-changes/population.json: kind",
        ),
        (replaced(SAMPLE, '"seed": "northwind 7"', '"seed": "northwind 8"'), f"{SAMPLE}: seed is not what the ledger says"),
        (replaced(ITEMS, '"key":"EXC-', '"key":"EXC-9'), f"{ITEMS}: the items are not those of the sample's digest"),
        (replaced(ITEMS, "Explained", "Repaired"), f"{ITEMS}, line 1"),
        (replaced("records/marks.jsonl", '"deviation"', '"passed"'), "records/marks.jsonl, line 1: outcome"),
        (
            replaced("records/marks.jsonl", "audits_mark:", "audits_mark:9"),
            "records/marks.jsonl, line 1: no entry of the ledger covers",
        ),
        (
            replaced("controls/C-03/result.json", '"population": ', '"population": 1'),
            "controls/C-03/result.json: its rows come to another result",
        ),
        (
            replaced("attestations/change-verdicts.dsse.jsonl", '"payload":"ey', '"payload":"ez'),
            "attestations/change-verdicts.dsse.jsonl, line 1",
        ),
        (replaced("ledger/entries.jsonl", "Annual audit", "Annual nudit"), "ledger/entries.jsonl, line 1"),
        (replaced("ledger/entries.jsonl", '"kind" : "', '"kind" : "x'), "ledger/entries.jsonl, line 1"),
        (replaced("ledger/entries.jsonl", '"proof" : ["', '"proof" : ["00", "'), "ledger/entries.jsonl, line 1"),
        (replaced("ledger/checkpoint.note", "countersign.example", "countersigm.example"), "ledger/checkpoint.note"),
        (without("ledger/checkpoint.note"), "ledger/checkpoint.note: is not in the pack"),
        (without(CSV), f"{CSV}: is not in the pack"),
        (lambda name, text: None if name.startswith("samples/") else text, "samples/: one of them is missing"),
        (without("records/marks.jsonl"), "audits_mark:"),
        (without_line(ITEMS, -2), "audits_sampleitem:"),
        (without_line("ledger/entries.jsonl", 0), "ledger/entries.jsonl, line 1"),
        (without_line("ledger/entries.jsonl", 2), "ledger/entries.jsonl, line 3"),
        (without_text("sample.marked"), "ledger/entries.jsonl, line "),
    ],
)
def test_whoever_has_the_key_still_cannot_change_a_record(pack, change, place):
    assert place_of(made_anew(pack, change)).startswith(place)


def test_time_stamp_that_does_not_hold_or_is_left_out_is_named(pack):
    path, other = f"ledger/timestamps/{MADE['size']:012d}", Authority()
    forged = MADE["authority"].stamp(digest=b"x" * 32, nonce=1, at=STAMPED)

    assert place_of(pack, tsa_roots=other.pem).startswith(
        f"{path}.tsr: the time stamp over checkpoint {MADE['size']} does not hold"
    )
    for change, place in (
        (lambda name, text: forged if name == f"{path}.tsr" else text, f"{path}.tsr: the time stamp over"),
        (lambda name, text: text[:50] if name == f"{path}.tsr" else text, f"{path}.tsr: the time stamp over"),
        (without(f"{path}.tsr"), f"{path}.tsr: is not in the pack"),
        (replaced(f"{path}.note", ".example", ".exampel"), f"{path}.note"),
    ):
        assert place_of(made_anew(pack, change)).startswith(place)
    files = zipfile.ZipFile(io.BytesIO(pack))
    last = files.read("ledger/checkpoint.note")
    swapped = made_anew(pack, lambda name, text: last if name == f"{path}.note" else text)
    assert place_of(swapped) == f"{path}.note: is not the checkpoint of that size in this pack"


def test_checkpoints_that_were_kept_must_be_of_the_same_ledger(pack, tmp_path):
    note = zipfile.ZipFile(io.BytesIO(pack)).read("ledger/checkpoint.note").decode()
    size, signer = int(note.split("\n")[1]), MADE["signer"]

    (tmp_path / "a.note").write_text(sign(head=Head(signer.origin, size, b"\1" * 32), key=signer.key))
    (tmp_path / "b.note").write_text(sign(head=Head(signer.origin, size + 5, b"\1" * 32), key=signer.key))

    assert place_of(pack, kept=[tmp_path]).startswith(f"checkpoint {size}")
    with pytest.raises(Unusable, match="none of the checkpoints"):
        verify(pack, None, [tmp_path / "b.note"])


@given(st.lists(st.text(max_size=6), min_size=2, max_size=40, unique=True), st.data())
@settings(max_examples=60, deadline=None)
def test_verifier_draws_the_rows_that_the_portal_draws(names, data):
    keys_, seed = [f"k{name}" for name in names], data.draw(st.text(max_size=8))
    strata = {key: data.draw(st.sampled_from("abc")) for key in keys_}
    least = len(set(strata.values()))
    size = data.draw(st.integers(least, len(keys_)))

    for method in ("random", "systematic", "stratified"):
        found = evidence.draw(method, seed, size, strata)
        assert found == drawing.drawn(method=method, seed=seed, strata=strata, size=size)
        following = drawing.replacement(method=method, seed=seed, strata=strata, taken=found, replaced=found[0])
        assert evidence.next_of(method, seed, strata, found, found[0]) == following


@pytest.mark.parametrize(("first", "size"), [(1, 1), (1, 7), (3, 7), (4, 7), (7, 7), (6, 8), (8, 13)])
def test_verifier_follows_proofs_as_the_portal_makes_them(first, size):
    leaves = [bytes([number]) * 32 for number in range(size)]
    levels = Levels.of(b"".join(leaves))

    for index in range(size):
        proof = levels.inclusion(index)
        assert ledgered.root_from(index, size, leaves[index], proof) == levels.head()
        assert ledgered.root_from(index, size, leaves[index], [*proof, b"\0" * 32]) is None
    if first < size:
        assert ledgered.roots_from(first, size, levels.head(first), levels.consistency(first)) == (
            levels.head(first),
            levels.head(),
        )
        assert ledgered.roots_from(first, size, levels.head(first), []) != (levels.head(first), levels.head())
    for before, after in ((0, size), (size, size), (size + 1, size)):
        assert ledgered.roots_from(before, after, levels.head(), levels.inclusion(0)) is None


def test_texts_that_are_signed_are_those_of_the_standards():
    assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert ledgered.printed({"bb": [1, True, None], "a": {"x": 'ü\n"'}}) == '{"a": {"x": "ü\\n\\""}, "bb": [1, true, null]}'

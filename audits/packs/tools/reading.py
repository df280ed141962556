"""Verifies a Countersign evidence pack offline. Needs Python 3.11 and the package `cryptography`, nothing else.

    python verify.py PACK.zip [--keys FILE] [--checkpoints FILE_OR_FOLDER ...] [--tsa-roots FILE]

Give with --keys the public key that you were given beforehand; the key inside of the pack proves only that the pack fits itself.
Give with --checkpoints what you kept of the ledger's checkpoints: a handed-over checkpoints.txt, a clone of the Git anchor.
Give with --tsa-roots the root certificates (PEM) of the time stamping authority that you trust, where stamps are in the pack.

Checked: that the ZIP holds what its manifest names and not one bit more; the signature of the manifest; the digest of every file;
that each population's rows give the digest that was frozen, and that its CSV says what its JSON says; that every sample is what
its seed draws; every sheet and raw record against its digest; every record against the entry of the ledger that covers it; the
hash of every entry and its place in the Merkle tree (RFC 9162); the checkpoint's signature (https://c2sp.org/signed-note); every
control's result, computed anew from its rows; that no entry between the first and the last of a stream is missing, nor the record
of a mark, request, finding or item that an entry covers; that a text is gone only by a redaction of two people; every signed
statement about a change (DSSE, in-toto); every time stamp (RFC 3161): what it is over, its signature, and with --tsa-roots whose
it is. Whether a certificate was revoked is not asked, and what cannot be verified here is said.

Exit code 0: all is well. 1: something is broken; the first broken place is named. 2: the input cannot be used.
"""

import base64
import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "countersign-evidence-pack/1"
DESCRIPTION = __doc__ or ""
MANIFEST, SIGNATURE, KEYS = "manifest.json", "manifest.note", "ledger/keys.txt"
LOCAL, CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
DESCRIPTOR, END = struct.Struct("<4s3L"), struct.Struct("<4s4H2LH")
DATE, RIGHTS, VERSION = 0x21, 0o100644 << 16, 20
NOTE = re.compile(r"\A((?:[^\n]+\n)+)\n— (\S+) ([A-Za-z0-9+/]+=*)\n\Z")
Keys = dict[tuple[str, bytes], Ed25519PublicKey]


class Broken(Exception):
    """The pack is not what it was. The message names the place."""


class Unusable(Exception):
    """The input is no pack, or lacks a part."""


@dataclass
class Pack:
    """The bytes of the ZIP, and where its files are: path -> (start and end of the record, method, start and size of the data)."""

    data: bytes
    places: dict[str, tuple[int, int, int, int, int]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def content(self, path: str) -> bytes:
        """A file of the pack, unpacked."""
        if path not in self.places:
            raise Broken(f"{path}: is not in the pack")
        _, _, method, start, packed = self.places[path]
        raw = self.data[start : start + packed]
        if method == 0:
            return raw
        machine = zlib.decompressobj(-15)
        try:
            content = machine.decompress(raw)
        except zlib.error as problem:
            raise Broken(f"{path}: cannot be unpacked ({problem})") from problem
        if not machine.eof or machine.unused_data:
            raise Broken(f"{path}: something is hidden behind its packed bytes, or they are cut")
        return content

    def lines(self, path: str) -> list[str]:
        """The lines of a file, each ended by a line feed."""
        text = self.content(path).decode()
        if text and not text.endswith("\n"):
            raise Broken(f"{path}: its last line is cut")
        return text.split("\n")[:-1]

    def json(self, path: str) -> Any:
        """One value."""
        return loads(self.content(path).decode(), path)

    def values(self, path: str) -> list[Any]:
        """One value for each line; nothing when there is no such file."""
        if path not in self.places:
            return []
        return [loads(line, f"{path}, line {number}") for number, line in enumerate(self.lines(path), start=1)]

    def folders(self, under: str) -> list[str]:
        """The folders directly below ``under``, in their order."""
        return list(dict.fromkeys("/".join(path.split("/")[:2]) for path in self.places if path.startswith(f"{under}/")))


def loads(text: str, place: str) -> Any:
    """JSON, or ``Broken`` at this place."""
    try:
        return json.loads(text)
    except ValueError as problem:
        raise Broken(f"{place}: is no JSON ({problem})") from problem


def sha(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> str:
    """Canonical JSON (RFC 8785 for what records are made of)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# ---- the ZIP


def open_pack(data: bytes) -> Pack:
    """Every byte of the ZIP belongs to a file, to the directory, or to its end; nothing stands between or behind."""
    if len(data) < END.size:
        raise Unusable("this is no evidence pack: it is too short")
    mark, disk, first_disk, here, count, size, start, comment = END.unpack(data[-END.size :])
    if (mark, disk, first_disk, here, comment) != (b"PK\5\6", 0, 0, count, 0) or start + size + END.size != len(data):
        raise Broken("end of the ZIP: it is cut, something stands behind it, or it does not fit what stands in front of it")
    pack, at, position = Pack(data), start, 0
    for _ in range(count):
        at, position = read_record(pack, at, position, start)
    if at != start + size or position != start:
        raise Broken("directory of the ZIP: something stands between the files, or behind the directory")
    return pack


def read_record(pack: Pack, at: int, position: int, limit: int) -> tuple[int, int]:
    """One line of the directory and the file that it names, which must begin at ``position``; where the next ones begin."""
    data = pack.data
    if at + CENTRAL.size > len(data) - END.size:
        raise Broken("directory of the ZIP: it is cut")
    found = CENTRAL.unpack_from(data, at)
    method, crc, packed, size, length = found[4], found[7], found[8], found[9], found[10]
    name = data[at + CENTRAL.size : at + CENTRAL.size + length]
    place = f"{ascii(name)[2:-1]}: directory and file of the ZIP"
    wanted = (b"PK\1\2", VERSION | 3 << 8, VERSION, 8, method, 0, DATE, crc, packed, size, length, 0, 0, 0, 0, RIGHTS, position)
    if found != wanted or method not in (0, 8) or not name.isascii() or b".." in name or name.startswith(b"/"):
        raise Broken(f"{place}: the directory says something unusual")
    local = LOCAL.pack(b"PK\3\4", VERSION, 8, method, 0, DATE, 0, 0, 0, length, 0) + name
    start = position + len(local)
    end = start + packed + DESCRIPTOR.size
    if (
        end > limit
        or data[position:start] != local
        or data[end - DESCRIPTOR.size : end] != DESCRIPTOR.pack(b"PK\7\x08", crc, packed, size)
    ):
        raise Broken(f"{place}: they differ")
    path = name.decode()
    if path in pack.places:
        raise Broken(f"{place}: the name stands twice")
    pack.places[path] = (position, end, method, start, packed)
    content = pack.content(path)
    if (len(content), zlib.crc32(content)) != (size, crc):
        raise Broken(f"{path}: its bytes were changed")
    pack.digests[path] = sha(content)
    return at + CENTRAL.size + length, end


# ---- keys, notes, manifest


def read_keys(text: str, place: str) -> Keys:
    """(name, key id) -> key, from lines ``name+id+base64``."""
    found: Keys = {}
    for line in text.split():
        try:
            name, said, encoded = line.split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
            found[(name, key_id)] = Ed25519PublicKey.from_public_bytes(raw[1:])
        except ValueError as problem:
            raise Broken(f"{place}: holds a line that is no key") from problem
        if key_id.hex() != said:
            raise Broken(f"{place}: the id of a key is wrong")
    if not found:
        raise Unusable(f"{place} holds no key")
    return found


def is_signed(text: str, name: str, encoded: str, keys: Keys) -> bool:
    """Whether one of the keys signed the text; the signature must be written in the one way in which it is written."""
    blob = base64.b64decode(encoded)
    key = keys.get((name, blob[:4]))
    if key is None or base64.b64encode(blob).decode() != encoded:
        return False
    try:
        key.verify(blob[4:], text.encode())
    except InvalidSignature:
        return False
    return True


def check_manifest(pack: Pack, keys: Keys) -> dict[str, Any]:
    """The signature of the manifest, and every file against it."""
    if list(pack.places)[-2:] != [MANIFEST, SIGNATURE]:
        raise Broken(f"{MANIFEST}: it and its signature must be the last files")
    note = NOTE.match(pack.content(SIGNATURE).decode(errors="replace"))
    if note is None or not is_signed(note[1], note[2], note[3], keys):
        raise Broken(f"{SIGNATURE}: no valid signature of a known key")
    title, log, digest = note[1].splitlines()[:3]
    if (title, log, digest) != ("Countersign evidence pack", f"log: {note[2]}", f"sha256: {pack.digests[MANIFEST]}"):
        raise Broken(f"{MANIFEST}: is not what was signed")
    manifest = pack.json(MANIFEST)
    if manifest["format"] != FORMAT:
        raise Unusable(f"this verifier knows {FORMAT}, the pack is {manifest['format']}")
    named = {MANIFEST, SIGNATURE, *(file["path"] for file in manifest["files"])}
    for path in pack.places:
        if path not in named:
            raise Broken(f"{path}: the manifest does not know it")
    for file in manifest["files"]:
        check_file(pack, file)
    return dict(manifest)


def check_file(pack: Pack, file: dict[str, Any]) -> None:
    """One file against what the manifest says about it, down to the bits that no unpacking looks at."""
    path = file["path"]
    content = pack.content(path)
    if (len(content), pack.digests[path]) != (file["size"], file["sha256"]):
        raise Broken(f"{path}: its bytes are not those of the manifest")
    start, end, *_ = pack.places[path]
    if sha(pack.data[start:end]) != file["record"]:
        raise Broken(f"{path}: its packed bytes are not those of the manifest")

"""A ZIP that is written while it grows, into anything that takes bytes, with the same bytes for the same contents. Pure.

Every file has the date 1 January 1980 and the same rights; nothing is read from a clock. The last two files are the
manifest and its signature: the manifest names every file before it with size, SHA-256, and the SHA-256 of its record in the ZIP
(local header, compressed bytes, data descriptor), so that no bit of the file is outside of what was signed.
"""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Protocol

FORMAT = "countersign-evidence-pack/1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.note"
LEVEL = 1
"""Of deflate: level 6 takes a third more time for a sixth less space."""


class Sink(Protocol):
    """Takes bytes, and cannot go back."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


@dataclass(frozen=True)
class Written:
    """One file of the ZIP. ``record`` is the SHA-256 of all its bytes in the ZIP, headers too."""

    path: str
    size: int
    sha256: str
    record: str


class Stream:
    """Hands bytes on. It has no ``tell``, so that zipfile writes a stream and never goes back."""

    def __init__(self, out: Sink) -> None:
        self._out = out

    def write(self, data: bytes, /) -> int:
        """Append."""
        return self._out.write(data)

    def flush(self) -> None:
        """Hand on what waits."""
        self._out.flush()

    def close(self) -> None:
        """What the bytes go into is closed by whoever opened it."""


class _Passing(Stream):
    """Hashes the record that is being written as well."""

    def __init__(self, out: Sink) -> None:
        super().__init__(out)
        self.record = sha256()

    def write(self, data: bytes, /) -> int:
        self.record.update(data)
        return super().write(data)


def file_info(path: str, *, stored: bool = False) -> zipfile.ZipInfo:
    """The headers of one file: the same date, rights and compression whenever it is written."""
    info = zipfile.ZipInfo(path)
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    info._compresslevel = LEVEL  # type: ignore[attr-defined]  # Python 3.11 has no public name for it
    info.create_system, info.external_attr = 3, 0o100644 << 16
    return info


class Entry:
    """The file that is being written: takes bytes, counts and hashes them."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._digest = sha256()
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Append."""
        self._digest.update(data)
        self.size += len(data)
        return self._out.write(data)

    def flush(self) -> None:
        """Nothing waits here."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._digest.hexdigest()


class Archive:
    """Writes one ZIP. ``close`` it with the words of the manifest and a signer."""

    def __init__(self, out: Sink) -> None:
        self._passing = _Passing(out)
        self._zip = zipfile.ZipFile(self._passing, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self.files: list[Written] = []

    @contextmanager
    def entry(self, path: str, *, stored: bool = False) -> Iterator[Entry]:
        """Write one file; ``stored`` for what is compressed already. Raises ``ValueError`` for a path that is not plain ASCII."""
        if not path.isascii() or ".." in path or path.startswith("/"):
            raise ValueError(f"{path!r} is no path of a pack")
        self._passing.record = sha256()
        with self._zip.open(file_info(path, stored=stored), "w") as file:
            entry = Entry(file)
            yield entry
        self.files.append(Written(path, entry.size, entry.digest, self._passing.record.hexdigest()))

    def put(self, path: str, content: bytes | str, *, stored: bool = False) -> None:
        """Write one small file."""
        with self.entry(path, stored=stored) as entry:
            entry.write(content if isinstance(content, bytes) else content.encode())

    def put_json(self, path: str, value: Any) -> None:
        """Write one value for people to read: sorted keys, indented."""
        self.put(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def put_lines(self, path: str, values: Iterable[Any]) -> None:
        """Write values as lines of JSON."""
        with self.entry(path) as entry:
            for value in values:
                entry.write(_line(value) + b"\n")

    def close(self, *, about: Mapping[str, Any], signed: Callable[[bytes], str]) -> None:
        """End with the manifest and the note that ``signed`` makes of its bytes."""
        manifest = {"format": FORMAT, "about": about, "files": [asdict(file) for file in self.files]}
        text = _line(manifest)
        self.put(MANIFEST, text, stored=True)
        self.put(SIGNATURE, signed(text), stored=True)
        self._zip.close()


def _line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def zlib_version() -> str:
    """The compressor decides on the compressed bytes, so the manifest names it."""
    return zlib.ZLIB_RUNTIME_VERSION

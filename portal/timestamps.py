"""Time stamps of a third party (RFC 3161) over the ledger's checkpoints: asked for, read, and verified without asking anybody.

Off unless ``COUNTERSIGN_TSA_URL`` names a time stamping authority. ``COUNTERSIGN_TSA_ROOTS`` is the file with its root certificates
(PEM). The package is loaded only then (``requirements-optional.txt``, docs/ledger.md). A stamp is over the whole signed note of a
checkpoint, so it says that the ledger stood like that at a moment of the authority's clock, not of ours.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates

from portal.environment import Misconfigured
from portal.ledger.models import LedgerCheckpoint, LedgerTimestamp
from portal.ledger.report import Problem

URL, ROOTS = "COUNTERSIGN_TSA_URL", "COUNTERSIGN_TSA_ROOTS"
KIND = "application/timestamp-query"
FOLDER = "timestamps"


class BadStamp(Exception):
    """The answer is no valid time stamp over what was asked, in words."""


@dataclass(frozen=True)
class Stamp:
    """When the authority saw it, and who the authority says it is."""

    at: datetime
    authority: str


def wanted(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the authority; empty while time stamps are off."""
    return environment.get(URL, "").strip()


def roots(environment: Mapping[str, str] = os.environ) -> list[Certificate]:
    """The root certificates that stamps are held to. Raises ``Misconfigured`` in words."""
    path = environment.get(ROOTS, "")
    try:
        return load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError) as problem:
        raise Misconfigured(f"{ROOTS} names no file with certificates (PEM): {path or 'nothing'}") from problem


def request_for(note: str) -> Any:
    """A request for a stamp over a note, with a nonce of its own and the authority's certificate asked for."""
    library = _library()
    builder = library.TimestampRequestBuilder().data(note.encode()).hash_algorithm(library.HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=True).build()


def verified(answer: bytes, *, note: str, trusted: list[Certificate], nonce: int | None = None) -> Stamp:
    """The stamp in an answer, once its signature, its certificates and what it is over hold. Raises ``BadStamp``."""
    library = _library()
    builder = library.VerifierBuilder(nonce=nonce)
    for one in trusted:
        builder = builder.add_root_certificate(one)
    try:
        found = library.decode_timestamp_response(answer)
        builder.build().verify_message(found, note.encode())
        token, authority = found.tst_info, _signer(found)
    except (ValueError, library.VerificationError) as problem:
        raise BadStamp(str(problem)) from problem
    return Stamp(token.gen_time.astimezone(UTC), authority)


def check(environment: Mapping[str, str] = os.environ) -> Iterator[Problem]:
    """What is wrong with the stamps that are kept, without asking anybody; nothing while none is kept.

    Raises ``Misconfigured`` where there are some, and nothing that they could be held to.
    """
    if not LedgerTimestamp.objects.exists():
        return
    trusted = roots(environment)
    for row in LedgerTimestamp.objects.order_by("size").iterator():
        note = LedgerCheckpoint.objects.filter(size=row.size).values_list("note", flat=True).first()
        if note is None:
            yield Problem(f"time stamp {row.size}", "it is over a checkpoint that is not there")
            continue
        try:
            verified(bytes(row.answer), note=note, trusted=trusted)
        except BadStamp as problem:
            yield Problem(f"time stamp {row.size}", str(problem))


def write_to(folder: Path) -> int:
    """Write every stamp and the note that it is over into a folder, for ``openssl ts -verify``. Returns how many."""
    rows = LedgerTimestamp.objects.order_by("size")
    for row in rows:
        (folder / FOLDER).mkdir(exist_ok=True)
        (folder / FOLDER / f"{row.size:012d}.tsr").write_bytes(bytes(row.answer))
        note = LedgerCheckpoint.objects.filter(size=row.size).values_list("note", flat=True).first() or ""
        (folder / FOLDER / f"{row.size:012d}.note").write_text(note)
    return len(rows)


def _signer(answer: Any) -> str:
    """The name in the certificate of whoever signed the stamp; that of its issuer, where the certificate did not come along."""
    [signer, *_] = answer.signed_data.signer_infos
    came = (load_der_x509_certificate(bytes(one)) for one in answer.signed_data.certificates)
    own = next((one for one in came if (one.issuer, one.serial_number) == (signer.issuer, signer.serial_number)), None)
    return str((own.subject if own is not None else signer.issuer).rfc4514_string())


def _library() -> Any:
    try:
        return import_module("rfc3161_client")
    except ImportError as missing:
        words = f"{URL} is set, but {missing.name} is not installed: pip install -r requirements-optional.txt"
        raise Misconfigured(words) from missing

"""Time stamps (RFC 3161) of an authority outside, over checkpoints that are in the pack: read without a library for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from audits.packs.tools.ledgered import Ledger, head_of
from audits.packs.tools.reading import Broken, Keys, Pack

SIGNED_DATA, TOKEN = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")
CONTENT_TYPE, MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010903"), bytes.fromhex("2a864886f70d010904")
CERTIFICATE = bytes.fromhex("2a864886f70d010910022f")
SHA256, PSS = bytes.fromhex("608648016503040201"), bytes.fromhex("2a864886f70d01010a")
Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
HASHES: dict[bytes, Hash] = {
    bytes.fromhex(oid): made
    for oids, made in (
        (("608648016503040201", "2a864886f70d01010b", "2a8648ce3d040302"), hashes.SHA256()),
        (("608648016503040202", "2a864886f70d01010c", "2a8648ce3d040303"), hashes.SHA384()),
        (("608648016503040203", "2a864886f70d01010d", "2a8648ce3d040304"), hashes.SHA512()),
    )
    for oid in oids
}
"""By the identifier (DER) of a hash, and of an RSA or ECDSA signature over one."""
DEEPEST = 8
Part = tuple[int, bytes, bytes]
"""A value of DER: its tag, what is in it, and all of it."""


class Unknown(Exception):
    """It may be sound, but this program cannot tell: what it does not know, in words."""


@dataclass(frozen=True)
class Stamp:
    """One stamp: over which checkpoint, when by the authority's clock, and how far it was verified."""

    size: int
    at: datetime
    authority: str
    trusted: bool
    unknown: str = ""


def parts(data: bytes) -> list[Part]:
    """The values of DER that stand one behind the other. Raises ``ValueError`` where it is none."""
    found: list[Part] = []
    while data:
        size, start = data[1], 2
        if size > 127:
            start = 2 + (size & 127)
            size = int.from_bytes(data[2:start], "big")
        if start + size > len(data):
            raise ValueError("a value is cut")
        found.append((data[0], data[start : start + size], data[: start + size]))
        data = data[start + size :]
    return found


def only(data: bytes, tag: int) -> bytes:
    """What is in the only value, which has this tag."""
    [(found, inside, _)] = parts(data)
    if found != tag:
        raise ValueError(f"tag {found} in place of {tag}")
    return inside


def digested(data: bytes, by: Hash) -> bytes:
    """The hash of something."""
    machine = hashes.Hash(by)
    machine.update(data)
    return machine.finalize()


def known_hash(algorithm: bytes) -> Hash:
    """By its identifier, or that of a signature over one."""
    if algorithm not in HASHES:
        raise Unknown(f"the algorithm {algorithm.hex()} is not known here")
    return HASHES[algorithm]


def opened(answer: bytes) -> tuple[bytes, list[x509.Certificate], list[Part]]:
    """The token, the certificates that came with it, and what its signer says, out of a whole answer (TimeStampResp)."""
    status, *token = parts(only(answer, 0x30))
    if parts(status[1])[0][1] not in (b"\0", b"\1") or len(token) != 1:
        raise ValueError("the authority gave no stamp")
    kind, content = parts(token[0][1])
    if kind[1] != SIGNED_DATA:
        raise ValueError("it is not signed data")
    _, _, inner, *rest, signers = parts(only(content[1], 0x30))
    said, wrapped = parts(inner[1])
    if said[1] != TOKEN:
        raise ValueError("what is signed is no time stamp")
    certificates = [
        x509.load_der_x509_certificate(whole) for tag, inside, _ in rest if tag == 0xA0 for _, _, whole in parts(inside)
    ]
    return only(wrapped[1], 0x04), certificates, parts(only(signers[1], 0x30))


def told_by(token: bytes, note: bytes) -> datetime:
    """When the note was stamped; the token (TSTInfo) must be over it."""
    _, _, imprint, _, moment, *_ = parts(only(token, 0x30))
    algorithm, digest = parts(imprint[1])
    if digest[1] != digested(note, known_hash(parts(algorithm[1])[0][1])):
        raise ValueError("it is over something else")
    text = moment[1].decode("ascii").removesuffix("Z")
    whole, _, fraction = text.partition(".")
    return datetime.strptime(f"{whole}.{fraction or 0}", "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)


def signed_by(token: bytes, certificates: list[x509.Certificate], signer: list[Part]) -> x509.Certificate:
    """The certificate whose key signed the token; it must be among those that came with it, and be made for stamps."""
    _, named, algorithm, attributes, signature, blob, *_ = signer
    if attributes[0] != 0xA0:
        raise ValueError("nothing says what was signed")
    values = {parts(inside)[0][1]: parts(parts(inside)[1][1])[0] for _, inside, _ in parts(attributes[1])}
    by = known_hash(parts(algorithm[1])[0][1])
    if values[CONTENT_TYPE][1] != TOKEN or values[MESSAGE_DIGEST][1] != digested(token, by):
        raise ValueError("what was signed is another token")
    if CERTIFICATE not in values:
        raise Unknown("it does not name its certificate in the way of RFC 5816")
    first, *more = parts(parts(parts(values[CERTIFICATE][1])[0][1])[0][1])
    wanted = (first[1], HASHES[SHA256]) if first[0] == 0x04 else (more[0][1], known_hash(parts(first[1])[0][1]))
    found = [one for one in certificates if one.fingerprint(wanted[1]) == wanted[0] and is_named(one, named)]
    if not found:
        raise ValueError("the certificate that it names did not come with it")
    check_signature(found[0], blob[1], b"\x31" + attributes[2][1:], parts(signature[1])[0][1], by)
    usage = found[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.TIME_STAMPING not in usage:
        raise ValueError("its certificate is not made for time stamps")
    return found[0]


def is_named(certificate: x509.Certificate, named: Part) -> bool:
    """Whether a signer's name for its certificate is of this one: issuer and number, or the identifier of its key."""
    if named[0] == 0x30:
        issuer, number = parts(named[1])
        return issuer[2] == certificate.issuer.public_bytes() and int.from_bytes(number[1], "big") == certificate.serial_number
    return named[1] == certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def check_signature(certificate: x509.Certificate, blob: bytes, signed: bytes, algorithm: bytes, by: Hash) -> None:
    """The signature must be of the certificate's key."""
    key = certificate.public_key()
    if algorithm == PSS or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise Unknown("its kind of signature is not known here")
    hashed = HASHES.get(algorithm, by)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(blob, signed, padding.PKCS1v15(), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(blob, signed, ec.ECDSA(hashed))
        else:
            key.verify(blob, signed)
    except InvalidSignature as problem:
        raise ValueError("its signature is not of the certificate that came with it") from problem


def leads_to(certificate: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate], at: datetime) -> bool:
    """Whether a chain of certificates that were valid then leads from this one to one of the roots."""
    for _ in range(DEEPEST):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return False
        if any(certificate == root or is_issued_by(certificate, root) for root in roots):
            return True
        above = [one for one in between if one != certificate and is_issued_by(certificate, one)]
        if not above:
            return False
        certificate = above[0]
    return False


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the other certificate is of an authority, and signed this one."""
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


def check_stamp(size: int, note: bytes, answer: bytes, roots: list[x509.Certificate]) -> Stamp:
    """One stamp over the note of one checkpoint. Raises ``ValueError`` for what is broken in it."""
    token, certificates, signers = opened(answer)
    at, authority = datetime.min.replace(tzinfo=UTC), ""
    try:
        at = told_by(token, note)
        signer = signed_by(token, certificates, signers)
        authority = signer.subject.rfc4514_string()
    except Unknown as problem:
        return Stamp(size, at, authority, trusted=False, unknown=str(problem))
    trusted = leads_to(signer, certificates, roots, at)
    if roots and not trusted:
        raise ValueError(f"the certificate of {authority} leads to none of the roots that you gave")
    return Stamp(size, at, authority, trusted)


def check_stamps(pack: Pack, ledger: Ledger, keys: Keys, sizes: list[int], roots: list[x509.Certificate]) -> list[Stamp]:
    """All time stamps that the pack says it has, each over a checkpoint that the pack's ledger continues."""
    found = []
    for size in sizes:
        path = f"ledger/timestamps/{size:012d}"
        note = pack.content(f"{path}.note")
        said, root = head_of(note.decode(), f"{path}.note", keys)
        if (said, ledger.known.get(size)) != (size, root):
            raise Broken(f"{path}.note: is not the checkpoint of that size in this pack")
        try:
            found.append(check_stamp(size, note, pack.content(f"{path}.tsr"), roots))
        except (ValueError, KeyError, IndexError, TypeError, x509.ExtensionNotFound) as problem:
            raise Broken(f"{path}.tsr: the time stamp over checkpoint {size} does not hold ({problem})") from problem
    return found


def told_of_stamps(stamps: list[Stamp]) -> Iterator[str]:
    """What was found about them, and what was not verified, in words."""
    sound = [stamp for stamp in stamps if not stamp.unknown]
    if sound:
        last = max(sound, key=lambda stamp: stamp.at)
        yield (
            f"{len(sound)} time stamps (RFC 3161): each is over its checkpoint, and signed by the certificate that came with it;"
            f" the newest over checkpoint {last.size}, {last.at:%Y-%m-%d %H:%M:%S} UTC by the clock of {last.authority}."
        )
        if last.trusted:
            yield "Their certificates lead to the roots that you gave. Whether one was revoked was not asked."
        else:
            yield "Whether you trust that authority was NOT verified: name its root certificates with --tsa-roots."
    for stamp in stamps:
        if stamp.unknown:
            yield f"The time stamp over checkpoint {stamp.size} was NOT verified: {stamp.unknown}. Try openssl ts -verify."

"""A time stamping authority on this machine (RFC 3161): a certificate of its own, and answers as an authority gives them."""

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256 = "2.16.840.1.101.3.4.2.1"
RSA, ECDSA = "1.2.840.113549.1.1.1", "1.2.840.10045.4.3.2"
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, CERTIFICATE_V2 = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Time at Northwind")])


def der(tag, *parts):
    """One value of DER."""
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 128 else bytes([128 | len(size)]) + size) + body


def number(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    found = bytearray([40 * first + second])
    for part in rest:
        groups = [part & 127]
        while part := part >> 7:
            groups.append(part & 127 | 128)
        found += bytes(reversed(groups))
    return der(6, bytes(found))


def sequence(*parts):
    return der(0x30, *parts)


def algorithm(name):
    return sequence(oid(name), der(5))


class Authority:
    """``root`` is its certificate; ``stamp`` answers a request at a moment.

    By itself it is what whoever verifies trusts, with an RSA key. With ``above`` that one issued its certificate, and the key
    is of an elliptic curve.
    """

    def __init__(self, above=None, usage=ExtendedKeyUsageOID.TIME_STAMPING):
        self.above = above
        self.key = ec.generate_private_key(ec.SECP256R1()) if above else rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Desk 2")]) if above else NAME
        day, now = timedelta(days=1), datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(self.name).issuer_name(NAME).public_key(self.key.public_key())
        self.serial = 8 if above else 7
        made = made.serial_number(self.serial).not_valid_before(now - 900 * day).not_valid_after(now + 900 * day)
        made = made.add_extension(x509.BasicConstraints(ca=above is None, path_length=None), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        self.root = made.sign(above.key if above else self.key, hashes.SHA256())

    @property
    def pem(self):
        """What whoever verifies trusts."""
        return (self.above or self).root.public_bytes(serialization.Encoding.PEM)

    def stamp(self, *, digest, nonce, at, status=0):
        """The answer (TimeStampResp) over a SHA-256; without a token where the status says that there is none."""
        if status:
            return sequence(sequence(number(status)))
        imprint = sequence(algorithm(SHA256), der(4, digest))
        info = sequence(
            number(1), oid("1.3.6.1.4.1.99999.1"), imprint, number(42), der(0x18, f"{at:%Y%m%d%H%M%SZ}".encode()), number(nonce)
        )
        whole = self.root.public_bytes(serialization.Encoding.DER)
        own = sequence(sequence(sequence(der(4, hashlib.sha256(whole).digest()))))
        said = (
            sequence(oid(CONTENT_TYPE), der(0x31, oid(TST_INFO))),
            sequence(oid(MESSAGE_DIGEST), der(0x31, der(4, hashlib.sha256(info).digest()))),
            sequence(oid(CERTIFICATE_V2), der(0x31, own)),
        )
        attributes = b"".join(sorted(said))
        way = (ec.ECDSA(hashes.SHA256()),) if self.above else (padding.PKCS1v15(), hashes.SHA256())
        signature = self.key.sign(der(0x31, attributes), *way)
        issuer = sequence(NAME.public_bytes(), number(self.serial))
        signer = sequence(
            number(1),
            issuer,
            algorithm(SHA256),
            der(0xA0, attributes),
            sequence(oid(ECDSA)) if self.above else algorithm(RSA),
            der(4, signature),
        )
        content = sequence(oid(TST_INFO), der(0xA0, der(4, info)))
        signed = sequence(number(3), der(0x31, algorithm(SHA256)), content, der(0xA0, whole), der(0x31, signer))
        return sequence(sequence(number(0)), sequence(oid(SIGNED_DATA), der(0xA0, signed)))

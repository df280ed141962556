"""Signatures of a pack: the manifest as a signed note, verdicts as DSSE envelopes; both with the ledger's key.

The texts that are signed begin with words of their own, so that no signature of one sort passes for another: a checkpoint has
a number in its second line, a manifest a word and a colon, and DSSE begins with "DSSEv1".
"""

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from portal.ledger.keys import Signer
from portal.ledger.notes import PublicKey

TITLE = "Countersign evidence pack"
STATEMENT = "application/vnd.in-toto+json"


def signed_manifest(manifest: bytes, *, signer: Signer) -> str:
    """The note (https://c2sp.org/signed-note) over title, log and digest of the manifest."""
    public = PublicKey(signer.origin, signer.key.public_key())
    text = f"{TITLE}\nlog: {signer.origin}\nsha256: {sha256(manifest).hexdigest()}\n"
    blob = base64.b64encode(public.key_id + signer.key.sign(text.encode())).decode()
    return f"{text}\n— {signer.origin} {blob}\n"


def envelope(statement: Mapping[str, Any], *, signer: Signer) -> str:
    """A DSSE envelope (https://github.com/secure-systems-lab/dsse) around an in-toto statement, as one line of JSON."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    public = PublicKey(signer.origin, signer.key.public_key())
    signature = signer.key.sign(pae(STATEMENT, payload))
    said = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": STATEMENT,
        "signatures": [{"keyid": f"{signer.origin}+{public.key_id.hex()}", "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def pae(kind: str, payload: bytes) -> bytes:
    """Pre-authentication encoding of DSSE: what is signed."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)

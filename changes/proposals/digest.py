"""Digests of what people agree to, so that they can show later what it was. Pure.

A digest is the SHA-256, in hexadecimal, of canonical JSON (``portal.ledger.canonical``): sorted keys, no spaces, UTF-8.
"""

from portal.ledger.canonical import digest_of


def revision_digest(
    *,
    title: str,
    why: str,
    what: str,
    tested: str,
    rollback: str,
    target_release: str = "",
    snapshot: str,
    data_loss: str = "",
) -> str:
    """The digest of one text of a proposal. Approvals and decisions bind to it (``Revision.binds``)."""
    return digest_of(
        {
            "title": title,
            "why": why,
            "what": what,
            "tested": tested,
            "rollback": rollback,
            "target_release": target_release,
            "snapshot": snapshot,
            "data_loss": data_loss,
        }
    )

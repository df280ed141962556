"""The kinds of sources that can send deliveries, listed by hand."""

from collections.abc import Callable
from dataclasses import dataclass

from changes.connectors.github import signature


@dataclass(frozen=True)
class Kind:
    """How a vendor signs and names what it sends. Header names in lower case."""

    is_genuine: Callable[[bytes, str, str], bool]
    """(raw body, signature header, secret) -> whether it is genuine."""
    signature_header: str
    id_header: str
    event_header: str
    kept_headers: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "github": Kind(
        is_genuine=signature.is_genuine,
        signature_header="x-hub-signature-256",
        id_header="x-github-delivery",
        event_header="x-github-event",
        kept_headers=(
            "x-github-event",
            "x-github-delivery",
            "x-github-hook-id",
            "x-github-hook-installation-target-id",
            "x-github-hook-installation-target-type",
            "user-agent",
            "content-type",
        ),
    ),
}

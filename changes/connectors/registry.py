"""The kinds of sources that can send deliveries, listed by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from changes.connectors.doppler import arriving as doppler
from changes.connectors.gitea import signature as gitea
from changes.connectors.github import signature
from changes.connectors.gitlab import signature as gitlab
from changes.connectors.named import Named
from changes.connectors.slack import arriving
from changes.connectors.slack import signature as slack


@dataclass(frozen=True)
class Kind:
    """How a vendor signs and names what it sends. Header names in lower case."""

    is_genuine: Callable[[bytes, str, str], bool]
    """(raw body, ``signature_of``, secret) -> whether it is genuine."""
    signature_header: str
    id_header: str
    event_header: str
    kept_headers: tuple[str, ...]
    stamp_header: str = ""
    """The moment of signing, for vendors that sign it too."""
    is_fresh: Callable[[str, float], bool] | None = None
    """(stamp, arrival in seconds since 1970) -> whether it was signed lately; None: the vendor signs no time."""
    reads: Callable[[bytes, Mapping[str, str]], Named] | None = None
    """(body, headers) -> the delivery's name, for vendors that name it in the body; never raises."""

    def signature_of(self, headers: Mapping[str, str]) -> str:
        """What ``is_genuine`` takes: the signature, behind the stamp and a colon if there is one."""
        given = headers.get(self.signature_header, "")
        return f"{headers.get(self.stamp_header, '')}:{given}" if self.stamp_header else given

    def fresh(self, headers: Mapping[str, str], arrived: float) -> bool:
        """Whether it was signed lately, as far as the vendor lets us know."""
        return self.is_fresh is None or self.is_fresh(headers.get(self.stamp_header, ""), arrived)

    def named(self, body: bytes, headers: Mapping[str, str]) -> Named:
        """Id and event of a genuine delivery."""
        if self.reads is not None:
            return self.reads(body, headers)
        return Named(headers.get(self.id_header, ""), headers.get(self.event_header, ""))


class Signed(Kind):
    """Gitea and Forgejo: the signature stands in one of two headers."""

    def signature_of(self, headers: Mapping[str, str]) -> str:
        """In GitHub's form."""
        return gitea.signature_of(headers)


class Retried(Kind):
    """GitLab: a retry keeps its Idempotency-Key, while one event UUID may stand for several deliveries (webhooks that set off
    webhooks). Older versions send the UUID alone.
    """

    def named(self, body: bytes, headers: Mapping[str, str]) -> Named:
        """By the key, where there is one."""
        return Named(headers.get("idempotency-key") or headers.get(self.id_header, ""), headers.get(self.event_header, ""))


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
    "gitea": Signed(
        is_genuine=signature.is_genuine,
        signature_header=gitea.HUB,
        id_header="x-gitea-delivery",
        event_header="x-gitea-event",
        kept_headers=("x-gitea-event", "x-gitea-event-type", "x-gitea-delivery", "x-forgejo-event", "user-agent", "content-type"),
    ),
    # The token is the secret itself.
    "gitlab": Retried(
        is_genuine=gitlab.is_genuine,
        signature_header="x-gitlab-token",
        id_header="x-gitlab-event-uuid",
        event_header="x-gitlab-event",
        kept_headers=(
            *("x-gitlab-event", "x-gitlab-event-uuid", "x-gitlab-webhook-uuid", "idempotency-key"),
            *("user-agent", "content-type"),
        ),
    ),
    "slack": Kind(
        is_genuine=slack.is_genuine,
        signature_header="x-slack-signature",
        id_header="event_id",
        event_header="type",
        kept_headers=(
            "x-slack-request-timestamp",
            "x-slack-retry-num",
            "x-slack-retry-reason",
            "user-agent",
            "content-type",
        ),
        stamp_header="x-slack-request-timestamp",
        is_fresh=slack.is_fresh,
        reads=arriving.named,
    ),
    # Signed like GitHub's; without an id, and kept without what its body may carry (``doppler.arriving``).
    "doppler": Kind(
        is_genuine=signature.is_genuine,
        signature_header="x-doppler-signature",
        id_header="x-doppler-signature",
        event_header="type",
        kept_headers=("content-type",),
        reads=doppler.named,
    ),
}

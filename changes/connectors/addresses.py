"""Which places a connector may reach (threat T5). Pure: no look-up, no socket, no setting is read here.

The guard judges the address that a socket is about to connect to, so that a name that resolves to something else at
connect time gains nothing. ``ipaddress.is_private`` is not enough: 100.64.0.1, 224.0.0.1, 64:ff9b::7f00:1 and
2002:7f00:1:: pass it. Networks: IANA special-purpose registries for IPv4 and IPv6.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address


class Reach(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    """Inside the company: only for hosts that the operator has listed."""
    NEVER = "never"


PRIVATE = tuple(
    IPv4Network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)  # fmt: skip
PRIVATE_6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
"""Loopback and unique local addresses; the latter hold fdaa::/16, the private network of Fly."""
NEVER = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network: 0.0.0.0 reaches the machine itself
        "169.254.0.0/16",  # link-local, among it the metadata service of most clouds
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
GLOBAL_6 = IPv6Network("2000::/3")
"""The only global unicast block. What lies outside is refused, among it ::ffff:0:0/96 and 64:ff9b::/96, which hide IPv4."""
NEVER_6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which hides IPv4
    IPv6Network("3fff::/20"),  # documentation
)
_BASE = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/[A-Za-z0-9._~-]+)*)/?",
    re.ASCII,
)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


class BadAddress(ValueError):
    """The text is no plain base address. The reason says what a good one looks like."""


@dataclass(frozen=True)
class Base:
    """A vendor's base address, taken apart."""

    scheme: str
    host: str
    """Lower case; an IPv6 address without brackets."""
    port: int
    path: str
    """Empty, or ``/api/v3``: begins with a slash and does not end with one."""

    @property
    def origin(self) -> str:
        """Scheme, host and port as a URL, the port only when it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.scheme == "https" else 80)
        return f"{self.scheme}://{host}" if usual else f"{self.scheme}://{host}:{self.port}"


def base_of(*, url: str) -> Base:
    """Take a base address apart, strictly: ``http(s)://host[:port][/path]`` in plain ASCII and nothing else.

    No user, no query, no fragment, no percent or back-slash, no number in disguise (``0x7f.1``, ``2130706433``) and no
    trailing dot. Raises ``BadAddress``.
    """
    found = _BASE.fullmatch(url)
    if found is None:
        raise BadAddress("A base address looks like https://api.github.com or https://forge.example.com:8443/api/v3")
    host = found["host"].strip("[]")
    port = int(found["port"] or (443 if found["scheme"] == "https" else 80))
    if not 1 <= port <= 65535:
        raise BadAddress("The port must be between 1 and 65535")
    if found["host"].startswith("[") or _NUMERIC.fullmatch(host.rsplit(".", 1)[-1]):
        _check_literal(host)
    return Base(scheme=found["scheme"], host=host, port=port, path=found["path"])


def _check_literal(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        raise BadAddress("A host that is a number must be written as a full IP address") from None


def reach(*, address: str) -> Reach:
    """How far the address of a socket goes. Text that is no address is ``NEVER``."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return Reach.NEVER
    return _reach_4(parsed) if isinstance(parsed, IPv4Address) else _reach_6(parsed)


def _reach_4(address: IPv4Address) -> Reach:
    if any(address in network for network in PRIVATE):
        return Reach.PRIVATE
    return Reach.NEVER if any(address in network for network in NEVER) else Reach.PUBLIC


def _reach_6(address: IPv6Address) -> Reach:
    if any(address in network for network in PRIVATE_6):
        return Reach.PRIVATE
    if address not in GLOBAL_6 or any(address in network for network in NEVER_6):
        return Reach.NEVER
    return Reach.PUBLIC


def is_listed(*, host: str, port: int, private_hosts: Iterable[str]) -> bool:
    """The operator listed this host ("host", any port) or this host and port ("host:port", "[::1]:8080")."""
    name = f"[{host}]" if ":" in host else host
    wanted = {host, name, f"{name}:{port}"}
    return any(entry.strip().lower() in wanted for entry in private_hosts)


def refusal(*, address: str, listed: bool) -> str:
    """Why a connector may not connect to ``address``; empty when it may. ``listed`` is the answer of ``is_listed``."""
    distance = reach(address=address)
    if distance is Reach.PUBLIC or (listed and distance is Reach.PRIVATE):
        return ""
    if distance is Reach.PRIVATE:
        return "it resolves to a private address, and the host is not in COUNTERSIGN_PRIVATE_HOSTS"
    return "it resolves to an address that no connector may reach"

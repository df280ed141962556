"""The mail server, from one address in the environment. Pure: imports no Django.

    smtp://NAME:PASSWORD@HOST:587     begins in the clear, and turns to TLS or ends before anything is said (STARTTLS)
    smtps://NAME:PASSWORD@HOST:465    TLS from the first byte (RFC 8314)
    smtp+plain://HOST:25              nothing is encrypted: no name and password but on this machine

Name and password are percent-encoded. Certificates are checked against the machine's own list (``SSL_CERT_FILE`` names another).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from portal.environment import THIS_MACHINE, Misconfigured

VARIABLE, SENDER = "EMAIL_URL", "COUNTERSIGN_EMAIL_FROM"
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
SECONDS = 10
"""How long connecting and each answer may take: an effect never holds a worker longer."""
NOBODY = "countersign@localhost"


@dataclass(frozen=True)
class MailServer:
    """Where mail goes, as Django's backends want it. Without a server it is printed."""

    sender: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    tls: bool = False

    @property
    def backend(self) -> str:
        return f"django.core.mail.backends.{'smtp' if self.host else 'console'}.EmailBackend"


def mail_from(env: Mapping[str, str]) -> MailServer:
    """What the environment says. Raises ``Misconfigured``, whose words repeat no part of the address."""
    said = env.get(VARIABLE, "").strip()
    sender = env.get(SENDER, "").strip() or NOBODY
    if "@" not in parseaddr(sender)[1]:
        raise Misconfigured(f"{SENDER} is no address of a sender. Write portal@example.com or Countersign <portal@example.com>.")
    return _server(said, sender) if said else MailServer(sender)


def _server(said: str, sender: str) -> MailServer:
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        raise Misconfigured(f"{VARIABLE} cannot be read as an address.") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Misconfigured(f"{VARIABLE} begins with none of {', '.join(f'{name}://HOST' for name in PORTS)}.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Misconfigured(f"{VARIABLE} ends after the port. A /, ? or # in name or password is written %2F, %3F, %23.")
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(name) != bool(password):
        raise Misconfigured(f"{VARIABLE} has a name without a password, or the other way round.")
    if parts.scheme == "smtp+plain" and name and parts.hostname not in THIS_MACHINE:
        raise Misconfigured(f"{VARIABLE} would send a password in the clear. Use smtp:// (STARTTLS) or smtps://.")
    return MailServer(
        sender=sender,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=name,
        password=password,
        starttls=parts.scheme == "smtp",
        tls=parts.scheme == "smtps",
    )

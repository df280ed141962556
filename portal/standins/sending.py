"""One request out to the portal, and what came back."""

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Outcome:
    """What the receiver said: status 0 means that nobody answered."""

    status: int
    body: str
    seconds: float


def posted(url: str, headers: dict[str, str], body: bytes, *, within: float) -> Outcome:
    """Posts once and says what came back within so many seconds. Follows nothing, raises nothing."""
    parts = urlsplit(url)
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=within)
    began = time.monotonic()
    try:
        connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        return Outcome(answer.status, answer.read(4000).decode(errors="replace"), time.monotonic() - began)
    except (OSError, http.client.HTTPException) as problem:
        return Outcome(0, str(problem), time.monotonic() - began)
    finally:
        connection.close()

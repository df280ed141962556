"""A small stand-in of the sign-in pages of GitHub and Slack, over real HTTP on loopback."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "client-1", "secret-1"


class Vendor:
    """Whoever comes is the account ``profile``; ``answers`` keeps what was asked, for tests to read."""

    def __init__(self, profile: dict) -> None:
        self.profile = profile
        self.token_status = 200
        self.codes: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Vendor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def consent(self, address: str) -> str:
        """The person's browser at the vendor: agrees, and is sent back to this path of the portal."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_hex(8)
        self.codes[code] = asked["redirect_uri"]
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def agreed(self, address: str) -> str:
        """Where a real browser is sent after the person has agreed."""
        back = urlsplit(parse_qs(urlsplit(address).query)["redirect_uri"][0])
        return f"{back.scheme}://{back.netloc}{self.consent(address)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict]:
        known = self.codes.pop(form.get("code", ""), None)
        if (form.get("client_id"), form.get("client_secret"), form.get("redirect_uri")) != (CLIENT, SECRET, known):
            return 200, {"ok": False, "error": "bad_verification_code"}
        text = secrets.token_hex(16)
        self.tokens.add(text)
        return self.token_status, {"ok": True, "access_token": text, "token_type": "bearer"}

    def who(self, authorization: str) -> tuple[int, dict]:
        if authorization.partition(" ")[2] not in self.tokens:
            return 401, {"ok": False, "message": "Bad credentials"}
        return 200, self.profile


def _handler_of(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            vendor.asked.append(f"POST {self.path}")
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(*vendor.token({name: values[0] for name, values in parse_qs(body).items()}))

        def do_GET(self) -> None:
            vendor.asked.append(f"GET {self.path.partition('?')[0]}")
            if "/authorize" in self.path:
                self.send_response(302)
                self.send_header("Location", vendor.agreed(self.path))
                self.end_headers()
                return
            self._say(*vendor.who(self.headers.get("Authorization", "")))

        def _say(self, status: int, answer: dict) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    return Handler

"""A mail server of this machine for tests: SMTP with STARTTLS, TLS and names, as much as ``smtplib`` speaks of it."""

import base64
import socketserver
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Post:
    """What came in, and how the server behaves."""

    certificate: tuple[str, str] = ("", "")
    tls: bool = False
    starttls: bool = True
    takes: tuple[str, str] = ("portal", "right horse")
    refuses: str = ""
    """The recipient that it does not know."""
    mails: list[str] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    """Of each one who signed in: whether the line was encrypted."""
    port: int = 0

    def context(self):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*self.certificate)
        return made


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        self.post, self.secure = self.server.post, False
        try:
            if self.post.tls:
                self.secured()
            self.say("220 post.example")
            while line := self.rfile.readline().decode().strip():
                word, _, rest = line.partition(" ")
                getattr(self, f"on_{word.lower()}", self.on_unknown)(rest)
                if word.upper() == "QUIT":
                    return
        except (OSError, ssl.SSLError):
            return  # the other side has gone, or does not trust us

    def finish(self):
        super().finish()
        self.request.close()

    def say(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def secured(self):
        self.request = self.post.context().wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
        self.secure = True

    def on_ehlo(self, rest):
        offers = ["250-post.example", *(["250-STARTTLS"] if self.post.starttls and not self.secure else []), "250 AUTH PLAIN"]
        self.say(*offers)

    def on_starttls(self, rest):
        self.say("220 go on")
        self.secured()

    def on_auth(self, rest):
        _, name, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self.post.signed_in.append(self.secure)
        self.say("235 welcome" if (name, password) == self.post.takes else f"535 no: you said {password}")

    def on_mail(self, rest):
        self.say("250 ok")

    def on_rcpt(self, rest):
        self.say(f"550 {rest}: nobody" if self.post.refuses and self.post.refuses in rest else "250 ok")

    def on_data(self, rest):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        self.post.mails.append("".join(lines))
        self.say("250 taken")

    def on_rset(self, rest):
        self.say("250 ok")

    def on_quit(self, rest):
        self.say("221 bye")

    def on_unknown(self, rest):
        self.say("502 what?")


@contextmanager
def post_office(post):
    """It listens on a port of its own until the block ends."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads, server.post, post.port = True, post, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield post
        finally:
            server.shutdown()
            thread.join()

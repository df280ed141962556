"""A reader of live streams over a plain socket, as a browser reads them."""

import socket
from urllib.parse import urlsplit

from django.conf import settings

from tests.pace import SHARED

PATIENCE = 20.0 * SHARED


class Reader:
    """One open stream. ``until(text)`` reads on until the text has come."""

    def __init__(self, site, topics, *, session="", patience=PATIENCE):
        where = urlsplit(site)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=patience)
        cookie = f"Cookie: {settings.SESSION_COOKIE_NAME}={session}\r\n" if session else ""
        request = f"GET /live/?topics={topics} HTTP/1.1\r\nHost: {where.netloc}\r\nAccept: text/event-stream\r\n"
        self.socket.sendall(f"{request}Accept-Encoding: gzip\r\n{cookie}\r\n".encode())
        self.heard = ""

    def until(self, text):
        while text not in self.heard:
            piece = self.socket.recv(4096)
            if not piece:
                raise EOFError(f"the stream ended before {text!r}: {self.heard}")
            self.heard += piece.decode("latin-1")
        return self.heard

    def hears_nothing(self, seconds=0.6):
        """Whether nothing comes for a while."""
        self.socket.settimeout(seconds)
        try:
            piece = self.socket.recv(4096)
        except TimeoutError:
            return True
        self.heard += piece.decode("latin-1")
        return False

    def close(self):
        self.socket.close()

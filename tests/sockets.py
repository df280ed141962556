"""Tests talk to this machine only: loopback and Unix sockets. Anything else is refused at the door, with words."""

import ipaddress
import socket


class Outside(RuntimeError):
    """A test tried to leave the machine."""


def refuse_outside():
    """Wrap the calls that open or use a connection, once for the whole process."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def is_inside(*, family, address):
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0]).split("%")[0]
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guarded(real):
    def call(self, *arguments):
        address = arguments[-1]
        if not is_inside(family=self.family, address=address):
            raise Outside(f"tests do not leave this machine: {address!r}. Use a stand-in of the vendor.")
        return real(self, *arguments)

    return call

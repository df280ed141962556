"""Histories to count: one with every odd form that Git allows, and a real one; and ``git rev-list`` to count them with."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

from tests.changes.delivery.workshop import ANN, CLEAN, START, Workshop

ROOT = Path(__file__).parents[4]
REAL = "COUNTERSIGN_TEST_HISTORY"
"""Names the folder of another repository to count instead of the checkout's own, such as a large one for figures."""
AS_IT_IS = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
"""Git tells what the commits say, not what somebody laid over them."""


def rev_list(folder, *arguments):
    """The lines that ``git rev-list`` prints, by a git of its own: none of the portal's options, limits or settings."""
    return git(folder, "--literal-pathspecs", "rev-list", *arguments).split()


def git(folder, *arguments, feed=None, env=AS_IT_IS):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=CLEAN | env, input=feed, capture_output=True, check=True, timeout=600
    )
    return done.stdout.decode(errors="surrogateescape").strip()


def real(folder):
    """A copy of the real history with its newest commit as ``main`` and the one a tenth of the way back as ``prod``; False where
    there is none to copy: no checkout of Git, one with a part of the history or of the files only, one of somebody else."""
    source = Path(os.environ.get(REAL) or ROOT).resolve()
    workshop = Workshop(folder)
    try:
        settings = git(source, "config", "--list", "--name-only").split()
        if git(source, "rev-parse", "--is-shallow-repository") != "false" or any(".promisor" in name for name in settings):
            return False
        objects = git(source, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        workshop.git("fetch", "--quiet", "--no-tags", f"file://{source}", "+HEAD:refs/heads/main", "+refs/tags/*:refs/tags/*")
    except subprocess.CalledProcessError:
        return False
    shas = rev_list(folder, "--first-parent", "main")
    workshop.point("prod", shas[len(shas) // 10])
    return True


def odd(folder):
    """One of each form that counts could stumble over. Its dates, people and contents are always the same."""
    at = Workshop(folder)
    at.commit(files={"apps/web/main.py": "1", "apps/api/main.py": "1", "README": "x"}, message=b"no line end")
    at.commit(files={}, message="nothing changed")
    at.commit(at=START - timedelta(days=9000), files={"apps/web/old.py": "1"}, message="older than the root")
    at.commit(at=START + timedelta(days=9000), files={"apps/web/new.py": "1"}, message="from the future")
    at.commit(at=400_000_000_000, files={"apps/api/never.py": "1"}, message="beyond all calendars")
    at.commit(files={"caf\udce9/[web]*": "1"}, message=b"caf\xe9", author=("Ann \udce9", "ann@northwind.example"))
    at.commit(files={"apps/web": None, "apps/site/main.py": "1"}, message="the folder of an app becomes another")
    at.commit(files={"apps/web": "1"}, message="and its name a file")
    for number in range(3):
        at.commit(f"side-{number}", parents=[at.tip("main")], files={f"apps/api/side-{number}.py": "1"})
        at.commit(f"side-{number}", files={f"docs/{number}": "1"})
    at.merge("main", "side-0", files={"apps/api/side-0.py": "1", "docs/0": "1"})
    sides = [at.tip("main"), *(at.tip(f"side-{number}") for number in (1, 2))]
    at.commit(parents=sides, files={"apps/api/side-1.py": "1", "docs/2": "1"}, message="a merge of three")
    at.commit("other", files={"apps/web2/main.py": "1"}, message="a second root")
    at.commit("other", at=START - timedelta(days=10000))
    at.merge("main", "other", files={"apps/web2/main.py": "1"}, message="two histories become one")
    at.point("prod", at.tip("main"))
    at.commit("prod", files={"apps/web2/fix.py": "1"}, message="mended on prod")
    at.merge("main", "prod", files={"apps/web2/fix.py": "1"})
    _by_hand(at, "main", b"committer Nobody <nobody@northwind.example>\n", b"no date at all\n")
    _by_hand(at, "main", b"committer <> 1772442000 +9999\nencoding ISO-8859-1\n", b"a line\rand caf\xe9 without an end")
    at.commit(files={"apps/web2/last.py": "1"}, message="")
    at.git("tag", "light", "main~3")
    at.git("-c", "user.name=Ann", "-c", f"user.email={ANN[1]}", "tag", "-a", "-m", "signed off", "v1.0", "main~2")
    at.git("update-ref", "refs/tags/on-no-branch", at.commit("passing", parents=[at.tip("main")]))
    at.git("update-ref", "-d", "refs/heads/passing")
    at.git("update-ref", "refs/tags/a-file", at.git("rev-parse", "main:README"))


def _by_hand(workshop, branch, committer, message):
    """A commit that no git would write today, as old programs did."""
    before = workshop.tip(branch)
    tree = workshop.git("rev-parse", f"{before}^{{tree}}")
    head = f"tree {tree}\nparent {before}\nauthor Ann <{ANN[1]}> 1772442000 +0000\n".encode()
    made = workshop.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", feed=head + committer + b"\n" + message)
    workshop.point(branch, made)

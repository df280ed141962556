"""How much longer than alone something may take in this run.

The figures of SECURITY.md and UX.md are for a portal that has its machine. Under ``./bin/test`` it shares two cores with the other
processes of the run, and a kernel that gives them to somebody else for half a second says nothing about the portal.
"""

import os

ALONE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) == 1
SHARED = 1.0 if ALONE else 8.0

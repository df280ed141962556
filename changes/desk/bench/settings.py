"""The product's settings with the addresses of the bare baselines beside the product's own. Only for ./bin/bench."""

from portal.settings import *  # noqa: F403  # the benchmark measures the product as it is set

ROOT_URLCONF = "changes.desk.bench.urls"
LEAN_PATHS |= {"/bench/lean-insert/": "changes.desk.bench.views.lean_insert"}  # noqa: F405  # as above

"""Every module here registers scenarios (``registry.scenario``). Whoever adds one imports it below."""

from changes.desk.demo.year.registry import SCENARIOS
from changes.desk.demo.year.scenarios import (
    branches,
    consoles,
    fair_consoles,
    fair_merges,
    fair_releases,
    fair_reviews,
    releases,
    unreviewed,
)

__all__ = [
    "SCENARIOS",
    "branches",
    "consoles",
    "fair_consoles",
    "fair_merges",
    "fair_releases",
    "fair_reviews",
    "releases",
    "unreviewed",
]

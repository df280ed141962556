"""Every module here registers scenarios (``registry.scenario``). Whoever adds one imports it below."""

from changes.desk.demo.year.registry import SCENARIOS

__all__ = ["SCENARIOS"]

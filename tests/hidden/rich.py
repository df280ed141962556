"""Hides a package that only the import linter brings here: a portal under test has what requirements.txt brings, no more."""

raise ImportError("not part of the portal")

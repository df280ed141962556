"""Hides a package that only pytest brings here: a portal under test has what requirements.txt brings, and no more."""

raise ImportError("not part of the portal")

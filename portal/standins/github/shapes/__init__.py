"""Records and Git objects in the shapes of GitHub's REST API (version 2022-11-28)."""

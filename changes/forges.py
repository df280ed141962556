"""The forges by name, in the one place from which all of them are listed: kinds of sources that hold repositories."""

NAMES = {"github": "GitHub", "gitea": "Gitea", "gitlab": "GitLab"}
"""Kind of source, and what people call it."""
FORGES = tuple(NAMES)

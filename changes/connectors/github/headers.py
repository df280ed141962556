"""The headers of every request to GitHub, whoever makes it. The version is said each time (``api`` says why)."""

VERSION = "2022-11-28"
HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": VERSION,
    "User-Agent": "Countersign",
}

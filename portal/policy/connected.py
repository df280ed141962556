"""Which sources of facts this installation has. A gate whose source is missing says so and is never met."""

SOURCES = {
    "meetings": "Architecture meetings",
    "slack": "Slack",
    "training": "Training",
    "mergers": "The list of authorised mergers",
    "fly": "Fly",
}


def connected_sources() -> frozenset[str]:
    """The sources that feed the portal in this release: none of the later ones yet."""
    return frozenset()

"""GitHub's REST API, as far as the portal uses it, over the stand-in's world. Each module fills the one table of routes."""

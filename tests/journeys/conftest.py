"""Stand-ins of the vendors for stories through a whole portal."""

from tests.standins import github_standin

__all__ = ["github_standin"]

import pytest

from changes.delivery.git_process import Access
from tests.changes.delivery.workshop import Workshop


@pytest.fixture
def workshop(tmp_path):
    """A real repository at the forge."""
    return Workshop(tmp_path / "forge.git")


@pytest.fixture
def local():
    """Access that may speak to a folder: only tests and the stand-ins do."""
    return Access(protocols=("file",))

import shutil

import pytest

from portal.runtime.places import Places, lay_out
from tests.stack import temporary_folder


@pytest.fixture
def folder():
    """An empty folder that the database's own user can pass."""
    made = temporary_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def places(folder):
    places = Places(folder / "data")
    lay_out(places=places)
    return places

"""Settings of the tests: the portal's own, after a PostgreSQL of this run has been started.

pytest-django loads the settings before any conftest, so this is the place where the database has to be there, and where what is
loaded begins to be measured.
"""

from tests import measuring

measuring.begin()

from tests import server  # noqa: E402  # only now: it loads what is measured

server.ensure()

from portal.settings import *  # noqa: E402, F403  # only now: the portal's settings read DATABASE_URL while they load

# Tests read static files where they lie; WhiteNoise warns about a missing folder, and a fresh checkout has none.
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405  # from the portal's settings above

"""``python -P portal/standins/__main__.py serve …``: the stand-ins without the portal.

The package ``portal`` loads Celery when it is imported. The stand-ins do not need it, so an empty package of that name takes
its place here and saves 15 MB.
"""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    if "portal" not in sys.modules:
        bare = ModuleType("portal")
        bare.__path__ = [str(Path(__file__).resolve().parents[1])]
        sys.modules["portal"] = bare
    sys.exit(import_module("portal.standins.process").main(sys.argv[1:]))

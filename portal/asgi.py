"""ASGI entry point: pages and live streams; a few addresses for machines are answered before Django (portal/ui/lean.py)."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

from portal.limits import LimitBody
from portal.ui.lean import LeanPaths

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("COUNTERSIGN_POOL", "12")
pages = get_asgi_application()
application = LimitBody(LeanPaths(pages, {pattern: import_string(name) for pattern, name in settings.LEAN_PATHS.items()}))

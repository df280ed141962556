"""ASGI entry point: pages and live streams."""

import os

from django.core.asgi import get_asgi_application

from portal.limits import LimitBody

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("COUNTERSIGN_POOL", "12")
application = LimitBody(get_asgi_application())

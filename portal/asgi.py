"""ASGI entry point: pages and live streams."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("COUNTERSIGN_POOL", "12")
application = get_asgi_application()

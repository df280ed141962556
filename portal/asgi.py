"""ASGI entry point: pages and live streams (portal/handler.py); a few addresses for machines are answered before Django
(portal/ui/lean.py), and what came over plain http before either (portal/plain.py)."""

import os

import django
from django.conf import settings
from django.utils.module_loading import import_string

from portal.handler import Pages
from portal.limits import LimitBody
from portal.plain import behind_a_proxy
from portal.ui.lean import LeanPaths

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("COUNTERSIGN_POOL", "12")
django.setup(set_prefix=False)
pages = Pages()
lean = LeanPaths(pages, {pattern: import_string(name) for pattern, name in settings.LEAN_PATHS.items()})
application = LimitBody(behind_a_proxy(lean, base=settings.BASE_URL, proxies=settings.PROXIES))

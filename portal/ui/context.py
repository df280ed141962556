"""What every page needs besides its own: the clock, the theme, the navigation. Lazy where it costs something."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.access import sessions
from portal.access.may import roles_of
from portal.access.models import User
from portal.ui import navigation, theme
from portal.ui.clock import time_of


def chrome(request: HttpRequest) -> dict[str, Any]:
    """The template variables of the frame. An answer to htmx never renders the frame and pays for none of it."""
    user: User | AnonymousUser = getattr(request, "user", None) or AnonymousUser()
    return {
        "user": user,
        "now": time_of(request),
        "zone": getattr(user, "time_zone", "UTC"),
        "theme": theme.chosen(request),
        "density": getattr(user, "density", "comfortable"),
        "shortcuts": getattr(user, "shortcuts", True),
        "request_id": getattr(request, "id", ""),
        "auditor": getattr(request, "auditor", None),
        "preview": getattr(request, "preview", None),
        "standing": SimpleLazyObject(lambda: sessions.standing_of(request, at=time_of(request))),
        "copy": getattr(request, "copy", None),
        "nav_side": SimpleLazyObject(lambda: navigation.side(user, request.path)),
        "nav_tabs": SimpleLazyObject(lambda: navigation.tab_bar(user, request.path)),
        "account_page": SimpleLazyObject(lambda: navigation.exists_for(user, navigation.ACCOUNT.path)),
        "notices_page": SimpleLazyObject(lambda: navigation.exists_for(user, "/me/notices/")),
        "propose_page": SimpleLazyObject(lambda: navigation.exists_for(user, "/changes/new/")),
        "role_words": SimpleLazyObject(lambda: ", ".join(role.label for role in sorted(roles_of(user)))),
    }

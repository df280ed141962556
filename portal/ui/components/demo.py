"""The demo's people on the sign-in page. Only in demo mode: elsewhere no name and no password is shown to anybody."""

from typing import Any

from django import template
from django.conf import settings

from portal.access.may import roles_of
from portal.access.models import User

register = template.Library()

MOST = 8
"""People that are offered: the first ones, who are the seven of the demo company's story."""


@register.inclusion_tag("components/demo_people.html", takes_context=True)
def demo_people(context: template.Context) -> dict[str, Any]:
    """Buttons that sign in as one of the demo's people; nothing unless this is a demo with a known password."""
    password = getattr(settings, "DEMO_PASSWORD", "")
    if not (settings.DEMO and password):
        return {}
    people = [person for person in User.objects.filter(is_active=True).order_by("pk")[: 2 * MOST] if roles_of(person)]
    for person in people:
        vars(person)["role_words"] = ", ".join(role.label for role in sorted(roles_of(person)))
    return {"people": people[:MOST], "password": password, "csrf_token": context.get("csrf_token")}

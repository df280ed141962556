"""Filters (RFC 7644, 3.4.2.2): one attribute ``eq`` one value, which is what directories ask."""

import json
import re

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from portal.access.models import User
from portal.access.scim.errors import ScimError

FILTER = re.compile(r"^\s*(?P<name>[\w.:]+)\s+eq\s+(?P<value>\"(?:[^\"\\]|\\.)*\"|true|false)\s*$", re.IGNORECASE)


def here() -> QuerySet[User]:
    """Everybody whom the directory has not deleted, each with what it calls them."""
    return User.objects.filter(Q(directory_entry=None) | Q(directory_entry__deleted_at=None)).select_related("directory_entry")


def filtered(text: str) -> QuerySet[User]:
    """Those whom the filter names; everybody for an empty one. Raises ``ScimError`` (invalidFilter)."""
    if not text.strip():
        return here()
    found = FILTER.match(text)
    if found is None:
        raise ScimError(400, 'Understood are filters like userName eq "ann@example.com".', "invalidFilter")
    name, value = found["name"].lower(), json.loads(found["value"] if found["value"][:1] == '"' else found["value"].lower())
    if name == "active" and isinstance(value, bool):
        return here().filter(is_active=value)
    if not isinstance(value, str) or name not in ("username", "externalid", "id", "emails.value", "emails"):
        raise ScimError(400, f"No filter by {found['name']}.", "invalidFilter")
    return here().filter(_question(name, value))


def named(user_name: str) -> QuerySet[User]:
    """Whom the directory calls so, or whose address it is, in whatever case."""
    plain = user_name.strip().lower()
    calls = here().annotate(called=Lower("directory_entry__user_name"))
    return calls.filter(Q(called=plain) | Q(directory_entry=None, email=plain))


def _question(name: str, value: str) -> Q:
    if name == "username":
        return Q(pk__in=named(value).values("pk"))
    if name == "externalid":
        return Q(directory_entry__external_id=value) if value else Q(pk__in=[])
    if name == "id":
        return Q(pk=int(value)) if value.isascii() and value.isdecimal() and len(value) < 18 else Q(pk__in=[])
    return Q(email=value.strip().lower())

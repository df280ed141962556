"""The person behind a request, as a ``User``: for views that ``requires`` has let through."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from portal.access.models import User


def person_of(request: HttpRequest) -> User:
    """The signed-in person. Raises ``PermissionDenied`` where nobody is, which a guarded view never sees."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user

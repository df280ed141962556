"""Users as SCIM writes them (RFC 7643, 4.1 and 4.3), and what one says about a person. Pure.

Attribute names do not distinguish case (RFC 7643, 2.1). What the portal does not keep is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.access.models import PersonKind, User
from portal.access.roster.describing import KINDS, Description, description_of
from portal.access.roster.provisioning import address
from portal.access.scim.errors import ScimError
from portal.access.scim.models import DirectoryEntry
from portal.policy.refusal import Refused

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KNOWN = {
    name.lower(): name
    for name in (
        *("schemas", "id", "externalId", "meta", "userName", "name", "displayName", "userType", "active", "emails", ENTERPRISE),
        *("formatted", "givenName", "familyName", "value", "type", "primary", "department", "organization"),
    )
}
LONGEST = 120


@dataclass(frozen=True)
class Wanted:
    """What a document says: the directory's names, the address, the rest, and whether the person is here."""

    user_name: str
    external_id: str
    email: str
    said: Description
    active: bool


def canonical(value: Any) -> Any:
    """The same with the attribute names that we know in their right case."""
    if isinstance(value, Mapping):
        return {KNOWN.get(str(name).lower(), str(name)): canonical(inner) for name, inner in value.items()}
    return [canonical(inner) for inner in value] if isinstance(value, list) else value


def document_of(user: User, entry: DirectoryEntry | None, *, base: str) -> dict[str, Any]:
    """The person as a SCIM user. ``base`` is the address of all users."""
    more = {name: value for name, value in (("department", user.team), ("organization", user.employer)) if value}
    given, _, family = user.name.rpartition(" ")
    made, changed = (entry.made_at, entry.changed_at) if entry else (user.joined_at, user.joined_at)
    document: dict[str, Any] = {
        "schemas": [USER, ENTERPRISE] if more else [USER],
        "id": str(user.pk),
        "userName": entry.user_name if entry else user.email,
        "name": {"formatted": user.name, "givenName": given or family, "familyName": family if given else ""},
        "displayName": user.name,
        "userType": user.kind,
        "active": user.is_active,
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "meta": {
            "resourceType": "User",
            "created": made.isoformat(),
            "lastModified": changed.isoformat(),
            "location": f"{base}/{user.pk}",
        },
    }
    if entry and entry.external_id:
        document["externalId"] = entry.external_id
    return {**document, ENTERPRISE: more} if more else document


def wanted_from(document: Mapping[str, Any], *, user: User | None) -> Wanted:
    """What a whole document says; days that SCIM does not know stay as they are. Raises ``ScimError`` (invalidValue)."""
    if USER not in (document.get("schemas") or []):
        raise ScimError(400, f"schemas names {USER}.", "invalidSyntax")
    user_name = _text(document, "userName")
    if not user_name:
        raise ScimError(400, "userName is missing.", "invalidValue")
    try:
        email = address(_email(document) or user_name)
    except Refused as wrong:
        raise ScimError(400, f"{wrong.why} Send one in emails, or as userName.", "invalidValue") from wrong
    more = document.get(ENTERPRISE) or {}
    if not isinstance(more, Mapping):
        raise ScimError(400, f"{ENTERPRISE} is an object.", "invalidValue")
    before = description_of(user) if user else Description(name="", kind=PersonKind.EMPLOYEE)
    said = Description(
        name=_name(document, email)[:LONGEST],
        kind=KINDS.get(_text(document, "userType").lower(), before.kind),
        team=_text(more, "department")[:LONGEST],
        employer=_text(more, "organization")[:LONGEST],
        joined_on=before.joined_on,
        leaves_on=before.leaves_on,
    )
    return Wanted(
        user_name, _text(document, "externalId"), email, said, _flag(document.get("active", user.is_active if user else True))
    )


def _name(document: Mapping[str, Any], email: str) -> str:
    """displayName, else the formatted name, else given and family name, else what stands before the @."""
    name = document.get("name") or {}
    if not isinstance(name, Mapping):
        raise ScimError(400, "name is an object.", "invalidValue")
    parts = f"{_text(name, 'givenName')} {_text(name, 'familyName')}".strip()
    return _text(document, "displayName") or _text(name, "formatted") or parts or email.partition("@")[0]


def _email(document: Mapping[str, Any]) -> str:
    """The primary address, else the first."""
    emails = document.get("emails") or []
    if not isinstance(emails, list) or not all(isinstance(one, Mapping) for one in emails):
        raise ScimError(400, "emails is a list of objects.", "invalidValue")
    ordered = sorted(emails, key=lambda one: one.get("primary") is not True)
    return next(filter(None, (_text(one, "value") for one in ordered)), "")


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 1000:
        raise ScimError(400, f"{name} is a short text.", "invalidValue")
    return value.strip()


def _flag(value: Any) -> bool:
    """A boolean; Microsoft's directory writes it as a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ScimError(400, "active is true or false.", "invalidValue")

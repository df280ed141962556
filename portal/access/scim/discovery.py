"""What this service can and what a user looks like (RFC 7643, 5 to 7), as directories ask for it."""

from typing import Any

from portal.access.scim.documents import ENTERPRISE, USER

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
MOST = 200
"""Users in one answer."""


def service(base: str) -> dict[str, Any]:
    """ServiceProviderConfig."""
    return {
        "schemas": [CONFIG],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an administrator made on the page of provisioning.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """The one kind of resource: users."""
    return [
        {
            "schemas": [TYPE],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "description": "People of the portal. A deleted one has left; what they did stays.",
            "schema": USER,
            "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/User"},
        }
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    """The attributes that are kept."""
    user = [
        _attribute("userName", required=True, uniqueness="server"),
        _attribute("externalId", caseExact=True),
        _attribute("displayName"),
        _attribute("name", kind="complex", subAttributes=[_attribute(part) for part in ("formatted", "givenName", "familyName")]),
        _attribute("userType", canonicalValues=["employee", "contractor", "third_party"]),
        _attribute("active", kind="boolean"),
        _attribute(
            "emails",
            kind="complex",
            multiValued=True,
            subAttributes=[_attribute("value"), _attribute("type"), _attribute("primary", kind="boolean")],
        ),
    ]
    enterprise = [_attribute("department"), _attribute("organization")]
    return [_schema(base, USER, "User", user), _schema(base, ENTERPRISE, "EnterpriseUser", enterprise)]


def _schema(base: str, urn: str, name: str, attributes: list[dict[str, Any]]) -> dict[str, Any]:
    meta = {"resourceType": "Schema", "location": f"{base}/Schemas/{urn}"}
    return {"schemas": [SCHEMA], "id": urn, "name": name, "description": name, "attributes": attributes, "meta": meta}


def _attribute(name: str, *, kind: str = "string", **more: Any) -> dict[str, Any]:
    usual = {
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return {"name": name, "type": kind, "description": name, **usual, **more}

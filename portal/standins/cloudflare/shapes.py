"""Zones, records, Access and the audit logs in the shapes of Cloudflare's API."""

from typing import Any

from portal.standins.cloudflare.world import ACCOUNT, ACCOUNT_NAME, ROLES, ident
from portal.standins.store import Row

ACCOUNT_SHAPE = {"id": ACCOUNT, "name": ACCOUNT_NAME}
FREE = {
    "id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "name": "Free Website",
    "price": 0,
    "currency": "USD",
    "frequency": "",
    "is_subscribed": False,
    "can_subscribe": False,
    "legacy_id": "free",
    "legacy_discount": False,
    "externally_managed": False,
}


def zone(row: Row) -> Row:
    """A zone."""
    return {
        "id": row["vendor_id"],
        "name": row["name"],
        "status": "active",
        "paused": False,
        "type": "full",
        "development_mode": 0,
        "name_servers": ["bob.ns.cloudflare.com", "lola.ns.cloudflare.com"],
        "original_name_servers": None,
        "original_registrar": None,
        "original_dnshost": None,
        "created_on": row["created_on"],
        "modified_on": row["created_on"],
        "activated_on": row["created_on"],
        "meta": {
            "cdn_only": False,
            "custom_certificate_quota": 0,
            "dns_only": False,
            "page_rule_quota": 3,
            "phishing_detected": False,
            "step": 4,
        },
        "owner": {"id": ACCOUNT, "type": "organization", "name": ACCOUNT_NAME},
        "account": ACCOUNT_SHAPE,
        "permissions": ["#zone:read", "#dns_records:read"],
        "plan": FREE,
    }


def record(row: Row) -> Row:
    """A DNS record."""
    return {
        "id": row["vendor_id"],
        "name": row["name"],
        "type": row["type"],
        "content": row["content"],
        "proxiable": row["type"] in {"A", "AAAA", "CNAME"},
        "proxied": row["proxied"],
        "ttl": row["ttl"],
        "settings": {},
        "meta": {"auto_added": False},
        "comment": row["comment"],
        "data": {},
        "tags": [],
        "created_on": row["created_on"],
        "modified_on": row["modified_on"],
    }


def application(row: Row, policies: list[Row]) -> Row:
    """A self-hosted application behind Access."""
    return {
        "id": row["vendor_id"],
        "aud": ident("aud", row["name"]) * 2,
        "name": row["name"],
        "domain": row["domain"],
        "type": "self_hosted",
        "session_duration": row["session_duration"],
        "allowed_idps": [],
        "auto_redirect_to_identity": False,
        "app_launcher_visible": True,
        "destinations": [{"type": "public", "uri": row["domain"]}],
        "policies": [policy(item, number) for number, item in enumerate(policies, start=1)],
        "created_at": row["created_on"],
        "updated_at": row["modified_on"],
    }


def policy(row: Row, precedence: int | None) -> Row:
    """A policy; one that several may use has no place of its own in an order."""
    place: Row = {"reusable": True, "app_count": 0} if precedence is None else {"precedence": precedence}
    return {
        "id": row["vendor_id"],
        "name": row["name"],
        "decision": row["decision"],
        "include": [{"email": {"email": email}} for email in row["emails"]],
        "exclude": [],
        "require": [],
        "session_duration": "24h",
        "created_at": row["created_on"],
        "updated_at": row["modified_on"],
        **place,
    }


def group(row: Row) -> Row:
    """A group of Access."""
    return {
        "id": row["vendor_id"],
        "name": row["name"],
        "include": [{"email": {"email": email}} for email in row["emails"]],
        "exclude": [],
        "require": [],
        "created_at": row["created_on"],
        "updated_at": row["modified_on"],
    }


def service_token(row: Row) -> Row:
    """A service token, without its secret."""
    return {
        "id": row["vendor_id"],
        "name": row["name"],
        "client_id": row["client_id"],
        "duration": "8760h",
        "expires_at": "2030-01-01T00:00:00Z",
        "created_at": row["created_on"],
        "updated_at": row["created_on"],
    }


def role(name: str) -> Row:
    """A role of the account."""
    reads = name.endswith("Read Only")
    return {
        "id": ident("role", name),
        "name": name,
        "description": name,
        "permissions": {"zones": {"read": True, "write": not reads}, "dns_records": {"read": True, "write": not reads}},
    }


def member(row: Row) -> Row:
    """A member of the account with the role."""
    first, _, _ = row["email"].partition("@")
    return {
        "id": row["vendor_id"],
        "email": row["email"],
        "status": "accepted",
        "user": {
            "id": row["user_id"],
            "email": row["email"],
            "first_name": first.title(),
            "last_name": "",
            "two_factor_authentication_enabled": True,
        },
        "roles": [role(row["role"])],
    }


def roles() -> list[Row]:
    """Every role."""
    return [role(name) for name in ROLES]


def audit_v2(row: Row) -> Row:
    """An entry of the audit log, version 2."""
    shown: dict[str, Any] = {
        "id": row["vendor_id"],
        "account": ACCOUNT_SHAPE,
        "action": {"type": row["action"], "result": "success", "time": row["at"], "description": f"{row['action']} {row['type']}"},
        "actor": {
            "id": ident("user", row["by"]),
            "email": row["by"],
            "type": "user",
            "context": "dash",
            "ip_address": "198.51.100.7",
        },
        "resource": {
            "id": row["object"],
            "product": row["product"],
            "type": row["type"],
            "scope": {},
            "request": row["told"],
            "response": {"success": True, "result": {"id": row["object"], **row["told"]}},
        },
        "raw": {
            "method": {"create": "POST", "update": "PUT", "delete": "DELETE"}[row["action"]],
            "status_code": 200,
            "uri": row["path"],
            "cf_ray_id": row["vendor_id"][:16],
            "user_agent": "Mozilla/5.0",
        },
    }
    return shown | ({"zone": row["zone"]} if row["zone"] else {})


def audit_v1(row: Row) -> Row:
    """The same entry, version 1: another id, other words."""
    dns = {"create": "rec_add", "update": "rec_set", "delete": "rec_del"}
    told = {"name": row["told"].get("name", ""), "type": row["told"].get("type", ""), "comment": row["told"].get("comment", "")}
    return {
        "id": f"v1-{row['vendor_id'][:28]}",
        "when": row["at"],
        "action": {"type": dns[row["action"]] if row["type"] == "dns_record" else row["action"], "result": True},
        "actor": {"id": ident("user", row["by"]), "email": row["by"], "type": "user", "ip": "198.51.100.7"},
        "interface": "UI",
        "resource": {
            "id": row["object"],
            "type": "DNS_record" if row["type"] == "dns_record" else f"{row['product']}.{row['type']}",
        },
        "metadata": told | ({"zone_name": row["zone"]["name"]} if row["zone"] else {}),
        "newValue": str(row["told"]),
        "oldValue": "",
        "owner": {"id": ACCOUNT},
    }

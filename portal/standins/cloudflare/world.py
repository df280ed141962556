"""What the Cloudflare stand-in holds, and the acts of people there. Every act writes an entry of the audit log, as there."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.standins.clock import Clock
from portal.standins.faults import Faults
from portal.standins.store import Row, Store
from portal.standins.times import stamp

ACCOUNT = "4bb334f7c94c4a29a045f03944f072e5"
ACCOUNT_NAME = "Northwind Labs"
PERMISSIONS = (
    "Zone Read",
    "DNS Read",
    "Account Settings Read",
    "Access: Apps and Policies Read",
    "Access: Organizations, Identity Providers, and Groups Read",
    "Access: Service Tokens Read",
)
ROLES = ("Super Administrator - All Privileges", "Administrator", "Administrator Read Only", "DNS", "Cloudflare Access")


class CloudflareError(Exception):
    """A refusal in Cloudflare's form. ``code`` is Cloudflare's own number."""

    def __init__(self, status: int, message: str, code: int = 1000) -> None:
        self.status = status
        self.message = message
        self.code = code
        super().__init__(message)


class CloudflareWorld:
    """One account. Acts take keywords only; ``by`` is an e-mail address, ``at`` when it happened, by default now."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / "cloudflare.sqlite3")
        self.faults = Faults()
        self.clock = Clock()

    def moment(self, at: datetime | None) -> str:
        """``at`` (or this moment) as Cloudflare writes it."""
        return stamp(at or self.clock.now())

    def add_zone(self, *, name: str, by: str, at: datetime | None = None) -> Row:
        """A domain."""
        body = {"vendor_id": ident("zone", name), "name": name, "created_on": self.moment(at)}
        row = self.store.add("zone", subject=name, body=body)
        self._log(by, at, "create", "zones", "zone", row["vendor_id"], {"name": name}, zone=row, path="/zones")
        return row

    def zone(self, name: str) -> Row:
        """A zone by its name. Raises 404."""
        row = self.store.one("zone", subject=name)
        if row is None:
            raise CloudflareError(404, f"zone {name} not found", 1001)
        return row

    def set_record(
        self,
        *,
        zone: str,
        name: str,
        type: str = "A",
        content: str,
        by: str,
        comment: str = "",
        proxied: bool = False,
        ttl: int = 300,
        at: datetime | None = None,
    ) -> Row:
        """Makes a DNS record, or changes the one of this name and type."""
        parent = self.zone(zone)
        place = f"{type} {name}"
        known = self.store.one("record", place=parent["vendor_id"], subject=place)
        made = {"name": name, "type": type, "content": content, "comment": comment, "proxied": proxied, "ttl": ttl}
        row = {**(known or {"vendor_id": ident("record", zone, place), "created_on": self.moment(at)}), **made}
        row["modified_on"] = self.moment(at)
        if known:
            self.store.save(row)
        else:
            row = self.store.add("record", place=parent["vendor_id"], subject=place, body=row)
        path = f"/zones/{parent['vendor_id']}/dns_records"
        self._log(
            by, at, "update" if known else "create", "dns_records", "dns_record", row["vendor_id"], made, zone=parent, path=path
        )
        return row

    def delete_record(self, *, zone: str, name: str, type: str = "A", by: str, at: datetime | None = None) -> None:
        """Takes a DNS record away. Raises 404."""
        parent = self.zone(zone)
        row = self.store.one("record", place=parent["vendor_id"], subject=f"{type} {name}")
        if row is None:
            raise CloudflareError(404, "Record does not exist.", 81044)
        self.store.delete(row)
        told = {"name": name, "type": type}
        path = f"/zones/{parent['vendor_id']}/dns_records/{row['vendor_id']}"
        self._log(by, at, "delete", "dns_records", "dns_record", row["vendor_id"], told, zone=parent, path=path)

    def set_application(self, *, name: str, domain: str, by: str, session: str = "24h", at: datetime | None = None) -> Row:
        """Puts an application behind Access, or changes it."""
        made = {"name": name, "domain": domain, "session_duration": session}
        return self._set("app", name, made, by, at, product="access", path="access/apps")

    def set_policy(
        self,
        *,
        application: str = "",
        name: str,
        by: str,
        decision: str = "allow",
        emails: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> Row:
        """A policy of an application, or one that several may use. Raises 404 for an application that is not there."""
        app = self.store.one("app", subject=application) if application else None
        if application and app is None:
            raise CloudflareError(404, "access.api.error.not_found", 12130)
        place = app["vendor_id"] if app else ""
        made = {"name": name, "decision": decision, "emails": list(emails)}
        path = f"access/apps/{place}/policies" if place else "access/policies"
        return self._set("policy", name, made, by, at, product="access", path=path, place=place)

    def set_group(self, *, name: str, emails: tuple[str, ...], by: str, at: datetime | None = None) -> Row:
        """A group of Access."""
        return self._set("group", name, {"name": name, "emails": list(emails)}, by, at, product="access", path="access/groups")

    def add_service_token(self, *, name: str, by: str, at: datetime | None = None) -> Row:
        """A service token. Its secret stands in the audit log's copy of the answer, where a reader must leave it."""
        secret = hashlib.sha256(f"secret {name}".encode()).hexdigest()
        made = {"name": name, "client_id": f"{ident('client', name)}.access"}
        row = self.store.add(
            "service_token", subject=name, body={**made, "vendor_id": uuid("service_token", name), "created_on": self.moment(at)}
        )
        told = {**made, "client_secret": secret}
        path = f"/accounts/{ACCOUNT}/access/service_tokens"
        self._log(by, at, "create", "access", "service_token", row["vendor_id"], told, path=path)
        return row

    def add_member(self, *, email: str, role: str = "Administrator", by: str = "", at: datetime | None = None) -> Row:
        """Somebody becomes a member of the account."""
        if role not in ROLES:
            raise CloudflareError(400, f"unknown role {role!r}", 1003)
        body = {"vendor_id": ident("member", email), "user_id": ident("user", email), "email": email, "role": role}
        row = self.store.add("member", subject=email, body=body)
        told = {"name": email}
        self._log(by or email, at, "create", "members", "member", row["vendor_id"], told, path=f"/accounts/{ACCOUNT}/members")
        return row

    def remove_member(self, *, email: str, by: str, at: datetime | None = None) -> None:
        """Somebody is a member no longer. Raises 404."""
        row = self.store.one("member", subject=email)
        if row is None:
            raise CloudflareError(404, "Member not found", 1001)
        self.store.delete(row)
        self._log(by, at, "delete", "members", "member", row["vendor_id"], {"name": email}, path=f"/accounts/{ACCOUNT}/members")

    def permit(self, *, without: tuple[str, ...] = (), expires_on: str = "") -> None:
        """What the token may: everything that a reader needs, without these. ``expires_on`` as Cloudflare writes it."""
        for row in self.store.all("permission"):
            self.store.delete(row)
        self.store.add("permission", subject="token", body={"without": list(without), "expires_on": expires_on})

    def _set(
        self,
        kind: str,
        name: str,
        made: Mapping[str, Any],
        by: str,
        at: datetime | None,
        *,
        product: str,
        path: str,
        place: str = "",
    ) -> Row:
        known = self.store.one(kind, place=place, subject=name)
        row = {
            **(known or {"vendor_id": uuid(kind, place, name), "created_on": self.moment(at)}),
            **made,
            "modified_on": self.moment(at),
        }
        if known:
            self.store.save(row)
        else:
            row = self.store.add(kind, place=place, subject=name, body=row)
        told = {key: value for key, value in made.items() if key != "emails"}
        where = f"/accounts/{ACCOUNT}/{path}"
        self._log(by, at, "update" if known else "create", product, kind, row["vendor_id"], told, path=where)
        return row

    def _log(
        self,
        by: str,
        at: datetime | None,
        action: str,
        product: str,
        kind: str,
        vendor_id: str,
        told: Mapping[str, Any],
        *,
        path: str,
        zone: Row | None = None,
    ) -> None:
        when = self.moment(at)
        number = len(self.store.all("audit"))
        body = {
            "vendor_id": ident("audit", str(number), when),
            "at": when,
            "by": by,
            "action": action,
            "product": product,
            "type": kind,
            "object": vendor_id,
            "told": dict(told),
            "zone": {"id": zone["vendor_id"], "name": zone["name"]} if zone else None,
            "path": path,
        }
        self.store.add("audit", body=body)


def ident(*parts: str) -> str:
    """32 hexadecimal digits, the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]


def uuid(*parts: str) -> str:
    """The same in the form of a UUID, as Access numbers its things."""
    text = ident(*parts)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

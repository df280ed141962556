"""Who there is at the Doppler stand-in: people, groups, service accounts with tokens, roles, and who may use which project."""

import hashlib
from datetime import datetime

from portal.standins.clock import Clock
from portal.standins.store import Row, Store
from portal.standins.times import stamp


class DopplerError(Exception):
    """A refusal in Doppler's form."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


class People:
    """Mixed into the workplace, which brings ``store`` and ``clock``."""

    store: Store
    clock: Clock

    def moment(self, at: datetime | None) -> str:
        """``at`` (or this moment) as Doppler writes it."""
        return stamp(at or self.clock.now()).replace("Z", ".000Z")

    def add_user(self, *, email: str, name: str = "", access: str = "collaborator", at: datetime | None = None) -> Row:
        """Somebody joins the workplace."""
        body = {"vendor_id": uuid("user", email), "email": email, "name": name or email, "access": access}
        return self.store.add("user", subject=email, body=body | {"created_at": self.moment(at)})

    def user(self, email: str) -> Row:
        """A person. Raises 404."""
        row = self.store.one("user", subject=email)
        if row is None:
            raise DopplerError(404, f"no user {email}")
        return row

    def add_member(self, *, project: str, email: str, role: str = "collaborator", environments: tuple[str, ...] = ()) -> Row:
        """Somebody may use a project; without ``environments`` all of it."""
        return self._let_in(project, email, "workplace_user", self.user(email), role, environments)

    def remove_member(self, *, project: str, email: str) -> None:
        """Somebody may not use it any more. Raises 404."""
        row = self.store.one("member", place=project, subject=email)
        if row is None:
            raise DopplerError(404, f"no member {email}")
        self.store.delete(row)

    def add_group(
        self, *, name: str, emails: tuple[str, ...] = (), default_role: str = "no_access", at: datetime | None = None
    ) -> Row:
        """A group with these people in it."""
        body = {"vendor_id": uuid("group", name), "name": name, "default_role": default_role, "created_at": self.moment(at)}
        return self.store.add("group", subject=name, body=body | {"members": [self.user(email)["vendor_id"] for email in emails]})

    def set_group(self, *, name: str, emails: tuple[str, ...]) -> None:
        """From now on exactly these people are in a group. Raises 404."""
        self.store.save({**self._one("group", name), "members": [self.user(email)["vendor_id"] for email in emails]})

    def remove_group(self, *, name: str) -> None:
        """A group is dissolved, and what it might use is not used through it any more. Raises 404."""
        row = self._one("group", name)
        for member in self.used_by(row["vendor_id"]):
            self.store.delete(member)
        self.store.delete(row)

    def used_by(self, vendor_id: str) -> list[Row]:
        """What a person, group or service account may use itself: a record for each project."""
        projects = [row["name"] for row in self.store.all("project")]
        return [row for name in projects for row in self.store.all("member", place=name) if row["user"] == vendor_id]

    def add_group_member(self, *, project: str, group: str, role: str = "viewer", environments: tuple[str, ...] = ()) -> Row:
        """A group may use a project. Raises 404."""
        return self._let_in(project, f"group:{group}", "group", self._one("group", group), role, environments)

    def add_service_account(
        self, *, name: str, role: str = "", permissions: tuple[str, ...] = (), at: datetime | None = None
    ) -> Row:
        """A service account with a role in the workplace, or with permissions of its own."""
        body = {"vendor_id": uuid("service_account", name), "name": name, "role": role, "permissions": list(permissions)}
        return self.store.add("service_account", subject=name, body=body | {"created_at": self.moment(at)})

    def add_account_member(self, *, project: str, account: str, role: str = "viewer", environments: tuple[str, ...] = ()) -> Row:
        """A service account may use a project. Raises 404."""
        who = self._one("service_account", account)
        return self._let_in(project, f"account:{account}", "service_account", who, role, environments)

    def add_account_token(self, *, account: str, name: str, expires_at: datetime | None = None, at: datetime | None = None) -> Row:
        """A token of a service account; its key is shown once and by no list. Raises 404."""
        who = self._one("service_account", account)
        ends = self.moment(expires_at) if expires_at else None
        body = {"vendor_id": uuid("api_token", account, name), "name": name, "expires_at": ends, "created_at": self.moment(at)}
        return self.store.add("api_token", place=who["vendor_id"], subject=name, body=body)

    def add_role(self, *, identifier: str, name: str, permissions: tuple[str, ...], where: str = "project") -> Row:
        """A role of the workplace's own; ``where``: workplace or project."""
        body = {"identifier": identifier, "name": name, "permissions": list(permissions), "created_at": self.moment(None)}
        return self.store.add("role", place=where, subject=identifier, body=body)

    def _let_in(self, project: str, called: str, kind: str, who: Row, role: str, environments: tuple[str, ...]) -> Row:
        body = {"user": who["vendor_id"], "project": project, "type": kind, "role": role, "environments": list(environments)}
        return self.store.add("member", place=project, subject=called, body=body)

    def _one(self, kind: str, name: str) -> Row:
        row = self.store.one(kind, subject=name)
        if row is None:
            raise DopplerError(404, f"no {kind} {name}")
        return row


def short(*parts: str) -> str:
    """Fifteen letters and digits, the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:15]


def uuid(*parts: str) -> str:
    """A UUID, the same for the same parts."""
    text = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"

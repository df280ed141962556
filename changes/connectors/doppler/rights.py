"""Who may do what at Doppler: members, through groups or not, people of the workplace, service tokens without their keys. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from changes.connectors.doppler.payloads import ID, Project, email_of, slug, slugs
from changes.connectors.fields import Fields
from changes.entitlements.facts import Held, Right
from changes.inventory.facts import Seen

RIGHTS = {"owner": Right.ADMIN, "admin": Right.ADMIN, "collaborator": Right.WRITE, "viewer": Right.READ, "billing": Right.READ}
"""Doppler's own roles. One of a workplace's own is read (``accounts``); unread it counts as one that may change content."""
NOTHING = frozenset({"no_access", "none"})
KINDS = {"workplace_user": "person", "group": "team", "service_account": "app", "invite": "person"}


@dataclass(frozen=True)
class Group:
    """A group by its name, with (kind, id) of everybody in it."""

    name: str
    members: tuple[tuple[str, str], ...]


def service_token(found: Fields, within: str, environment_here: str) -> Seen:
    """A service token of a config: its name and what it may. Its key is shown once, to its maker, and not read here."""
    kept = {"access": found.text("access"), "expires_at": found.text("expires_at")}
    return Seen(
        kind="doppler.service_token",
        external_id=slug(found, "slug"),
        name=found.needed_text("name")[:200],
        within=within,
        environment=environment_here,
        configuration={name: value for name, value in kept.items() if value},
    )


def member(found: Fields, thing: Project, names: Mapping[str, str], roles: Mapping[str, Right]) -> list[Held]:
    """What a member may do in a project; ``names`` of accounts by id, ``roles`` of one's own by Doppler's word for them.

    None for one without access.
    """
    role = found.needed("role").needed_text("identifier", limit=ID)
    if role in NOTHING:
        return []
    account, kind = slug(found, "slug"), slug(found, "type")
    where = "" if found.flag("access_all_environments") else ", ".join(slugs(found.values.get("environments")))
    return [
        Held(
            account_id=account,
            account_name=names.get(account, account),
            account_kind=KINDS.get(kind, "app"),
            thing=f"doppler.project:{thing.name}",
            thing_name=thing.name,
            right=RIGHTS.get(role) or roles.get(role, Right.WRITE),
            through=where,
            vendor_word=role,
        )
    ]


def through_groups(
    held: Iterable[Held], thing: Project, groups: Mapping[str, Group], names: Mapping[str, str]
) -> list[Held] | None:
    """What the people of groups may do in a project, from what the groups may (``held``). None when one of them is not known."""
    given = [one for one in held if one.account_kind == "team"]
    if any(one.account_id not in groups for one in given):
        return None
    return [
        replace(
            one,
            account_id=account,
            account_name=names.get(account, account),
            account_kind=kind,
            thing=f"doppler.project_groups:{thing.name}",
            through=f"{groups[one.account_id].name} ({one.through})" if one.through else groups[one.account_id].name,
        )
        for one in given
        for kind, account in groups[one.account_id].members
    ]


def in_group(group: str, said: Group, names: Mapping[str, str]) -> list[Held]:
    """Who is in a group, as rights on the group."""
    return [
        Held(
            account_id=account,
            account_name=names.get(account, account),
            account_kind=kind,
            thing=f"doppler.group:{group}",
            thing_name=said.name,
            right=Right.READ,
            vendor_word="member",
        )
        for kind, account in said.members
    ]


def user(found: Fields, workplace: str, roles: Mapping[str, Right]) -> Held:
    """What somebody may do in the whole workplace."""
    access, inner = found.needed_text("access", limit=ID), found.needed("user")
    return Held(
        account_id=slug(found, "id"),
        account_name=email_of(inner) or inner.text("name") or "",
        thing=f"doppler.workplace:{workplace}",
        thing_name="Doppler workplace",
        right=RIGHTS.get(access) or roles.get(access, Right.WRITE),
        vendor_word=access,
    )

"""Doppler's groups, service accounts and roles: who is in what, what it may, and tokens without their keys. Pure.

Shapes: Doppler's OpenAPI description (docs/connectors/doppler.md).
"""

from changes.connectors.doppler.payloads import ID, slug
from changes.connectors.doppler.rights import KINDS, NOTHING, RIGHTS
from changes.connectors.fields import Fields, Incomplete
from changes.entitlements.facts import Held, Right
from changes.inventory.facts import Seen

NAME = 200
ADMIN = frozenset(
    {
        *("all_enclave_projects_admin", "change_request_policy_manage", "custom_roles_manage", "settings_manage", "team_manage"),
        *("service_accounts_manage", "service_account_api_tokens_manage", "service_account_identities_manage"),
        *("enclave_config_change_request_policy_manage", "enclave_project_config_service_tokens", "enclave_project_members"),
        *("enclave_project_config_trusted_ips", "enclave_project_delete", "enclave_project_webhooks"),
        "enclave_project_environment_settings_manage",
    }
)
"""Permissions that change rules, members or settings, by Doppler's names."""
READ = frozenset(
    {
        *("analytics_dashboard", "billing", "logs", "logs_audit", "service_accounts", "service_account_api_tokens"),
        *("service_account_identities", "settings", "team", "verified_domains"),
    }
)
READ_ENDS = ("_read", "_logs", "_list", "_list_all", "_referencing")
"""Permissions that only show something: these, and those that end so."""


def group(found: Fields) -> Seen:
    """A group; ``default_role`` is what it is given in a project that it is added to."""
    role = found.within("default_project_role")
    default = role.text("identifier", limit=ID) if role is not None else None
    return Seen("doppler.group", slug(found, "slug"), _name(found), configuration={"default_role": default} if default else {})


def group_members(found: Fields) -> list[tuple[str, str]]:
    """(kind, id) of everybody in a group. A group that does not say who is in it is none without anybody: ``Incomplete``."""
    if not found.has("members"):
        raise Incomplete(f"{found.path}.members is missing or unusable")
    return [(KINDS.get(slug(one, "type"), "app"), slug(one, "slug")) for one in found.items("members")]


def service_account(found: Fields) -> Seen:
    """A service account with its role in the workplace."""
    word, permissions = _role_of(found)
    kept = {"role": word, "permissions": permissions}
    configuration = {name: value for name, value in kept.items() if value}
    return Seen("doppler.service_account", slug(found, "slug"), _name(found), configuration=configuration)


def service_account_right(found: Fields, workplace: str) -> list[Held]:
    """What a service account may in the whole workplace; none for one that has projects alone. Nobody owns it by itself."""
    word, permissions = _role_of(found)
    if word in NOTHING or not word:
        return []
    return [
        Held(
            account_id=slug(found, "slug"),
            account_name=_name(found),
            account_kind="app",
            thing=f"doppler.workplace_service_accounts:{workplace}",
            thing_name="Doppler workplace",
            right=RIGHTS.get(word) or right_of(permissions),
            vendor_word=word,
        )
    ]


def _role_of(found: Fields) -> tuple[str, list[str]]:
    """(word, permissions) of the role in the workplace. One that was made for this account alone is called by what it permits."""
    role = found.within("workplace_role")
    if role is None:
        return "", []
    permissions = sorted(role.texts("permissions"))
    if role.flag("is_inline_role"):
        return ", ".join(permissions), permissions
    return role.needed_text("identifier", limit=ID), permissions


def api_token(found: Fields, account: str) -> Seen:
    """A token of a service account: its name and its end. When it was last used moves by itself and is left out."""
    ends = found.moment("expires_at")
    return Seen(
        "doppler.service_account_token",
        slug(found, "slug"),
        _name(found),
        within=account,
        configuration={"expires_at": ends.isoformat()} if ends else {},
    )


def role(found: Fields, where: str) -> Seen | None:
    """A role of one's own, ``where``: workplace or project. None for one of Doppler's and one made for one account alone."""
    if not found.flag("is_custom_role") or found.flag("is_inline_role"):
        return None
    own = slug(found, "identifier")
    permissions = sorted(found.texts("permissions"))
    configuration = {"of": where, "permissions": permissions, "counts_as": right_of(permissions).value}
    return Seen("doppler.role", f"{where}/{own}", _name(found), configuration=configuration)


def right_of(permissions: list[str]) -> Right:
    """What permissions amount to, by Doppler's names; one that is not known counts as one that may change content."""
    if ADMIN.intersection(permissions):
        return Right.ADMIN
    return Right.READ if all(one in READ or one.endswith(READ_ENDS) for one in permissions) else Right.WRITE


def _name(found: Fields) -> str:
    return found.needed_text("name")[:NAME]

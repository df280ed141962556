"""Cloudflare's JSON as plain facts. Pure. Values of secrets are left behind here: what is kept is listed, key by key.

``Unreadable`` means a field has a type that Cloudflare does not document; ``Incomplete`` means something needed is missing.
Shapes: Cloudflare's OpenAPI description and the answers that its Go client is tested with (docs/connectors/cloudflare.md).
"""

import logging
from collections.abc import Mapping
from typing import Any

from changes.connectors.cloudflare.envelope import ID
from changes.connectors.fields import SMALL, Fields, Unreadable, clean_json
from changes.entitlements.facts import Held, Right
from changes.inventory.facts import Seen

SECRET_WORDS = ("secret", "password", "private_key", "token", "credential")
"""A key of a rule or of a record's data that has one of these in it is left out, unless it ends in ``_id``."""
DECISIONS = frozenset({"allow", "deny", "non_identity", "bypass"})
APP_KEYS = (
    *("type", "domain", "domain_type", "private_address", "session_duration", "allowed_idps", "auto_redirect_to_identity"),
    *("allow_authenticate_via_warp", "app_launcher_visible", "enable_binding_cookie", "http_only_cookie_attribute"),
    *("same_site_cookie_attribute", "skip_interstitial", "service_auth_401_redirect", "options_preflight_bypass", "tags"),
    *("custom_deny_url", "custom_non_identity_deny_url", "custom_pages", "allow_iframe", "path_cookie_attribute"),
)
"""What of an application is compared. Its ``saas_app`` and ``scim_config`` hold credentials and are not in the list."""
log = logging.getLogger(__name__)


def environment_of(name: str, environments: Mapping[str, str]) -> str:
    """The environment of a host name by the longest domain that is named for it; empty when none is."""
    host = name.partition("/")[0].lower().removeprefix("*.")
    fitting = [domain for domain in environments if host == domain or host.endswith(f".{domain}")]
    return environments[max(fitting, key=len)] if fitting else ""


def zone(found: Fields, environments: Mapping[str, str]) -> Seen:
    """A zone: who answers for the domain, and whether it is in force."""
    name = found.needed_text("name")
    kept = {"status": found.text("status"), "paused": found.flag("paused"), "type": found.text("type")}
    return Seen(
        kind="cloudflare.zone",
        external_id=found.needed_text("id", limit=ID),
        name=name,
        environment=environment_of(name, environments),
        configuration=_said({**kept, "name_servers": sorted(found.texts("name_servers"))}),
    )


def record(found: Fields, zone_id: str, environments: Mapping[str, str]) -> Seen:
    """A DNS record. ``data`` are the parts of records that have some (SRV, CAA)."""
    name, kind = found.needed_text("name"), found.needed_text("type")
    kept = {
        "type": kind,
        "content": found.text("content"),
        "ttl": found.number("ttl"),
        "proxied": found.flag("proxied"),
        "priority": found.number("priority"),
        "comment": found.text("comment"),
        "tags": sorted(found.texts("tags")),
        "data": scrubbed(found.values.get("data")),
        "settings": scrubbed(found.values.get("settings")),
    }
    return Seen(
        kind="cloudflare.dns_record",
        external_id=found.needed_text("id", limit=ID),
        name=f"{kind} {name}",
        environment=environment_of(name, environments),
        within=zone_id,
        configuration=_said(kept),
    )


def application(found: Fields, environments: Mapping[str, str]) -> Seen:
    """An Access application, without its credentials. The ids of its policies stand in their order."""
    own, domain = found.needed_text("id", limit=ID), found.text("domain") or ""
    policies = found.values.get("policies") or []
    if not isinstance(policies, list):
        raise Unreadable(f"{found.path}.policies is not a list")
    order = [item.get("id") if isinstance(item, Mapping) else item for item in policies if isinstance(item, Mapping | str)]
    kept = {key: scrubbed(found.values.get(key)) for key in APP_KEYS}
    return Seen(
        kind="cloudflare.access_app",
        external_id=own,
        name=found.text("name") or domain or own,  # Cloudflare asks for no name
        environment=environment_of(domain, environments),
        configuration=_said(
            {**kept, "destinations": scrubbed(found.values.get("destinations")), "policies": clean_json(value=order)}
        ),
    )


def policy(found: Fields, within: str = "", *, kind: str = "access_policy") -> Seen:
    """An Access policy of one application (``within``), or one that several may use (``kind`` is reusable_policy).

    A policy that several use keeps one id; in each of them it is another asset, with its own place in the order.
    """
    own, name, decision = found.needed_text("id", limit=ID), found.needed_text("name"), found.needed_text("decision")
    if decision not in DECISIONS:
        log.warning("Cloudflare: an Access policy has a decision that is not known: %s", decision[:40])
    kept = {
        "decision": decision,
        "precedence": found.number("precedence"),
        **_rules(found),
        "session_duration": found.text("session_duration"),
        "isolation_required": found.flag("isolation_required"),
        "approval_required": found.flag("approval_required"),
        "approval_groups": scrubbed(found.values.get("approval_groups")),
        "purpose_justification_required": found.flag("purpose_justification_required"),
        "mfa_config": scrubbed(found.values.get("mfa_config")),
    }
    return Seen(
        kind=f"cloudflare.{kind}",
        external_id=f"{within}/{own}" if within else own,
        name=name,
        within=within,
        configuration=_said(kept),
    )


def group(found: Fields) -> Seen:
    """An Access group: who is in it, by its rules."""
    return Seen(
        kind="cloudflare.access_group",
        external_id=found.needed_text("id", limit=ID),
        name=found.needed_text("name"),
        configuration=_said({**_rules(found), "is_default": scrubbed(found.values.get("is_default"))}),
    )


def service_token(found: Fields) -> Seen:
    """A service token: name, public half, how long it is good. Its secret is shown only once, to its maker."""
    kept = {"duration": found.text("duration"), "enabled": found.flag("enabled"), "client_id": found.text("client_id")}
    version = found.number("client_secret_version", largest=SMALL)
    return Seen(
        kind="cloudflare.service_token",
        external_id=found.needed_text("id", limit=ID),
        name=found.needed_text("name"),
        configuration=_said({**kept, "version": version}),
    )


def role(found: Fields) -> Seen:
    """A role of the account with what it permits."""
    return Seen(
        kind="cloudflare.role",
        external_id=found.needed_text("id", limit=ID),
        name=found.needed_text("name"),
        configuration=_said({"permissions": clean_json(value=found.values.get("permissions"))}),
    )


def member(found: Fields, account: str) -> list[Held]:
    """What a member of the account may do there: a right for each role and policy. Who has not accepted yet has none."""
    if found.text("status") not in (None, "accepted"):
        return []
    user = found.needed("user")
    email = user.text("email") or found.text("email") or ""
    named = " ".join(filter(None, (user.text("first_name"), user.text("last_name"))))
    words = [item.needed_text("name") for item in found.items("roles")]
    for item in found.items("policies"):
        words += [f"{given.needed_text('name')}" for given in item.items("permission_groups") if item.text("access") != "deny"]
    account_id = user.text("id", limit=ID) or found.needed_text("id", limit=ID)
    return [
        Held(
            account_id=account_id,
            account_name=email or named,
            thing=f"cloudflare.account:{account}",
            thing_name="Cloudflare account",
            right=right_of(word),
            through=word,
            vendor_word=word,
        )
        for word in dict.fromkeys(words)
    ]


def right_of(word: str) -> Right:
    """A role's or permission's name as one of our rights; a word that is not known counts as one that may change content."""
    lowered = word.lower()
    if "read" in lowered or "audit" in lowered or "analytics" in lowered:
        return Right.READ
    if "admin" in lowered:
        return Right.ADMIN
    return Right.WRITE


def scrubbed(value: Any) -> Any:
    """A JSON value without what is named as a secret, safe for the database. Ids of secrets' holders stay."""
    if isinstance(value, Mapping):
        return {str(key): scrubbed(inner) for key, inner in value.items() if not _is_secret(str(key), inner)}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    return clean_json(value=value)


def _is_secret(key: str, inner: Any) -> bool:
    lowered = key.lower()
    if isinstance(inner, Mapping) or lowered.endswith("_id") or isinstance(inner, bool):
        return False
    return any(word in lowered for word in SECRET_WORDS)


def _rules(found: Fields) -> dict[str, Any]:
    """Who is let in, kept out and needed: lists of Cloudflare's own rules."""
    return {name: scrubbed([item.values for item in found.items(name)]) for name in ("include", "exclude", "require")}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the vendor did not say."""
    return {name: value for name, value in values.items() if value not in (None, [], {})}

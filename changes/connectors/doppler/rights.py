"""Who may do what at Doppler: members, people of the workplace, service tokens without their keys. Pure."""

from collections.abc import Mapping

from changes.connectors.doppler.payloads import ID, Project, email_of, slug, slugs
from changes.connectors.fields import Fields
from changes.entitlements.facts import Held, Right
from changes.inventory.facts import Seen

RIGHTS = {"owner": Right.ADMIN, "admin": Right.ADMIN, "collaborator": Right.WRITE, "viewer": Right.READ, "billing": Right.READ}
NOTHING = frozenset({"no_access", "none"})
KINDS = {"workplace_user": "person", "group": "team", "service_account": "app", "invite": "person"}


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


def member(found: Fields, thing: Project, people: Mapping[str, str]) -> list[Held]:
    """What a member may do in a project; ``people`` maps ids of users to their addresses. None for one without access."""
    role = found.needed("role").needed_text("identifier", limit=ID)
    if role in NOTHING:
        return []
    account, kind = slug(found, "slug"), slug(found, "type")
    where = "" if found.flag("access_all_environments") else ", ".join(slugs(found.values.get("environments")))
    return [
        Held(
            account_id=account,
            account_name=people.get(account, account),
            account_kind=KINDS.get(kind, "app"),
            thing=f"doppler.project:{thing.name}",
            thing_name=thing.name,
            right=right_of(role),
            through=where,
            vendor_word=role,
        )
    ]


def user(found: Fields, workplace: str) -> Held:
    """What somebody may do in the whole workplace."""
    access, inner = found.needed_text("access", limit=ID), found.needed("user")
    return Held(
        account_id=slug(found, "id"),
        account_name=email_of(inner) or inner.text("name") or "",
        thing=f"doppler.workplace:{workplace}",
        thing_name="Doppler workplace",
        right=right_of(access),
        vendor_word=access,
    )


def right_of(word: str) -> Right:
    """A role as one of our rights; a role of one's own counts as one that may change content."""
    return RIGHTS.get(word, Right.WRITE)

"""Doppler and Cloudflare at Northwind Labs: a secret rotated as it should be, and a name in DNS that nobody had proposed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from changes.connectors.actions import connect_cloudflare, connect_doppler
from changes.desk.demo import keeping
from changes.desk.demo.acting import Vendors
from changes.desk.demo.people import Person, named
from changes.gates.actions import reassess
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.standins import company
from portal.standins.client import Remote

ADMINISTRATORS = ("rex", "dev")
GROUP, GROUP_MEMBERS = "Shop developers", ("ann", "bob")
PROGRAM = "Deploys from GitHub"
TOKEN_HOLDS = timedelta(days=730)
"""From the day on which it was made."""
OWN_ROLE, PERMITS = "secrets-reader", ("enclave_project_config_secrets_read", "enclave_config_logs")
HOOK_SECRET = "northwind-doppler-secret"  # noqa: S105 (of the stand-in)
ROTATION = {
    "title": f"Rotate the payment key of {company.SECRETS}/prd",
    "why": "The provider asks for a new key every six months.",
    "what": f"PAYMENT_KEY of {company.SECRETS}/prd is set to a new one in Doppler, which carries it to Fly.",
    "tested": "With the key of the test account in staging.",
    "rollback": "The old key is good for another day: set it again.",
    "category": "standard",
    "size": "normal",
    "kind": "secrets",
}


def set_up(vendors: Vendors, *, persons: Sequence[Person], at: datetime) -> None:
    """What both hold before anybody watches."""
    rex, zone, project = "rex@northwind.example", company.ZONE, company.SECRETS
    vendors.act("cloudflare/zone", "cloudflare/add_zone", name=zone, by=rex, at=at)
    for name, content in (("www", "198.51.100.10"), ("api", "198.51.100.11"), ("staging", "198.51.100.20")):
        record = {"zone": zone, "name": f"{name}.{zone}", "content": content, "by": rex}
        vendors.act(f"cloudflare/{name}", "cloudflare/set_record", at=at, **record)
    admin = {"name": "Back office", "domain": f"office.{zone}", "by": rex}
    vendors.act("cloudflare/app", "cloudflare/set_application", at=at, **admin)
    everybody = [person.email for person in persons]
    policy = {"application": "Back office", "name": "Everybody of Northwind", "emails": everybody, "by": rex}
    vendors.act("cloudflare/policy", "cloudflare/set_policy", at=at, **policy)
    for person in persons:
        access = "owner" if person.login == "rex" else "collaborator"
        vendors.act(f"doppler/{person.login}", "doppler/add_user", email=person.email, name=person.name, access=access, at=at)
    vendors.act("doppler/project", "doppler/add_project", name=project, by=rex, at=at)
    for login in ADMINISTRATORS:
        email, role = f"{login}@northwind.example", "Administrator" if login == "rex" else "DNS"
        vendors.act(f"cloudflare/{login}", "cloudflare/add_member", email=email, role=role, by=rex, at=at)
        vendors.act(f"doppler/{login}/member", "doppler/add_member", project=project, email=email, role="admin")
    for config in ("dev", "stg", "prd"):
        values = {"DATABASE_URL": f"postgres://{config}.internal/shop", "PAYMENT_KEY": f"first-{config}"}
        secrets = {"project": project, "config": config, "values": values, "by": rex}
        vendors.act(f"doppler/{config}/secrets", "doppler/set_secrets", at=at, **secrets)
    vendors.act("doppler/sync", "doppler/add_sync", project=project, config="prd", at=at)
    _let_in_others(vendors, at=at)


def _let_in_others(vendors: Vendors, *, at: datetime) -> None:
    """Who uses the project through something else: developers as a group, and a program with a role of Northwind's own."""
    project = company.SECRETS
    members = [f"{login}@northwind.example" for login in GROUP_MEMBERS]
    vendors.act("doppler/group", "doppler/add_group", name=GROUP, emails=members, at=at)
    use = {"project": project, "group": GROUP, "role": "collaborator", "environments": ["dev", "stg"]}
    vendors.act("doppler/group/member", "doppler/add_group_member", **use)
    vendors.act("doppler/role", "doppler/add_role", identifier=OWN_ROLE, name="Reads secrets", permissions=PERMITS)
    vendors.act("doppler/program", "doppler/add_service_account", name=PROGRAM, role="no_access", at=at)
    reads = {"project": project, "account": PROGRAM, "role": OWN_ROLE, "environments": ["stg", "prd"]}
    vendors.act("doppler/program/member", "doppler/add_account_member", **reads)
    token = {"account": PROGRAM, "name": "GitHub Actions", "expires_at": at + TOKEN_HOLDS}
    vendors.act("doppler/program/token", "doppler/add_account_token", at=at, **token)


def connect(remote: Remote, *, persons: Sequence[Person], at: datetime) -> None:
    """What ``manage.py connect`` does for both; people link their accounts."""
    state = remote.state()
    doppler, cloudflare = state["doppler"], state["cloudflare"]
    connect_doppler(token=doppler["token"], secret=HOOK_SECRET, environments={}, api_url=doppler["api_url"], at=at)
    environments = {company.ZONE: "production", f"staging.{company.ZONE}": "staging"}
    connect_cloudflare(
        account=cloudflare["account"], token=cloudflare["token"], environments=environments, api_url=cloudflare["api_url"], at=at
    )
    keeping.link_consoles(accounts={"doppler": doppler["users"], "cloudflare": cloudflare["users"]}, persons=persons, at=at)


def listen(remote: Remote) -> None:
    """Doppler's webhooks begin."""
    remote.do("doppler/send_hooks_to", url=f"{settings.BASE_URL}/hooks/doppler/", secret=HOOK_SECRET)


def rotate(vendors: Vendors) -> None:
    """Four days ago Dev proposes to rotate a key, and does so in the afternoon. Once."""
    proposed = vendors.on(4, "09:10")
    if not Change.objects.filter(title=ROTATION["title"]).exists():
        reassess(change=submitting.submit(given=ROTATION, by=named("dev"), ready=True, at=proposed), at=proposed)
    values = {"PAYMENT_KEY": "second-prd"}
    secret = {"project": company.SECRETS, "config": "prd", "values": values, "by": "dev@northwind.example"}
    vendors.act("doppler/rotation", "doppler/set_secrets", at=vendors.on(4, "16:40"), **secret)


def edit_dns(vendors: Vendors) -> None:
    """Two days ago, in the evening, Rex points a name somewhere that nobody had asked for."""
    record = {"zone": company.ZONE, "name": f"status.{company.ZONE}", "content": "203.0.113.7", "by": "rex@northwind.example"}
    vendors.act("cloudflare/status", "cloudflare/set_record", at=vendors.on(2, "18:45"), **record)

"""Traps in consoles and of dates: edits that a change covers, and a meeting that is moved (P-13, P-24, P-30)."""

from random import Random
from typing import Any

from changes.desk.demo.year.crew import begin, email
from changes.desk.demo.year.ground import HOUR, Ground, Telling
from changes.desk.demo.year.registry import trap
from changes.desk.demo.year.scenarios.consoles import EDITORS, address
from changes.desk.demo.year.steps import Tale
from portal.standins import company

ARCHITECT = "dev"
"""May propose changes, and edits at Doppler and Cloudflare."""


@trap("dns-by-a-change", "Somebody points a name in DNS elsewhere, as the change says that they had proposed.")
def dns_by_a_change(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = f"{random.choice(('shop', 'help', 'jobs', 'press'))}.{company.ZONE}"
    asked: dict[str, Any] = {
        "title": f"Point {name} at the new provider",
        "what": f"The record {name} gets the address of the new provider.",
    }
    telling.deed("propose", by=ARCHITECT, at=at, kind="access", **asked)
    record: dict[str, Any] = {"zone": company.ZONE, "name": name, "content": address(random), "by": email(ARCHITECT)}
    telling.act("cloudflare/set_record", at=at + random.randrange(1, 8) * HOUR, **record)
    return telling.tale


@trap("access-by-a-change", "A policy of Access gets another member, as a change says.")
def access_by_a_change(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = random.choice(("Tax advisers", "Auditors", "Translators"))
    asked: dict[str, Any] = {
        "title": f"Let more {name.lower()} into the back office",
        "what": f"The policy {name} gets one more member.",
    }
    telling.deed("propose", by=ARCHITECT, at=at, kind="access", **asked)
    policy: dict[str, Any] = {"application": "Back office", "name": name, "emails": ["one@partner.example"], "by": email(ARCHITECT)}
    telling.act("cloudflare/set_policy", at=at + random.randrange(1, 8) * HOUR, **policy)
    return telling.tale


@trap("secret-rotated", "A production key is rotated in Doppler, as a change says.")
def secret_rotated(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    key, config = random.choice(("PAYMENT_KEY", "SIGNING_KEY", "SEARCH_KEY")), f"{company.SECRETS}/prd"
    asked: dict[str, Any] = {"title": f"Rotate {key} of {config}", "what": f"{key} of {config} is set to a new one."}
    telling.deed("propose", by=ARCHITECT, at=at, kind="secrets", **asked)
    values = {key: f"{random.getrandbits(64):x}"}
    secret: dict[str, Any] = {"project": company.SECRETS, "config": "prd", "values": values, "by": email(ARCHITECT)}
    telling.act("doppler/set_secrets", at=at + random.randrange(1, 8) * HOUR, **secret)
    return telling.tale


@trap("staging-secret", "A secret of staging is edited, for which no change is needed.")
def staging_secret(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    values = {"MAIL_PASSWORD": f"{random.getrandbits(64):x}"}
    secret: dict[str, Any] = {"project": company.SECRETS, "config": random.choice(("stg", "dev")), "values": values}
    telling.act("doppler/set_secrets", at=at, by=email(random.choice(EDITORS)), **secret)
    return telling.tale

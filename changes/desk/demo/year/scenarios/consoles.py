"""Deviations in the consoles of Doppler, Cloudflare, Slack and GitHub, and of the meeting (P-13, P-14, P-23, P-24, P-30)."""

from random import Random
from typing import Any

from changes.desk.demo.year.crew import ADMINISTRATOR, begin, email
from changes.desk.demo.year.ground import DAY, HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import scenario
from changes.desk.demo.year.steps import Given, Tale
from portal.standins import company

EDITORS = ("dev", "rex")
"""Who may edit at Doppler and Cloudflare."""


def address(random: Random) -> str:
    """An address of those kept for documents (RFC 5737)."""
    return f"203.0.113.{random.randrange(1, 250)}"


@scenario("dns-edited", "Somebody points a name in DNS at another address, and no change covers it.")
def dns_edited(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = f"{random.choice(('track', 'depot', 'partners', 'news'))}.{company.ZONE}"
    by = email(random.choice(EDITORS))
    telling.act("cloudflare/set_record", zone=company.ZONE, name=name, content=address(random), by=by, at=at)
    telling.expect("dns_edited_outside_process", name, repository="")
    return telling.tale


@scenario("access-policy-edited", "Somebody lets an outside address into the back office, and no change covers it.")
def access_policy_edited(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = random.choice(("Guests", "The agency", "Former colleagues"))
    policy: dict[str, Any] = {"application": "Back office", "name": name, "emails": ["someone@agency.example"]}
    telling.act("cloudflare/set_policy", at=at, by=email(random.choice(EDITORS)), **policy)
    telling.expect("access_edited_outside_process", name, repository="")
    return telling.tale


@scenario("secret-edited", "Somebody sets a production secret in Doppler, and no change covers it.")
def secret_edited(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = random.choice(("MAIL_PASSWORD", "MAPS_KEY", "PARCEL_TOKEN"))
    secret: dict[str, Any] = {"project": company.SECRETS, "config": "prd", "values": {name: f"{random.getrandbits(64):x}"}}
    telling.act("doppler/set_secrets", at=at, by=email(ADMINISTRATOR), **secret)
    telling.expect("secret_edited_outside_process", f"{company.SECRETS}/prd", repository="")
    return telling.tale


@scenario("log-channel-archived", "Somebody archives the Slack channel of production changes; it is back after two hours.")
def log_channel_archived(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    channel, later = company.CHANNELS[0], at + 2 * HOUR
    archived = telling.act("slack/change_channel", at=at, timed=False, channel=channel, archived=True)
    telling.look(at=at + 5 * MINUTE)
    telling.act("slack/change_channel", at=later, timed=False, channel=channel, archived=False)
    telling.look(at=later + 5 * MINUTE)
    telling.expect("log_channel_down", Given(archived, "channel_id"), repository="")
    return telling.tale


@scenario("repository-out-of-sight", "The portal's access to a repository is taken away over night.", days=2)
def repository_out_of_sight(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    gone = [{"fault": "404", "path": f"^/repos/{ground.repository}$"}]
    telling.github("faults", at=at + 8 * HOUR, timed=False, rules=gone)
    telling.github("faults", at=ground.at("05:30", day=1), timed=False, rules=[])
    telling.expect("repository_unreadable", ground.repository)
    return telling.tale


@scenario("meeting-missed", "An architecture meeting is not held; the chair says why on the next day.", meeting=True)
def meeting_missed(random: Random, ground: Ground) -> Tale:
    telling = Telling(ground)
    assert ground.meets_at is not None  # it asked for a meeting
    after = ground.meets_at + DAY
    reason = random.choice(("Half of the team was ill.", "Two trains did not run.", "The room and the call were both taken."))
    telling.look(at=after)
    telling.deed("explain_missed", by="cleo", at=after + HOUR, number=ground.meeting, reason=reason)
    telling.expect("meeting_missed", str(ground.meeting), repository="", explained="")
    return telling.tale

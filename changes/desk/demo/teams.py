"""A team at GitHub: who reads the shop's code through it, and how one more came in, as it had been proposed."""

from datetime import datetime

from changes.desk.demo.acting import MINUTE, Vendors
from changes.desk.demo.expected import WEB
from changes.desk.demo.people import PEOPLE, named
from changes.gates.actions import reassess
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.access.identities import link_identity
from portal.access.people import actor_of

TEAM = {"org": WEB.partition("/")[0], "name": "Architects", "by": "dev", "repositories": {WEB: "pull"}}
MEMBERS = {"dev": "maintainer", "cleo": "member"}
NEW = next(person for person in PEOPLE if person.login == "eli")
PROPOSAL = {
    "title": f"Let {NEW.name} read the code of the shop",
    "why": "He votes on changes whose code he cannot read.",
    "what": f"{NEW.login} comes into the team {TEAM['name']} at GitHub, which may read {WEB}.",
    "tested": "A team gives what it gives; there is nothing to try.",
    "rollback": "Take him out of the team again.",
    "category": "standard",
    "size": "normal",
    "kind": "access",
}


def set_up(vendors: Vendors, *, at: datetime) -> None:
    """The team with its members and its repository, before anybody watches."""
    vendors.github("team/made", "set_team", members=MEMBERS, at=at, **TEAM)


def let_in(vendors: Vendors) -> None:
    """Two days ago Dev, who looks after the team, proposes that Eli comes into it, and puts him in. Eli links his account. Once."""
    proposed = vendors.on(2, "09:45")
    if not Change.objects.filter(title=PROPOSAL["title"]).exists():
        reassess(change=submitting.submit(given=PROPOSAL, by=named("dev"), ready=True, at=proposed), at=proposed)
    vendors.github("team/eli", "set_team", members={**MEMBERS, NEW.login: "member"}, at=proposed + 35 * MINUTE, **TEAM)
    user = named(NEW.login)
    linked = proposed + 40 * MINUTE
    link_identity(user=user, provider="github", uid=str(NEW.uid), login=NEW.login, by=actor_of(user), at=linked)

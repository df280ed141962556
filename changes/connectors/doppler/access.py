"""Who else may reach a Doppler workplace: roles of its own, service accounts with their tokens, groups with their people (P-23).

Doppler may refuse each list by itself (by the token's role, or by the plan): that list is named as missing, what was read of it
before stays, and all else is read. The token has already been answered when this is asked, so a 401 is one of that kind too.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from changes.connectors.doppler import accounts, rights
from changes.connectors.doppler.payloads import slug
from changes.connectors.doppler.rights import Group
from changes.connectors.doppler.run import Run, keep_in, kept_in, usable
from changes.connectors.errors import Forbidden, NotFound, Unauthorised
from changes.connectors.fields import Fields, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.turns import in_turn
from changes.entitlements.actions import take
from changes.entitlements.facts import Right
from changes.inventory.facts import Seen

EACH = timedelta(hours=1)
"""So often one group and the tokens of one service account are read, by themselves."""
FOR_OTHERS = 24
"""Requests of a run that are left for projects and configs."""
ROLES, GROUPS = "roles", "groups (team)"
ACCOUNTS, TOKENS = "service accounts (service_accounts)", "tokens of service accounts (service_account_api_tokens)"
"""What is missing, with Doppler's name of the permission where it has one."""
BESIDE_THE_LOG = frozenset({ROLES, GROUPS, ACCOUNTS, TOKENS})
"""Without these every edit is known all the same."""


def read_roles(run: Run) -> None:
    """The workplace's own roles, and those of its projects."""
    _part(run, ROLES, partial(_roles, run))


def roles_of(run: Run, where: str) -> dict[str, Right]:
    """What each of its own roles amounts to, as last read; ``where``: workplace or project."""
    known: Mapping[str, str] = kept_in(run, "roles").get(where, {})
    return {word: Right(right) for word, right in known.items()}


def _roles(run: Run) -> None:
    found = {"workplace": run.doppler.roles(), "project": run.doppler.project_roles()}
    seen = run.observe("doppler.role", filter(None, (accounts.role(row, where) for where, rows in found.items() for row in rows)))
    told: dict[str, dict[str, str]] = {where: {} for where in found}
    for one in seen:
        where, _, word = one.external_id.partition("/")
        told[where][word] = str(one.configuration["counts_as"])
    keep(source=run.source, roles=told)


def read_accounts(run: Run, workplace: str, names: dict[str, str]) -> bool:
    """Service accounts and groups; their names go into ``names``. False when some of them wait for another run."""
    names |= {one: kept["name"] for what in ("accounts", "groups") for one, kept in kept_in(run, what).items()}
    listed = _part(run, ACCOUNTS, lambda: names.update(_service_accounts(run, workplace)))
    run.groups_told = _part(run, GROUPS, lambda: names.update(_groups(run)))
    people_read = not run.groups_told or _each(run, "groups", GROUPS, partial(_members, names=names))
    tokens_read = not listed or _each(run, "accounts", TOKENS, _tokens)
    return people_read and tokens_read


def groups_of(run: Run) -> dict[str, Group]:
    """The groups whose people are known, while the token may still read them."""
    known = kept_in(run, "groups").items() if run.groups_told else ()
    return {one: Group(kept["name"], tuple((kind, who) for kind, who in kept["members"])) for one, kept in known if "at" in kept}


def _service_accounts(run: Run, workplace: str) -> dict[str, str]:
    rows = run.doppler.service_accounts()
    seen = run.observe("doppler.service_account", map(accounts.service_account, rows))
    held = usable("service accounts", lambda: [one for row in rows for one in accounts.service_account_right(row, workplace)])
    take(source=run.source.name, things={f"doppler.workplace_service_accounts:{workplace}"}, held=held, at=run.at)
    for gone in _present(run, "accounts", seen):
        run.observe("doppler.service_account_token", [], within=gone)
    return {one.external_id: one.name for one in seen}


def _groups(run: Run) -> dict[str, str]:
    seen = run.observe("doppler.group", map(accounts.group, run.doppler.groups()))
    for gone in _present(run, "groups", seen):
        take(source=run.source.name, things={f"doppler.group:{gone}"}, held=[], at=run.at)
    return {one.external_id: one.name for one in seen}


def _present(run: Run, what: str, seen: Iterable[Seen]) -> list[str]:
    """Remember these, with what is known of each; returns those that are gone."""
    known = kept_in(run, what)
    here: dict[str, Any] = {one.external_id: {**known.get(one.external_id, {}), "name": one.name} for one in seen}
    keep(source=run.source, **{what: here})
    return sorted(known.keys() - here.keys())


def _each(run: Run, what: str, permission: str, read: Callable[[Run, str], None]) -> bool:
    """Read those that are due one by one, as long as the run may ask; True when nothing is left over."""
    last = {one: str(kept.get("at", "")) for one, kept in kept_in(run, what).items()}
    for one in in_turn(names=last, read=last, at=run.at, every=EACH):
        if not run.doppler.allowance.goes_on(more=FOR_OTHERS):
            return False
        _part(run, permission, partial(_unless_gone, partial(read, run, one)))
    return True


def _tokens(run: Run, account: str) -> None:
    rows = run.doppler.service_account_tokens(vendor_id=account)
    run.observe("doppler.service_account_token", (accounts.api_token(row, account) for row in rows), within=account)
    keep_in(run, "accounts", account, {**kept_in(run, "accounts")[account], "at": run.at.isoformat()})


def _members(run: Run, group: str, names: Mapping[str, str]) -> None:
    found = run.doppler.group(vendor_id=group)
    kept = kept_in(run, "groups")[group]
    said = usable("people of a group", partial(_said, found, group, str(kept["name"])))
    take(source=run.source.name, things={f"doppler.group:{group}"}, held=rights.in_group(group, said, names), at=run.at)
    keep_in(run, "groups", group, {**kept, "members": said.members, "at": run.at.isoformat()})


def _said(found: Fields, group: str, name: str) -> Group:
    if slug(found, "slug") != group:
        raise Unreadable("it is another group than the one that was asked for")
    return Group(name, tuple(accounts.group_members(found)))


def _part(run: Run, permission: str, act: Callable[[], object]) -> bool:
    """One part, as ``Run.part``. What Doppler hides from this token, or does not have on this plan, is missing too."""
    return run.part(permission, partial(_hidden, act))


def _hidden(act: Callable[[], object]) -> None:
    try:
        act()
    except (Unauthorised, NotFound) as wrong:
        raise Forbidden(wrong.reason) from None


def _unless_gone(act: Callable[[], object]) -> None:
    """One of a list may go while the list is read; the next list says so."""
    with suppress(NotFound):
        act()

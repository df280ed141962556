"""Teams, and who belongs to an organisation, as deliveries tell of them: what gives somebody (more) access, and where. Pure.

Shapes: GitHub's webhooks ``team``, ``membership`` and ``organization`` of 2022-11-28. What a delivery cannot show to be harmless
gives access; what being a plain member of an organisation gives is set there, told by no delivery, and read with the access.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from changes.connectors.fields import Fields
from changes.connectors.github import objects

LEVELS = ("pull", "triage", "push", "maintain", "admin")
"""GitHub's levels, the least first."""
MEMBER, OWNER = "member", "admin"
"""Roles in an organisation."""


@dataclass(frozen=True)
class Given:
    """What was given to whom. ``reasons``: why it gives (more) access; empty when it gives none."""

    subject: str
    reasons: tuple[str, ...]
    detail: Mapping[str, Any]
    teams: tuple[int, ...] | None = None
    """The team and the one that it belongs to; None where it is about the whole organisation."""


def of_team(*, body: Fields, action: str) -> Given:
    """A team, and its access to a repository where the delivery names one."""
    team = body.needed("team")
    reasons: tuple[str, ...] = ()
    if body.has("repository") and action in ("added_to_repository", "created"):
        reasons = (f"the team was given access{_level_in_words(team)}",)
    elif action == "edited":
        reasons = _raised(body)
    return Given(f"team {_name(team)}", reasons, {"team": _told(team), "changes": _values(body.within("changes"))}, _numbers(team))


def of_membership(*, body: Fields, action: str) -> Given:
    """Somebody was put into a team, or taken out of it."""
    team = body.needed("team")
    uid, login, is_bot = objects.account(holder=body, name="member")
    through = through_team(name=_name(team))
    reasons = () if action == "removed" else (f"access was given {through}",)
    if action not in ("added", "removed"):
        reasons = (f"the action {action!r} is not known",)
    detail = {"uid": uid, "is_bot": is_bot, "team": _told(team), "through": through}
    return Given(login or "unknown account", reasons, detail, _numbers(team))


def of_belonging(*, body: Fields, action: str, organisation: str) -> Given:
    """Somebody belongs to an organisation from now on, or no longer: an owner may do everything in every repository."""
    membership = body.needed("membership")
    uid, login, is_bot = objects.account(holder=membership, name="user")
    role = membership.text("role", limit=objects.LOGIN)
    reasons: tuple[str, ...] = ()
    detail: dict[str, Any] = {"uid": uid, "is_bot": is_bot, "organisation": organisation, "role": role}
    if action == "member_added" and role != MEMBER:
        reasons, more = by_role(role=role, organisation=organisation)
        detail |= more
    return Given(login or "unknown account", reasons, detail)


def through_team(*, name: str) -> str:
    """How somebody in a team has what it may, in words."""
    return f"through the team {name}"


def by_role(*, role: str | None, organisation: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """(reasons, detail) of a role in an organisation that is not a plain member's: why it gives access, how it is had, and whether
    to everything there (``everywhere``)."""
    if role == OWNER:
        return ("an owner of the organisation may do everything",), {
            "through": f"as an owner of {organisation}",
            "everywhere": True,
        }
    return (f"the role {role!r} is not known",), {"through": f"in the organisation {organisation}"}


def organisation_of(*, body: Fields) -> str:
    """The login of the organisation that a delivery comes from."""
    return body.needed("organization").needed_text("login", limit=objects.LOGIN)


def former_of(*, body: Fields) -> str | None:
    """The login that an organisation had before it was renamed (``changes.login.from``)."""
    changes = body.within("changes")
    login = changes.within("login") if changes is not None else None
    return login.text("from", limit=objects.LOGIN) if login is not None else None


def _name(team: Fields) -> str:
    return team.needed_text("name", limit=objects.LOGIN)


def _numbers(team: Fields) -> tuple[int, ...]:
    above = team.within("parent")
    return (team.needed_number("id"), *([above.needed_number("id")] if above is not None else []))


def _told(team: Fields) -> dict[str, Any]:
    return {"id": team.needed_number("id"), "name": _name(team), "slug": team.text("slug", limit=objects.LOGIN)}


def _values(fields: Fields | None) -> Mapping[str, Any] | None:
    return fields.values if fields is not None else None


def _level_in_words(team: Fields) -> str:
    level = team.text("permission", limit=objects.LOGIN)
    return f" ({level})" if level else ""


def _raised(body: Fields) -> tuple[str, ...]:
    """Why the edit of a team gives it more on a repository: ``changes.repository.permissions.from`` against what it has now."""
    changes = body.within("changes")
    edited = changes.within("repository") if changes is not None else None
    if edited is None:
        return ()
    permissions, repository = edited.within("permissions"), body.within("repository")
    before = _level(permissions.within("from") if permissions is not None else None)
    after = _level(repository.within("permissions") if repository is not None else None)
    if before == len(LEVELS) - 1 or (before is not None and after is not None and after <= before):
        return ()
    return (f"the team's access went from {_word(before)} to {_word(after)}",)


def _level(levels: Fields | None) -> int | None:
    """The place of the most that these levels give; None when they give none, or are not told."""
    held = [place for place, level in enumerate(LEVELS) if levels is not None and levels.flag(level)]
    return max(held, default=None)


def _word(level: int | None) -> str:
    return LEVELS[level] if level is not None else "unknown"

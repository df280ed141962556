"""What the roster comes to: how many are trained, by role and by version, and who was late. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from changes.training.facts import Due
from changes.training.queries import Member
from portal.access.roles import Role

TRAINED, DUE, GAP, LATE = "trained", "due", "gap", "late"
"""Trained and nothing to do; something to sign, and time for it; not trained and still in time; past its day."""
NO_TEAM = "In no team"
ORDER = (LATE, GAP, DUE, TRAINED)


@dataclass(frozen=True)
class Count:
    """How many of a group are trained."""

    label: str
    trained: int
    total: int


@dataclass(frozen=True)
class Team:
    """A team in numbers: how many are trained, and how many signed which version last, in the order of ``Figures.versions``."""

    label: str
    trained: int
    total: int
    versions: tuple[int, ...]

    @property
    def gaps(self) -> int:
        """How many are not trained."""
        return self.total - self.trained


@dataclass(frozen=True)
class Lateness:
    """One thing that somebody did not do by its day, up to the moment that was asked."""

    member: Member
    due: Due
    by: timedelta
    done: bool


@dataclass(frozen=True)
class Figures:
    """The roster in numbers."""

    total: int
    trained: int
    states: dict[str, int]
    roles: tuple[Count, ...]
    versions: tuple[tuple[int | None, int], ...]
    """Each last signed version (None: none) with how many, the newest first."""


def state_of(member: Member) -> str:
    """Which of the four states somebody is in."""
    standing = member.standing
    if standing.late:
        return LATE
    if not standing.current:
        return GAP
    return DUE if standing.open is not None else TRAINED


def figures_of(members: Sequence[Member]) -> Figures:
    """The numbers of a roster."""
    states = [state_of(member) for member in members]
    last = [member.last.version if member.last else None for member in members]
    known = sorted({version for version in last if version is not None}, reverse=True)
    return Figures(
        total=len(members),
        trained=_trained(members),
        states={state: states.count(state) for state in ORDER},
        roles=tuple(_role(role, members) for role in Role if any(role in member.roles for member in members)),
        versions=tuple((version, last.count(version)) for version in (*known, *([None] if None in last else []))),
    )


def _trained(members: Iterable[Member]) -> int:
    """How many signed and are current. Who never signed and is still in time may act, and is not trained."""
    return sum(member.standing.current and member.last is not None for member in members)


def _role(role: Role, members: Iterable[Member]) -> Count:
    holding = [member for member in members if role in member.roles]
    return Count(role.label, _trained(holding), len(holding))


def teams_of(
    members: Sequence[Member], teams: Mapping[str, Collection[int]], versions: Sequence[tuple[int | None, int]]
) -> list[Team]:
    """Each team with somebody of the roster, most gaps first, and whoever is in none. ``versions``: as in ``Figures``."""
    placed = {person for people in teams.values() for person in people}
    groups = [(name, [member for member in members if member.person.pk in people]) for name, people in teams.items()]
    groups.append((NO_TEAM, [member for member in members if member.person.pk not in placed]))
    found = [_team(name, group, versions) for name, group in groups if group]
    return sorted(found, key=lambda team: (team.label == NO_TEAM, -team.gaps, team.label))


def _team(name: str, group: Sequence[Member], versions: Sequence[tuple[int | None, int]]) -> Team:
    last = [member.last.version if member.last else None for member in group]
    return Team(name, _trained(group), len(group), tuple(last.count(version) for version, _ in versions))


def gaps_first(members: Iterable[Member]) -> list[Member]:
    """Who is late longest first, who is trained last; within that by name."""

    def place(member: Member) -> tuple[int, float, str, int]:
        due = member.standing.open
        moment = due.due_at.timestamp() if due is not None else 0.0
        return ORDER.index(state_of(member)), moment, member.person.name, member.person.pk

    return sorted(members, key=place)


def lateness_of(members: Iterable[Member], *, at: datetime) -> list[Lateness]:
    """Everything that was late by a moment, the longest first."""
    found = [
        Lateness(member, due, by, due.met_by(at))
        for member in members
        for due in member.dues
        if (by := due.late_by(at)) > timedelta(0)
    ]
    return sorted(found, key=lambda item: (-item.by, item.member.person.name, item.due.due_at))

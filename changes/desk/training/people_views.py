"""Everybody's training, for overseers and auditors: gaps first, by role, team and version, as of any day; reminders; CSV."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from changes.desk.columns import moment_text
from changes.desk.training.holders import teams_at
from changes.training import figures, queries, reminding
from changes.training.figures import LATE, ORDER, state_of
from changes.training.models import Course
from changes.training.policy import why_of
from changes.training.queries import Member
from portal.access.guards import requires
from portal.access.learning import let_learn
from portal.access.may import may
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.numbers import number_in, numbers_in
from portal.policy.clocks import day_of, end_of
from portal.spreadsheet import answer_with_table
from portal.ui.clock import time_of

Teams = dict[str, frozenset[int]]
NO_ROLE = "none"
"""In the address: people with access at a vendor who hold no role here."""
AT_ONCE = 50
LATE_SHOWN = 100
STATES = {
    "late": ("overdue", "Late"),
    "gap": ("waiting", "Not trained yet"),
    "due": ("due", "Due"),
    "trained": ("met", "Trained"),
}
HEAD = ("Person", "Mail", "Roles", "Teams", "Joined", "Last signed version", "Signed", "State", "Due", "Why", "Late by (days)")


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a moment, a role, a state, a team, the version signed last (0: none)."""

    at: datetime
    on: str
    role: str
    state: str
    team: str = ""
    version: str = ""

    @property
    def query(self) -> str:
        """The same as it stands in an address."""
        return urlencode({name: value for name, value in self.kept.items() if value})

    @property
    def kept(self) -> dict[str, str]:
        """The same by name."""
        return {"on": self.on, "role": self.role, "state": self.state, "team": self.team, "version": self.version}


@dataclass(frozen=True)
class Line:
    """One person on the page."""

    member: Member
    badge: str
    words: str
    askable: bool
    """Whether there is something to remind of, or to invite to."""


@requires(P.TRAINING_OVERSEE)
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """The roster as of a moment, in numbers and by name."""
    asked = _asked(request)
    everybody, teams = queries.members(at=asked.at), teams_at(asked.at)
    chosen = figures.gaps_first(_chosen(everybody, asked, teams))
    start = _start(request, len(chosen))
    late = figures.lateness_of(everybody, at=asked.at)
    course = queries.course_at(at=asked.at)
    numbers = figures.figures_of(everybody)
    context = {
        "asked": asked,
        "figures": numbers,
        "teams": figures.teams_of(everybody, teams, numbers.versions),
        "team_names": [("", "All teams"), *((name, name) for name in (*teams, figures.NO_TEAM))] if teams else [],
        "versions": [("", "All versions"), *(_choice(number) for number, _ in numbers.versions)],
        "lines": [_line(member) for member in chosen[start : start + AT_ONCE]],
        "shown": f"{start + 1} to {min(start + AT_ONCE, len(chosen))} of {len(chosen)}" if chosen else "0 of 0",
        "newer": _address(asked, start - AT_ONCE) if start else "",
        "older": _address(asked, start + AT_ONCE) if start + AT_ONCE < len(chosen) else "",
        "late": late[:LATE_SHOWN],
        "late_count": len(late),
        "roles": [
            ("", "All roles"),
            (NO_ROLE, "No role here"),
            *((str(role), role.label) for role in Role if role != Role.AUDITOR),
        ],
        "states": [("", "All"), *((state, STATES[state][1]) for state in ORDER)],
        "roleless": sum(not member.roles for member in chosen) if may(request.user, P.PERSON_INVITE) and not asked.on else 0,
        "gaps": sum(member.standing.open is not None for member in chosen),
        "may_chase": may(request.user, P.TRAINING_CHASE) and not asked.on,
        "course": course,
        "connected": queries.is_connected(at=asked.at),
        "first": Course.objects.order_by("published_at").first(),
    }
    return render(request, "changes/training/people.html", context)


@requires(P.TRAINING_CHASE)
@require_POST
def remind(request: HttpRequest) -> HttpResponse:
    """Remind whoever was ticked, or everybody of the list as it is filtered who has something to sign."""
    at = time_of(request)
    if request.POST.get("everybody"):
        listed = _chosen(queries.members(at=at), _asked(request), teams_at(at))
        chosen = {member.person.pk for member in listed if member.standing.open is not None}
    else:
        chosen = numbers_in(request.POST.getlist("person"), below=19)
    sent = reminding.ask(people=chosen, by=person_of(request), at=at)
    words = "1 person was reminded." if sent == 1 else f"{sent} people were reminded."
    left = " Nobody is reminded twice on one day, or of nothing." if sent < len(chosen) or not chosen else ""
    messages.success(request, f"{words}{left}")
    return redirect("training-people")


@requires(P.PERSON_INVITE, fresh=True)
@require_POST
def invite_to_learn(request: HttpRequest) -> HttpResponse:
    """Let whoever was ticked, or everybody of the list as it is filtered, learn and sign who has access and no role here."""
    at = time_of(request)
    listed = _chosen(queries.members(at=at), _asked(request), teams_at(at))
    if not request.POST.get("everybody"):
        ticked = set(request.POST.getlist("person"))
        listed = [member for member in listed if str(member.person.pk) in ticked]
    found = let_learn(people=[member.person for member in listed if not member.roles], by=person_of(request), at=at)
    messages.success(request, found.words)
    return redirect("training-people")


@requires(P.TRAINING_OVERSEE)
@require_GET
def people_file(request: HttpRequest) -> HttpResponse:
    """The same as a file, all rows."""
    asked = _asked(request)
    teams = teams_at(asked.at)
    rows = figures.gaps_first(_chosen(queries.members(at=asked.at), asked, teams))
    mark = [
        "Confidential: training records of Countersign",
        f"{len(rows)} rows",
        f"as of {moment_text(asked.at)} (UTC)",
        f"filter: {asked.query or 'none'}",
        f"made {moment_text(time_of(request))} (UTC) by {person_of(request).email}",
    ]
    cells = (tuple(_cells(member, teams, asked.at)) for member in rows)
    return answer_with_table(name="training.csv", mark="; ".join(mark), header=HEAD, rows=cells)


def _cells(member: Member, teams: Teams, at: datetime) -> Iterator[str]:
    due, last = member.standing.open, member.last
    yield member.person.name
    yield member.person.email
    yield ", ".join(role.label for role in member.roles)
    yield ", ".join(name for name, people in teams.items() if member.person.pk in people)
    yield moment_text(member.joined_at)
    yield str(last.version) if last else ""
    yield moment_text(last.at) if last else ""
    yield STATES[state_of(member)][1]
    yield moment_text(due.due_at) if due else ""
    yield why_of(due) if due and not member.standing.current else ""
    yield str(max((item.late_by(at).days for item in member.dues), default=0))


def _asked(request: HttpRequest) -> Asked:
    """The moment is the end of the day that is asked for, at the latest now and the end of an auditor's window."""
    now, scope = time_of(request), scope_for(request)
    latest = min(now, scope.window_to) if scope.window_to is not None else now
    given = request.GET if request.method == "GET" else request.POST
    day = day_of(given.get("on", ""))
    role, state, version = given.get("role", ""), given.get("state", ""), given.get("version", "")
    return Asked(
        at=min(latest, end_of(day)) if day else latest,
        on=day.isoformat() if day else "",
        role=role if role in {*Role, NO_ROLE} else "",
        state=state if state in ORDER else "",
        team=given.get("team", "")[:200],
        version=version if version.isdecimal() and len(version) < 6 else "",
    )


def _chosen(members: Iterable[Member], asked: Asked, teams: Teams) -> list[Member]:
    return [member for member in members if _fits(member, asked) and _in_team(member, asked.team, teams)]


def _choice(version: int | None) -> tuple[str, str]:
    return str(version or 0), f"Version {version}" if version else "None"


def _fits(member: Member, asked: Asked) -> bool:
    return (
        _has_role(member, asked.role)
        and (not asked.state or state_of(member) == asked.state)
        and (not asked.version or (member.last.version if member.last else 0) == int(asked.version))
    )


def _has_role(member: Member, role: str) -> bool:
    return not member.roles if role == NO_ROLE else not role or Role(role) in member.roles


def _in_team(member: Member, team: str, teams: Teams) -> bool:
    if team == figures.NO_TEAM:
        return not any(member.person.pk in people for people in teams.values())
    return not team or member.person.pk in teams.get(team, ())


def _start(request: HttpRequest, count: int) -> int:
    text = request.GET.get("from", "")
    start = number_in(text, below=7, otherwise=0)
    return start - start % AT_ONCE if start < count else 0


def _address(asked: Asked, start: int) -> str:
    parts = [part for part in (asked.query, f"from={start}" if start else "") if part]
    return f"/training/people/{'?' if parts else ''}{'&'.join(parts)}"


def _line(member: Member) -> Line:
    state = state_of(member)
    badge, words = STATES[state]
    due = member.standing.open
    if due is not None and state != LATE:
        words = f"{words}, by {due.due_at:%-d %b %Y}"
    return Line(member, badge, words, due is not None or not member.roles)

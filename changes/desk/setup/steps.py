"""The steps of setting up, read from where each of them stands: there is nothing to tick off, and nothing to lose."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.core.cache import cache

from changes.connectors.connecting.finishing import BACK
from changes.connectors.connecting.models import Connecting
from changes.connectors.models import Fetch, Source
from changes.connectors.wellbeing import judge
from changes.delivery.models import Repository
from changes.desk.setup.models import LeftOut
from changes.desk.setup.systems import SYSTEMS, System
from changes.forges import FORGES
from changes.meetings.queries import standing_series
from portal.access.models import Invitation, RoleGrant
from portal.access.permissions import P
from portal.access.roles import ROLES, Role
from portal.policy.in_force import version_at
from portal.policy.models import PolicyDraft
from portal.ui.remaining import left_of

State = Literal["done", "begun", "open", "broken", "left_out"]
NEEDED = (Role.ADMINISTRATOR, Role.COMPLIANCE, Role.CHAIR, Role.APPROVER)
"""Without one of these some gate can never be met."""
ENDED: dict[str, State] = {Fetch.State.DONE: "done", Fetch.State.FAILED: "broken", Fetch.State.CANCELLED: "open"}
REMEMBERED, FOR_SECONDS = "setup.missing", 60
NEXT = {"credential": "its credential", "test": "a test of the connection", "scope": "what is in scope"}


@dataclass(frozen=True)
class Step:
    """One step. ``href`` is where it is done (empty: not yet), for those who hold ``needs``; ``optional`` ones can wait."""

    code: str
    title: str
    why: str
    state: State
    sentence: str
    href: str
    act: str
    needs: P
    icon: str = "plug"
    optional: bool = False
    source: Source | None = None
    """The source of a system that can be tested, or filled back."""
    fetch: Fetch | None = None
    """How far the filling back is."""
    without: str = ""
    """What leaving it out means, where that is possible."""

    @property
    def settled(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.state in ("done", "left_out")


def steps_at(*, at: datetime) -> list[Step]:
    """Every step in its order."""
    sources = list(Source.objects.order_by("id"))
    return [_people(at), *_systems(sources, at), _back(sources, at), _meeting(), _policy(at)]


def missing(steps: Iterable[Step]) -> list[Step]:
    """What has still to be done before the portal can prove anything."""
    return [step for step in steps if not step.settled and not step.optional]


def remember(steps: Iterable[Step]) -> list[str]:
    """Keep for a minute what is missing, by title, for whoever asks on every page. Returns it."""
    titles = [step.title for step in missing(steps)]
    cache.set(REMEMBERED, titles, FOR_SECONDS)
    return titles


def missing_lately(*, at: datetime) -> list[str]:
    """Titles of what is missing, as it was known within the last minute: one query, and all of them once a minute."""
    known: list[str] | None = cache.get(REMEMBERED)
    return remember(steps_at(at=at)) if known is None else known


def _people(at: datetime) -> Step:
    held = set(RoleGrant.objects.valid(at=at).values_list("role", flat=True))
    lacking = [ROLES[role].label.lower() for role in NEEDED if role not in held]
    invited = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=at).count()
    words = f"Nobody yet: {', '.join(lacking)}." if lacking else "Every role that the gates ask for is held."
    if invited:
        words += f" {invited} {'invitation is' if invited == 1 else 'invitations are'} open."
    return Step(
        code="people",
        title="People",
        why="Whoever approves must be somebody else than whoever asks, so the roles need more than one person.",
        state="done" if not lacking else "begun" if invited or len(lacking) < len(NEEDED) - 1 else "open",
        sentence=words,
        href="/people/invite/",
        act="Invite somebody",
        needs=P.PERSON_INVITE,
        icon="users",
    )


def _systems(sources: list[Source], at: datetime) -> Iterator[Step]:
    begun = {row.kind: row for row in Connecting.objects.filter(ended_at=None).order_by("-id")}
    left = {row.system: row for row in LeftOut.objects.select_related("by")}
    for system in SYSTEMS:
        mine = [source for source in sources if source.kind in system.kinds and not source.disconnected]
        draft = next((begun[kind] for kind in system.kinds if kind in begun), None)
        state, words, href, act = _standing(system, mine, draft, left.get(system.code), at)
        yield Step(
            code=system.code,
            title=system.title,
            why=system.why,
            state=state,
            sentence=words,
            href=href,
            act=act,
            needs=P.SOURCE_MANAGE,
            source=mine[0] if mine else None,
            without=system.without if not mine else "",
        )


def _standing(
    system: System, mine: list[Source], draft: Connecting | None, left: LeftOut | None, at: datetime
) -> tuple[State, str, str, str]:
    """State, sentence, where to go on and the words for it."""
    if mine:
        return *_connected(system, mine, at), "/integrations/", "See it"
    if draft is not None:
        words = f"Begun on {draft.begun_at:%-d %b}. Next is {NEXT.get(draft.step, 'the last step')}."
        return "begun", words, f"/integrations/connect/{draft.pk}/", "Go on"
    if left is not None:
        return "left_out", f"{left.by.name} on {left.at:%-d %b %Y}: {left.reason}", "/integrations/connect/", "Connect it"
    return "open", "Not connected.", "/integrations/connect/", "Connect it"


def _connected(system: System, mine: list[Source], at: datetime) -> tuple[State, str]:
    found = [(source, *judge(source, at)) for source in mine]
    worst = next((one for state in ("broken", "stale") for one in found if one[1] == state), found[0])
    states: dict[str, State] = {"broken": "broken", "stale": "begun", "healthy": "done"}
    state, words = states[worst[1]], worst[2]
    if system.code == "git":
        many = Repository.objects.filter(in_scope_until=None).count()
        if not many:
            return "begun", "Connected, and no repository is in scope yet."
        words = f"{many} {'repository is' if many == 1 else 'repositories are'} in scope. {words}"
    return state, words


def _back(sources: list[Source], at: datetime) -> Step:
    """The first forge tells how far it is; others have the same button on the page of the integrations."""
    forge = next((source for source in sources if source.kind in FORGES and source.readable and not source.disconnected), None)
    fetch = Fetch.objects.filter(source=forge, days__gte=BACK).order_by("-id").first() if forge else None
    state: State = "open"
    words = "Nothing from before the connection is known yet." if forge else "Connect Git first."
    if fetch is not None:
        state = ENDED.get(fetch.state, "begun")
        words = f"{fetch.get_state_display()}: {fetch.done} of {fetch.total} steps, {fetch.found} things read"
        if fetch.is_open:
            left = left_of(fetch, at=at)
            words += f", {left}" if left else ""
        words += "."
    return Step(
        code="back",
        title=f"The last {BACK} days",
        why="Auditors ask about a period, and it rarely begins on the day of the set-up.",
        state=state,
        sentence=words,
        href="/integrations/" if forge else "",
        act="See it",
        needs=P.SOURCE_MANAGE,
        icon="clock",
        optional=True,
        source=forge,
        fetch=fetch,
    )


def _meeting() -> Step:
    series = standing_series()
    return Step(
        code="meeting",
        title="Architecture meeting",
        why="Large changes, waivers and the policy itself are decided there, on a date that is known before.",
        state="done" if series else "open",
        sentence=f"{series.name} is set." if series else "No series of meetings is set. The chair sets it up and gives the seats.",
        href="/meetings/" if series else "/meetings/series/new/",
        act="See it" if series else "Set the series",
        needs=P.MEETING_LEAD,
        icon="calendar-days",
    )


def _policy(at: datetime) -> Step:
    version = version_at(at)
    drafted = PolicyDraft.objects.exists()
    words = (
        f"{version} is in force."
        if version
        else "A draft is begun."
        if drafted
        else "The built-in version is in force. Bring your own as a markdown file, or change its words and numbers."
    )
    return Step(
        code="policy",
        title="Policy",
        why="The text that people sign, and the numbers that the gates use. A version of your own is decided in the meeting.",
        state="done" if version else "begun" if drafted else "open",
        sentence=words,
        href="/policy/" if version else "/policy/edit/",
        act="See it" if version else "Import or edit",
        needs=P.POLICY_DRAFT,
        icon="scroll-text",
        optional=True,
    )

"""Everything that the page of one change shows, prepared once: templates then only place it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.forms import Form

from changes.delivery.models import PullRequest, Release
from changes.desk.frozen import Frozen
from changes.desk.happening import Happening
from changes.desk.opening import checks_of, opening_of, pull_requests_of
from changes.desk.panels import PANELS
from changes.desk.panels.panel import Asked, Placed, placed
from changes.desk.timeline import happenings
from changes.exceptions.models import ExceptionRecord
from changes.gates.explain import Explanation, explanation
from changes.proposals import queries
from changes.proposals.models import Change, LinkedPullRequest, Revision
from portal.access.models import User

OPEN = ("failed", "waiting")
MERGE = 9
GOOD = ("success", "neutral", "skipped")
IN_REVIEW = ("proposed", "approved")
"""States in which people still give their word: before the merge to production."""


@dataclass(frozen=True)
class GateLine:
    """One gate as the list shows it."""

    number: int
    code: str
    name: str
    state: str
    reason: str
    clause: str
    who: str
    unconfirmed: bool
    evidence: tuple[tuple[str, str], ...]
    explain: Explanation


@dataclass(frozen=True)
class LinkedLine:
    """One pull request of the change."""

    name: str
    href: str
    title: str
    role: str
    base: str
    state: str
    checks: str
    reviews: str
    unconfirmed: bool


@dataclass(frozen=True)
class Stage:
    """One environment of the pipeline."""

    name: str
    state: str
    tone: str
    label: str
    note: str
    at: datetime | None
    unconfirmed: bool


@dataclass(frozen=True)
class ChangePage:
    """The page. ``frozen`` are the verdicts that no later evaluation replaces."""

    change: Change
    revision: Revision
    tone: str
    headline: str
    sentence: str
    gates: list[GateLine]
    linked: list[LinkedLine]
    stages: list[Stage]
    timeline: list[Happening]
    frozen: list[Frozen]
    exceptions: list[ExceptionRecord]
    staging_commit: str
    """The commit that can be signed off, while there is still something to decide."""
    panels: list[Placed]

    @property
    def top(self) -> list[Placed]:
        """Panels above everything."""
        return [panel for panel in self.panels if panel.place == "top"]

    @property
    def approval_asked(self) -> bool:
        """Whether the reader's approval is asked for."""
        return any(panel.name == "approvals" and panel.context["can"] for panel in self.panels)

    @property
    def main(self) -> list[Placed]:
        """Panels of the record."""
        return [panel for panel in self.panels if panel.place == "main"]

    @property
    def aside(self) -> list[Placed]:
        """Panels beside the gates."""
        return [panel for panel in self.panels if panel.place == "aside"]

    @property
    def open(self) -> list[GateLine]:
        """Gates that stand between the change and its next step, failed ones first."""
        near = [gate for gate in self.gates if gate.state in OPEN and gate not in self.later]
        return sorted(near, key=lambda gate: OPEN.index(gate.state))

    @property
    def later(self) -> list[GateLine]:
        """Gates whose turn comes after the merge to production."""
        if self.change.merged_at is not None:
            return []
        return [gate for gate in self.gates if gate.state == "waiting" and gate.number >= MERGE]

    @property
    def met(self) -> list[GateLine]:
        return [gate for gate in self.gates if gate.state == "met"]

    @property
    def needed(self) -> int:
        """How many gates this change has to pass; those that are not needed are left out."""
        return sum(gate.state != "not_needed" for gate in self.gates)

    @property
    def rest(self) -> list[GateLine]:
        """Not needed, or not connected."""
        return [gate for gate in self.gates if gate.state in ("not_needed", "not_connected")]


def change_page(
    *, change: Change, reader: User, at: datetime, auditor: bool = False, bound: Mapping[str, Form] | None = None
) -> ChangePage:
    """The page of ``change`` as ``reader`` sees it. The number of queries is the same for one event and for sixty.

    ``bound`` are forms of panels whose post was not accepted.
    """
    opening = opening_of(change, auditor=auditor)
    rows = pull_requests_of(change)
    releases = list(queries.releases_of(rows))
    kept: dict[str, Any] = change.assessment or {}
    return ChangePage(
        change=change,
        revision=opening.revision,
        tone=str(kept.get("tone", "neutral")),
        headline=str(kept.get("headline", "Not judged yet")),
        sentence=str(kept.get("sentence", "The gates are judged as soon as the first facts have settled.")),
        gates=[_gate(item, _addresses(rows), str(kept.get("policy", ""))) for item in kept.get("gates", [])],
        linked=_linked(rows),
        stages=_stages(releases),
        timeline=happenings(change=change, pull_requests=rows, releases=releases),
        frozen=opening.verdicts,
        exceptions=opening.exceptions,
        staging_commit=_to_sign_off(change, releases, opening.proven),
        panels=placed(
            PANELS, Asked(change, opening.revision, rows, opening.lists, reader, auditor, at, bound or {}, opening.policy)
        ),
    )


def _addresses(rows: list[PullRequest]) -> dict[str, str]:
    """Where each fact can be looked at, by its reference."""
    return {"training:": "/training/", **{f"pull_request:{row}": row.repository.pull_request_url(row.number) for row in rows}}


def _gate(item: dict[str, Any], addresses: dict[str, str], policy: str) -> GateLine:
    return GateLine(
        number=item["number"],
        code=item["code"],
        name=item["name"],
        state=item["state"],
        reason=item["reason"],
        clause=item["clause"],
        who=item["who"],
        unconfirmed=not item["confirmed"],
        evidence=tuple((piece["label"], addresses[piece["ref"]]) for piece in item["evidence"] if piece["ref"] in addresses),
        explain=explanation(item, policy_version=policy),
    )


def _linked(rows: list[PullRequest]) -> list[LinkedLine]:
    return [
        LinkedLine(
            name=f"{row.repository.name} #{row.number}",
            href=row.repository.pull_request_url(row.number),
            title=row.title,
            role=LinkedPullRequest.Role(queries.part_of(row)).label,
            base=row.base_ref,
            state=row.state,
            checks=_check_words(checks_of(row)),
            reviews=_review_words(row),
            unconfirmed=row.confirmed_at is None,
        )
        for row in rows
    ]


def _check_words(checks: Iterable[dict[str, Any]]) -> str:
    latest = {check["name"]: check for check in sorted(checks, key=lambda item: (str(item["completed_at"] or ""), item["id"]))}
    done = [check for check in latest.values() if check["status"] == "completed"]
    failed = sum(check["conclusion"] not in GOOD for check in done)
    if not latest:
        return "none reported"
    words = f"{len(done) - failed} passed"
    words += f", {failed} failed" if failed else ""
    return words + (f", {len(latest) - len(done)} running" if len(latest) > len(done) else "")


def _review_words(row: PullRequest) -> str:
    latest = {
        review.login: review.state for review in sorted(row.reviews.all(), key=lambda item: (str(item.submitted_at or ""), item.pk))
    }
    approved = sum(state == "approved" for state in latest.values())
    wanted = sum(state == "changes_requested" for state in latest.values())
    words = "no approval" if not approved else "1 approval" if approved == 1 else f"{approved} approvals"
    return words + (", changes requested" if wanted else "")


def _stages(releases: list[Release]) -> list[Stage]:
    stages = []
    for environment, name in (("development", "Development"), ("staging", "Staging"), ("production", "Production")):
        last = next((row for row in reversed(releases) if row.environment == environment), None)
        if last is None:
            stages.append(Stage(name, "not_started", "neutral", "", "not released yet", None, False))
            continue
        state, tone = {"succeeded": ("met", "ok"), "failed": ("failed", "bad"), "inactive": ("met", "ok")}.get(
            last.state, ("running", "info")
        )
        label = f"v{last.version}" if last.version else last.commit_sha[:7]
        note = "went back to an earlier release" if last.rolls_back_id else Release.State(last.state).label.lower()
        stages.append(Stage(name, state, tone, label, note, last.succeeded_at or last.created_at, last.confirmed_at is None))
    return stages


def _to_sign_off(change: Change, releases: list[Release], proven: frozenset[str]) -> str:
    """The commit that a tester can sign off: the last one that runs in staging, unless somebody has done it already."""
    running = [row for row in releases if row.environment == "staging" and row.succeeded_at is not None]
    commit = running[-1].commit_sha if running else ""
    return "" if change.state not in IN_REVIEW or commit in proven else commit

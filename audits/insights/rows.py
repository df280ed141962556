"""The rows behind each of the five numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audits.insights.delivery import Delivered
from audits.insights.picture import length
from changes.delivery.models import Release
from changes.outcomes.dora import Deploy, LeadTime
from changes.proposals.models import Change


@dataclass(frozen=True)
class Row:
    """One thing that is counted: what it is, where it can be read, when it was, and what it adds."""

    name: str
    href: str
    at: datetime
    words: str


def _all(deploy: Deploy) -> bool:
    return True


WANTED: dict[str, tuple[str, Callable[[Deploy], bool]]] = {
    "deploys": ("Deploys to production", _all),
    "fail-rate": ("Deploys that failed", lambda deploy: deploy.failed),
    "recovery": ("Deploys that failed, and when they were recovered", lambda deploy: deploy.failed),
    "rework": ("Deploys that repaired something", lambda deploy: deploy.rework),
}
TITLES = {"lead-time": "Lead times of changes", **{code: title for code, (title, _) in WANTED.items()}}


def count_of(found: Delivered, code: str) -> int:
    """How many rows there are behind a number."""
    return len(found.leads) if code == "lead-time" else sum(WANTED[code][1](deploy) for deploy in found.deploys)


def rows_behind(found: Delivered, code: str, *, first: int, size: int) -> list[Row]:
    """A page of them, newest first. Two queries at most."""
    if code == "lead-time":
        return _leads(sorted(found.leads, key=lambda lead: (lead.released_at, lead.change), reverse=True)[first : first + size])
    wanted = [deploy for deploy in found.deploys if WANTED[code][1](deploy)]
    return _deploys(sorted(wanted, key=lambda deploy: (deploy.succeeded_at, deploy.release), reverse=True)[first : first + size])


def _leads(leads: list[LeadTime]) -> list[Row]:
    titles = dict(Change.objects.filter(number__in=[lead.change for lead in leads]).values_list("number", "title"))
    return [
        Row(f"CHG-{lead.change} {titles.get(lead.change, '')}", f"/changes/{lead.change}/", lead.released_at, length(lead.took))
        for lead in leads
    ]


def _deploys(deploys: list[Deploy]) -> list[Row]:
    rows = Release.objects.select_related("repository").in_bulk([deploy.release for deploy in deploys])
    return [_deploy(deploy, rows[deploy.release]) for deploy in deploys]


def _deploy(deploy: Deploy, row: Release) -> Row:
    said = [word for word, true in (("emergency", deploy.emergency), ("failed", deploy.failed), ("rework", deploy.rework)) if true]
    if deploy.recovered_at is not None:
        said.append(f"recovered after {length(deploy.recovered_at - deploy.succeeded_at)}")
    elif deploy.failed:
        said.append("not recovered yet")
    name = f"{row} of {row.repository.name}" if row.repository else str(row)
    return Row(name, f"/deploys/{row.pk}/", deploy.succeeded_at, ", ".join(said) or "went well")

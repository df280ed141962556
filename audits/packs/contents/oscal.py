"""Results and open points as OSCAL 1.2.1 (https://pages.nist.gov/OSCAL/): assessment-results, and plan-of-action-and-milestones.

Ids are UUIDs of version 5 from the address of the pack, so the same pack has the same ids. Criteria and clauses are named by id;
their text is not ours.
"""

import re
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from audits.packs.contents.controlled import Controlled
from audits.packs.contents.work import Work, portal
from audits.populations.facts import moment

VERSION = "1.2.1"
NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
STATES = {"passed": "satisfied", "deviations": "not-satisfied", "unknown": "not-satisfied", "never_operated": "not-satisfied"}
WORDS = {
    "passed": "Every member of the population did as the clause asks.",
    "deviations": "Members of the population deviated.",
    "unknown": "Something could not be read or judged, so nothing is proved.",
    "never_operated": "The population is empty: the control had nothing to look at and proves nothing.",
}


def put_oscal(work: Work, controls: Sequence[Controlled]) -> None:
    """Both files; the plan only where there is something in it, for OSCAL has no empty one."""
    if controls:
        work.archive.put_json("oscal/assessment-results.json", {"assessment-results": results(work, controls)})
    items = [*_from_controls(work, controls), *_from_findings(work)]
    if items:
        work.archive.put_json("oscal/poam.json", {"plan-of-action-and-milestones": plan(work, items)})


def results(work: Work, controls: Sequence[Controlled]) -> dict[str, Any]:
    """One result over the engagement's window: an observation and a finding for each control."""
    ids = sorted({_token(one.control.clause.value) for one in controls})
    return {
        "uuid": _uuid(work, "assessment-results"),
        "metadata": _metadata(work, "assessment results"),
        "import-ap": {"href": portal(f"/audits/{work.engagement.pk}/")},
        "results": [
            {
                "uuid": _uuid(work, "result"),
                "title": work.engagement.name,
                "description": "Every control over its whole population, never a sample.",
                "start": moment(work.engagement.window_from),
                "end": moment(min(work.engagement.window_to, work.pack.asked_at)),
                "reviewed-controls": {"control-selections": [{"include-controls": [{"control-id": name} for name in ids]}]},
                "observations": [_observation(work, one) for one in controls],
                "findings": [_finding(work, one) for one in controls],
            }
        ],
    }


def plan(work: Work, items: list[dict[str, Any]]) -> dict[str, Any]:
    """What is open."""
    return {
        "uuid": _uuid(work, "poam"),
        "metadata": _metadata(work, "plan of action and milestones"),
        "system-id": {"identifier-type": "http://ietf.org/rfc/rfc4122", "id": str(uuid5(NAMESPACE_URL, portal("/")))},
        "poam-items": items,
    }


def _metadata(work: Work, what: str) -> dict[str, Any]:
    return {
        "title": f"{work.engagement.name}: {what}",
        "last-modified": moment(work.pack.asked_at),
        "version": str(work.pack.number),
        "oscal-version": VERSION,
        "remarks": work.mark,
    }


def _observation(work: Work, one: Controlled) -> dict[str, Any]:
    result = one.result
    counts = (
        f"{result.population} in the population, {result.deviations} deviate, {result.unknown} unknown, {result.unread} unread."
    )
    return {
        "uuid": _uuid(work, f"observation {one.control.id}"),
        "title": f"{one.control.id} {one.control.title}",
        "description": counts,
        "methods": ["TEST"],
        "collected": moment(work.pack.asked_at),
        "relevant-evidence": [{"href": f"../{one.folder}/rows.jsonl", "description": f"SHA-256 {result.digest}"}],
    }


def _finding(work: Work, one: Controlled) -> dict[str, Any]:
    outcome = one.result.outcome
    return {
        "uuid": _uuid(work, f"finding {one.control.id}"),
        "title": f"{one.control.id} {one.control.title}",
        "description": WORDS[outcome],
        "target": {
            "type": "objective-id",
            "target-id": _token(one.control.id),
            "status": {"state": STATES[outcome], "reason": "pass" if outcome == "passed" else "fail"},
        },
        "related-observations": [{"observation-uuid": _uuid(work, f"observation {one.control.id}")}],
    }


def _from_controls(work: Work, controls: Sequence[Controlled]) -> list[dict[str, Any]]:
    return [
        {
            "uuid": _uuid(work, f"item {one.control.id}"),
            "title": f"{one.control.id} {one.control.title}",
            "description": f"{WORDS[one.result.outcome]} {one.result.deviations} of {one.result.population}.",
            "related-observations": [{"observation-uuid": _uuid(work, f"observation {one.control.id}")}],
        }
        for one in controls
        if one.result.outcome in ("deviations", "unknown")
    ]


def _from_findings(work: Work) -> list[dict[str, Any]]:
    """Findings that were not closed by then, with their first words."""
    steps: dict[int, list[dict[str, Any]]] = {}
    for step in work.records.get("finding-steps", []):
        steps.setdefault(step["finding_id"], []).append(step)
    found = []
    for record in work.records.get("findings", []):
        said = sorted(steps.get(record["id"], []), key=lambda step: int(step["number"]))
        if not said or said[-1]["state"] != "closed":
            title = f"Finding {record['number']}: {record['title']}"
            description = said[0]["text"] if said else title
            found.append({"uuid": _uuid(work, f"item {record['row']}"), "title": title, "description": description})
    return found


def _uuid(work: Work, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{portal(f'/audits/{work.engagement.pk}/packs/{work.pack.number}/')}#{name}"))


def _token(text: str) -> str:
    token = NO_TOKEN.sub("-", text)
    return token if token[:1].isalpha() else f"id-{token}"

"""What the made-up records look like: the judged gates of a change, and the body of a delivery. Pure."""

import json
import random
from typing import Any

GATES: tuple[tuple[str, str, str, str], ...] = (
    ("proposal", "Proposal", "P-10", "Why, what and how to undo it are written down in revision 1."),
    ("decision", "Decision", "P-11", "The record of decisions is not connected; a normal change needs none."),
    ("pull_request", "Pull request", "P-12", "Work reached main through a pull request from a branch of the same repository."),
    ("review", "Review", "P-13", "Approved on the last commit by somebody who wrote none of it."),
    ("ci", "CI", "P-14", "4 of 4 required checks passed on the commit that was merged."),
    ("rollback", "Rollback plan", "P-15", "The plan to undo it is 2 sentences long and names the release to go back to."),
    ("staging", "Staging", "P-16", "Ran in staging for 3 h before the merge and was signed off there."),
    ("approval", "Approval", "P-17", "Approved for production on this revision and this commit by an approver."),
    ("merge", "Merge", "P-18", "Merged to production after the approval, with the commit that was approved."),
    ("release", "Release", "P-19", "The commit is in production since the release after its merge."),
    ("log", "Slack log", "P-20", "Slack is not connected, so the entry in the channel cannot be seen."),
    ("review_after", "Review after", "P-22", "A standard change needs no review afterwards."),
)
STATES = {"m": "met", "w": "waiting", "f": "failed", "n": "not_needed", "c": "not_connected"}
DONE, BLOCKED, READY = "mcmmmmmmmmcn", "mcmmfmwwwwcn", "mcmmmmmwwwcn"
"""Letters of a change in production, of one that a failed check holds up, and of one that waits for its approval."""


def gates(letters: str) -> list[dict[str, Any]]:
    """Twelve judged gates as the portal keeps them."""
    return [
        {
            "number": number,
            "code": code,
            "name": name,
            "state": STATES[letter],
            "reason": reason,
            "clause": clause,
            "who": "An approver who took no part in it" if letter == "w" else "",
            "confirmed": True,
            "doubt": "",
            "evidence": [],
        }
        for number, (letter, (code, name, clause, reason)) in enumerate(zip(letters, GATES, strict=True), start=1)
    ]


def assessment(letters: str) -> str:
    """The judgement of a change as JSON text."""
    tone, headline = ("ok", "Every gate that can be judged is met.") if "w" not in letters else ("warn", "Not ready: 3 open.")
    kept = {"tone": tone, "headline": headline, "sentence": "Not connected: decision and log.", "gates": gates(letters)}
    return json.dumps(kept)


def delivery(size: int = 24 * 1024) -> bytes:
    """A body like GitHub's ``pull_request``: addresses that repeat, ids and digests that do not. The same every time."""
    chance = random.Random(24)  # noqa: S311  # made-up text, no secret
    parts: list[dict[str, str]] = []
    while len(body := json.dumps({"action": "synchronize", "number": 17, "parts": parts}).encode()) < size:
        sha = f"{chance.getrandbits(160):040x}"
        parts.append(
            {
                "node_id": f"PR_{chance.getrandbits(64):016x}",
                "url": f"https://api.github.com/repos/northwind/web/commits/{sha}",
                "comments_url": f"https://api.github.com/repos/northwind/web/commits/{sha}/comments",
                "message": " ".join(chance.choice(WORDS) for _ in range(9)),
            }
        )
    return body[:size]


WORDS = ("memory", "retry", "login", "queue", "index", "export", "cache", "header", "token", "sync", "quota", "report")
VERBS = ("Raise", "Fix", "Remove", "Split", "Cache", "Rename", "Tighten", "Log", "Retry", "Document")

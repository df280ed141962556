"""What the gallery shows: one example of each component in each state. Made-up words of the demo company."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.safestring import SafeString

from portal.ui.components.gates import GATES
from portal.ui.components.status import BADGES, STATES, badge
from portal.ui.markdown import render

STRIPS = (
    ("All met", "mnmmmmmmmmmm"),
    ("Waiting for approval", "mnmmmmmw----"),
    ("CI failed", "mmmmfmw-----"),
    ("Slack is not connected", "mnmmmmmmmmcw"),
    ("Draft", "w-----------"),
    ("Undeclared release", "fnffwfffmmcw"),
)
MARKDOWN = """Two queues, `small` and `large`.

- routing by row count, read from `QUEUE_SPLIT_ROWS`
- [runbook](https://northwind.example/runbook)

<b onclick="alert(1)">HTML is text</b> ![no picture](https://northwind.example/x.png)
"""
TRICK = "invoice\u202egnp.exe for \u200bNorthwind"


@dataclass(frozen=True)
class Specimen:
    """A row of a component: anything that its template reads."""

    name: str = ""
    state: str = ""
    reason: str = ""
    clause: str = ""
    who: str = ""
    next_step: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    unconfirmed: bool = False
    at: datetime | None = None
    text: str = ""
    icon: str = ""
    tone: str = ""
    sub: str = ""
    body: SafeString | str = ""
    label: str = ""
    note: str = ""
    href: str = ""


class Sample(forms.Form):
    """A form with one field of each kind."""

    title = forms.CharField(help_text="One line, as it will stand in the ledger.")
    rollback = forms.CharField(label="How do we undo it?", widget=forms.Textarea(attrs={"rows": 3}))
    kind = forms.ChoiceField(choices=[("application", "Application"), ("database", "Database")])
    stored = forms.ChoiceField(
        label="Does it touch stored data?",
        widget=forms.RadioSelect,
        choices=[("no", "No"), ("shape", "Yes, new columns"), ("rows", "Yes, rewrites rows")],
        required=False,
    )
    read = forms.BooleanField(label="I read the proposal and the rollback plan", required=False)


def gates() -> list[Specimen]:
    """A gate in each state."""
    reasons = {
        "met": ("Bob Adeyemi approved revision 2 on commit 4be19d2.", ""),
        "waiting": ("One approval is needed from somebody who did not contribute.", "You can give it."),
        "failed": ("2 of 14 required checks failed on the merged commit.", "Ann Okafor can push a fix."),
        "not_needed": ("The change is not large, so no meeting decides it.", ""),
        "not_connected": ("Slack is not connected yet, so the log message cannot be found.", ""),
        "not_started": ("Opens after the merge to prod.", ""),
        "running": ("11 of 14 checks finished, none failed.", ""),
    }
    return [
        Specimen(
            name=name,
            state=state,
            reason=reasons[state][0],
            clause=f"P-{number:02}",
            next_step=reasons[state][1],
            unconfirmed=state == "running",
            evidence=(("PR 911", "/help/"),) if state == "met" else (),
        )
        for number, (name, state) in enumerate(zip(GATES, STATES, strict=False), start=1)
    ]


def entries(at: datetime) -> list[Specimen]:
    """A timeline with each kind of entry."""
    return [
        Specimen(text="commented", icon="message-square", at=at - timedelta(minutes=4), who="Dev Anand", body=render(MARKDOWN)),
        Specimen(text="approved revision 2 for production", icon="stamp", tone="ok", at=at - timedelta(hours=2), who="Bob Adeyemi"),
        Specimen(
            text="reported 2 failed checks",
            icon="circle-x",
            tone="bad",
            at=at - timedelta(hours=5),
            who="GitHub",
            unconfirmed=True,
            sub="build and integration, commit 4be19d2",
        ),
        Specimen(
            text="opened PR 911, queue split to main",
            icon="git-pull-request",
            at=at - timedelta(days=3),
            who="Ann Okafor",
            sub="3 commits, 6 files",
        ),
    ]


def everything(*, at: datetime) -> dict[str, Any]:
    """The gallery's template variables."""
    wrong = Sample({"title": "", "kind": "application"}, auto_id="id_wrong_%s")
    wrong.is_valid()
    return {
        "badges": list(BADGES),
        "states": list(STATES),
        "strips": STRIPS,
        "gates": gates(),
        "entries": entries(at),
        "stages": [
            Specimen(name="Development", state="met", tone="ok", label="v341", note="on each push", at=at - timedelta(minutes=25)),
            Specimen(
                name="Staging",
                state="met",
                tone="ok",
                label="v212",
                note="merge to main",
                at=at - timedelta(hours=21),
                unconfirmed=True,
            ),
            Specimen(name="Production", state="not_started", tone="todo", label="v208", note="waits for the merge to prod"),
        ],
        "moments": [
            at - timedelta(seconds=8),
            at - timedelta(minutes=4),
            at - timedelta(days=2),
            at - timedelta(days=200),
            at + timedelta(hours=6),
            None,
        ],
        "form": Sample(initial={"title": "Split the worker queue"}),
        "wrong": wrong,
        "wrong_problems": [("id_wrong_title", "Write a title"), ("id_wrong_rollback", "Write how to undo this change")],
        "facts_extra": badge("verified"),
        "options": [("", "All"), ("standard", "Standard"), ("emergency", "Emergency")],
        "views": [("/gallery/", "Open"), ("/gallery/?view=all", "All")],
        "pairs": [("Repository", "northwind/web"), ("Commit", "4be19d2c"), ("Left out", "")],
        "numbers": [3, 5, 4, 8, 7, 9, 12],
        "trick": TRICK,
        "markdown": MARKDOWN,
        "commit": "4be19d2c07d5aa81c0fe9c1fe07a1880aa2f41c0",
    }

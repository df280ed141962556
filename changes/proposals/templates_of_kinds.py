"""What a proposal of each kind should say: headings to begin with, and a hint beside each section. Pure.

A template never replaces what somebody wrote: it fills sections that are empty or still hold another template's headings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Template:
    """``texts`` are headings to begin with and ``hints`` the words beside a section, both by the section's name."""

    name: str
    texts: Mapping[str, str]
    hints: Mapping[str, str] = field(default_factory=dict)


TEMPLATES: dict[str, Template] = {
    "application": Template(
        "Application",
        {
            "what": "### Behaviour that changes\n\n### Behaviour that stays\n",
            "tested": "### Automatic tests\n\n### By hand in staging\n",
            "rollback": "### Steps\n\n### How long it takes\n",
        },
        {
            "why": "What do people run into today? Link the report or the ticket.",
            "what": "What somebody using the product will notice, and what they will not.",
            "rollback": "Usually: release the version before. Say what that does to what was done in between.",
        },
    ),
    "infrastructure": Template(
        "Infrastructure",
        {
            "what": "### Apps and machines\n\n### Configuration before and after\n\n### Cost\n",
            "tested": "### In staging\n\n### What is watched during the release\n",
            "rollback": "### Steps\n\n### What the way back does not restore\n",
        },
        {
            "why": "What runs short or stands in the way today? Figures help.",
            "what": "Name the Dockerfile or TOML file, and the values before and after.",
            "rollback": "The release to go back to, and what does not come back with it: volumes, addresses, certificates.",
        },
    ),
    "database": Template(
        "Database migration",
        {
            "what": "### Tables and columns\n\n### Locks and duration\n\n### Order of code and migration\n",
            "tested": "### On a copy of production's data\n\n### How long it took there\n",
            "rollback": "### Before new rows are written\n\n### After new rows are written\n",
            "snapshot": "Snapshot id: \n\nHow to restore it: \n",
        },
        {
            "why": "What does the present shape of the data not allow?",
            "what": "Which tables, how many rows, which locks, and for how long.",
            "rollback": "Whether the version before runs on the new shape, and until when.",
            "snapshot": "A migration needs its snapshot: the id, and the commands that restore it (P-18).",
            "data_loss": "One sentence: what was written since the snapshot would be lost, and who would miss it.",
        },
    ),
    "secrets": Template(
        "Secrets",
        {
            "what": "### Names, never values\n\n### Environments\n\n### Who reads them\n",
            "tested": "### Without the old value\n",
            "rollback": "### Is the old value still valid, and until when\n\n### Steps\n",
        },
        {
            "why": "Rotation, a new service, or a leak? A leak is an emergency.",
            "what": "Names in Doppler only. Never write a value here: this text is evidence and stays.",
            "rollback": "How long the old value stays valid, and who can bring it back.",
        },
    ),
    "access": Template(
        "DNS or Zero Trust",
        {
            "what": "### Records or rules before and after\n\n### Who gains or loses access\n\n### Time to live\n",
            "tested": "### Looked up from outside\n",
            "rollback": "### Record or rule to set back\n\n### How long until it is seen everywhere\n",
        },
        {
            "why": "Who cannot reach what today, or who reaches too much?",
            "what": "Each record or rule as it is and as it will be. It is decided by the meeting (P-01).",
            "rollback": "The old record or rule, word for word, and its time to live.",
        },
    ),
    "policy": Template(
        "Policy",
        {
            "what": "### Clause before\n\n### Clause after\n",
            "tested": "### Who read it and what they asked\n",
            "rollback": "### Version to go back to\n",
        },
        {
            "why": "What happened that the present words do not cover?",
            "what": "The clause as it stands and as it should stand. The meeting decides it (P-25).",
            "rollback": "The version in force before, and what happens to what was done under the new one.",
        },
    ),
}


@dataclass(frozen=True)
class Filled:
    """``texts`` after a template was applied; ``kept`` are sections that hold somebody's words, so the template left them."""

    texts: dict[str, str]
    kept: tuple[str, ...]


def hint_for(kind: str, section: str) -> str:
    """The words beside a section for this kind; empty when the template has none."""
    template = TEMPLATES.get(kind)
    return template.hints.get(section, "") if template else ""


def is_untouched(section: str, text: str) -> bool:
    """Whether nobody wrote anything: the text is empty or the headings of a template as they were."""
    said = _lines(text)
    return not said or any(said == _lines(template.texts.get(section, "")) for template in TEMPLATES.values())


def fill(kind: str, typed: Mapping[str, str], *, over: bool = False, below: bool = False) -> Filled:
    """Apply the template of a kind to what was typed.

    Sections with somebody's words are kept, unless these ask for more: ``below`` puts the headings after the words,
    ``over`` puts them in their place.
    """
    template = TEMPLATES.get(kind)
    texts, kept = dict(typed), []
    for section, headings in (template.texts if template else {}).items():
        present = typed.get(section, "")
        if over or is_untouched(section, present):
            texts[section] = headings
        elif below and not _holds(present, headings):
            texts[section] = f"{present.rstrip()}\n\n{headings}"
        elif not _holds(present, headings):
            kept.append(section)
    return Filled(_emptied(texts, template), tuple(kept))


def _emptied(texts: dict[str, str], template: Template | None) -> dict[str, str]:
    """Headings of an earlier template for which the new one has none are taken out again."""
    ours = template.texts if template else {}
    return {section: "" if section not in ours and is_untouched(section, text) else text for section, text in texts.items()}


def _holds(text: str, headings: str) -> bool:
    """Whether every heading stands in the text already."""
    lines = set(_lines(text))
    return all(line in lines for line in _lines(headings))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]

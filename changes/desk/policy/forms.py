"""Forms of the draft: its text, one field for each parameter, and the day from which it is to hold."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from portal.policy.document import LONGEST
from portal.policy.parameters import Parameters
from portal.policy.plain import WrongParameter, names, plain, read
from portal.policy.words import WORDS
from portal.typed import KeptText, no_secret

PREFIX = "p_"


class DraftForm(forms.Form):
    """The draft as it is typed. A parameter that says what is in force is none of the draft's."""

    use_required_attribute = False

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    summary = KeptText(
        label="What changes, and why", required=False, max_length=5_000, help_text="Needed before it is sent to a meeting."
    )
    material = forms.BooleanField(
        label="Material: everybody acknowledges it anew", required=False, help_text="Leave it out only for mended wording."
    )
    text = KeptText(
        label="Text",
        max_length=LONGEST,
        strip=False,
        help_text="Markdown. Each clause begins with a heading such as “## P-01 Title”.",
        words="The policy has no text",
        rows=24,
    )

    def __init__(self, *args: Any, present: Parameters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.present = plain(present)
        for name in names():
            words = WORDS[name]
            wide = isinstance(self.present[name], list)
            widget = forms.Textarea(attrs={"rows": 3}) if wide else forms.TextInput()
            hint = "One a line." if is_lines(self.present[name]) else "As JSON." if wide else ""
            self.fields[f"{PREFIX}{name}"] = forms.CharField(
                label=words.label,
                required=False,
                widget=widget,
                help_text=f"{words.clause}. {hint}".strip(),
                strip=False,
                validators=[no_secret],
            )

    @property
    def parameters(self) -> Iterator[tuple[BoundField, bool]]:
        """The fields of the parameters, and whether each differs from what is in force."""
        for name in names():
            bound = self[f"{PREFIX}{name}"]
            yield bound, str(bound.value() or "") != typed(self.present[name])

    def clean(self) -> dict[str, Any]:
        """Each parameter is a value of its kind; the ones that differ are collected."""
        given = super().clean() or {}
        changed: dict[str, Any] = {}
        for name in names():
            if self.has_error(f"{PREFIX}{name}"):
                continue
            text = str(given.get(f"{PREFIX}{name}") or "").replace("\r\n", "\n")
            if text.strip() == typed(self.present[name]).strip():
                continue
            try:
                changed[name] = untyped(text, self.present[name])
                read(name, changed[name])
            except WrongParameter as problem:
                self.add_error(f"{PREFIX}{name}", str(problem).partition(": ")[2] or str(problem))
        given["parameters"] = changed
        return given


class SendForm(forms.Form):
    """From when it is to be in force, once a meeting adopts it."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    effective_on = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Choose the day from which it is to hold"},
        help_text="At the earliest the day of the decision; begins at midnight UTC.",
    )

    def moment(self) -> datetime:
        """Midnight UTC at which that day begins."""
        return datetime.combine(self.cleaned_data["effective_on"], time(), tzinfo=UTC)


class ImportForm(forms.Form):
    """A policy in one markdown file."""

    file = forms.FileField(label="Markdown file", error_messages={"required": "Choose a file"})


def is_lines(value: Any) -> bool:
    """Whether a value is a list of texts, which are written one a line."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def typed(value: Any) -> str:
    """A JSON value as it stands in its field."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_lines(value):
        return "\n".join(value)
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False, indent=1)


def untyped(text: str, like: Any) -> Any:
    """What somebody typed as a JSON value of the same kind as ``like``. Raises ``WrongParameter``."""
    if isinstance(like, bool):
        if text.strip().lower() not in ("yes", "no"):
            raise WrongParameter("it: write yes or no.")
        return text.strip().lower() == "yes"
    if isinstance(like, int):
        if not text.strip().isdecimal():
            raise WrongParameter("it: write a whole number.")
        return int(text[:12])
    if is_lines(like):
        return [line for line in text.split("\n") if line.strip()]
    return text if isinstance(like, str) else _json(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise WrongParameter(f"it: this is no JSON (line {problem.lineno}).") from problem


def initial_of(*, text: str, summary: str, material: bool, seen: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the form begins with; ``values`` are all parameters as JSON values."""
    fields = {f"{PREFIX}{name}": typed(value) for name, value in values.items()}
    return {"text": text, "summary": summary, "material": material, "seen": seen, **fields}

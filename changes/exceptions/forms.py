"""Forms of the register. Days are whole UTC days; the last one counts wholly."""

from typing import Any

from django import forms

from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionState
from portal.access.forms import offer
from portal.access.models import User
from portal.policy.clocks import end_of
from portal.typed import KeptText

LONGEST = 10_000


def _text(label: str, words: str, hint: str = "", rows: int = 3) -> forms.CharField:
    return KeptText(label=label, help_text=hint, max_length=LONGEST, words=words, rows=rows)


def _day(label: str, words: str, hint: str = "At most a year from today.") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, help_text=hint, widget=widget, error_messages={"required": words})


class AnswerForm(forms.Form):
    """What happened, and whether it is explained or repaired."""

    outcome = forms.ChoiceField(choices=ExceptionState.choices, widget=forms.HiddenInput)
    note = _text("What happened, and what was done", "Write in a sentence or two what happened")
    with_folded = forms.BooleanField(label="The same answer for its repetitions", required=False, initial=True)


class JudgeForm(forms.Form):
    """Agreement with an answer."""

    note = KeptText(label="Note", required=False, max_length=LONGEST)
    with_folded = forms.BooleanField(label="Also with the same answer to its repetitions", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "judge-%s"  # other forms of the page have a note as well


class HandOverForm(forms.Form):
    """Who has to answer from now on."""

    to = forms.ChoiceField(label="New owner", error_messages={"required": "Choose who answers from now on"})
    note = KeptText(label="Note", required=False, max_length=LONGEST)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "hand-%s"  # other forms of the page have a note as well
        self.people = {str(user.pk): user for user in people}
        offer(self, "to", [("", "Choose"), *((key, user.name) for key, user in self.people.items())])


class AcceptanceForm(forms.Form):
    """Why it can stay as it is, and until when."""

    until = _day("Last day", "Choose the last day of the acceptance")
    reason = _text("Why it can stay as it is", "Write why it can stay as it is until then")


class NoiseForm(forms.Form):
    """What is noise from now on."""

    what = forms.ChoiceField(
        label="Kind and field",
        choices=[(f"{kind.code}:{field}", f"{kind.label}: {field}") for kind in KINDS.values() for field in kind.noise_by],
        error_messages={"required": "Choose what the rule looks at"},
        help_text="Only what cannot hide a bypass of the policy may be filtered.",
    )
    pattern = forms.CharField(
        label="Pattern",
        max_length=200,
        help_text="The whole value has to fit; * stands for any text. For example preview-*.",
        error_messages={"required": "Write the pattern"},
    )
    reason = _text("Why this is noise", "Write in a sentence why this is noise", rows=2)
    until = _day("Last day", "Choose the last day of the rule")

    def rule(self) -> dict[str, Any]:
        """What the action is to be given."""
        given = self.cleaned_data
        kind, _, name = given["what"].partition(":")
        return {
            "kind": kind,
            "field": name,
            "pattern": given["pattern"],
            "reason": given["reason"],
            "until": end_of(given["until"]),
        }

"""Forms of training: one question, the signature, the draft of a course, whom to remind."""

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.typed import KeptText

LONGEST = 200_000


class QuestionForm(forms.Form):
    """One question. With several right choices there are boxes to tick."""

    use_required_attribute = False

    def __init__(self, *args: Any, choices: Sequence[tuple[int, str]], several: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(place), words) for place, words in choices]
        missing = {"required": "Choose an answer"}
        if several:
            self.fields["chosen"] = forms.MultipleChoiceField(
                label="Tick all that are right", choices=offered, widget=forms.CheckboxSelectMultiple, error_messages=missing
            )
        else:
            self.fields["chosen"] = forms.ChoiceField(
                label="Choose one", choices=offered, widget=forms.RadioSelect, error_messages=missing
            )

    def chosen(self) -> list[int]:
        """The places of what was chosen."""
        given = self.cleaned_data["chosen"]
        return [int(place) for place in (given if isinstance(given, list) else [given])]


class SignForm(forms.Form):
    """The statement, the typed name, and the digest of the course that was on the page."""

    use_required_attribute = False

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    agreed = forms.BooleanField(label="I agree to this statement", error_messages={"required": "Tick that you agree"})
    typed_name = forms.CharField(
        label="Your name", max_length=120, error_messages={"required": "Type your name"}, help_text="As it stands in your account."
    )


class DraftForm(forms.Form):
    """A course as it is typed. It may be unfinished; what is missing is said beside it."""

    use_required_attribute = False

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    policy_version = forms.TypedChoiceField(label="Version of the policy", coerce=int)
    title = forms.CharField(label="Title", max_length=120, required=False)
    pages = KeptText(
        label="Pages",
        max_length=LONGEST,
        required=False,
        strip=False,
        help_text="Markdown. Each page begins with a line “# Title”.",
        rows=18,
    )
    questions = KeptText(
        label="Questions",
        max_length=LONGEST,
        required=False,
        strip=False,
        help_text="A question begins with “? ”, a right choice with “+ ”, a wrong one with “- ”, the explanation with “= ”.",
        rows=14,
    )
    draw = forms.IntegerField(label="Questions in a quiz", min_value=1, max_value=50)
    pass_mark = forms.IntegerField(label="Per cent of right answers to pass", min_value=1, max_value=100)
    statement = KeptText(label="Statement to sign", max_length=2_000, required=False, rows=3)

    def __init__(self, *args: Any, versions: Sequence[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["policy_version"]
        if isinstance(field, forms.TypedChoiceField):
            field.choices = [(number, f"Version {number}") for number in versions]

"""Forms of the emergency lane: four fields to declare, one to answer."""

from collections.abc import Iterable
from uuid import uuid4

from django import forms

from changes.emergencies.policy import LONGEST
from portal.access.models import User
from portal.typed import KeptText

TOO_LONG = f"Say it in a few sentences, at most {LONGEST} characters; the rest belongs into the proposal"


def _text(label: str, *, needed: str, rows: int = 2, hint: str = "") -> forms.CharField:
    return KeptText(
        label=label, max_length=LONGEST, help_text=hint, words=needed, error_messages={"max_length": TOO_LONG}, rows=rows
    )


class DeclareForm(forms.Form):
    """What is broken, the fix, how to undo it, and who is asked for the +1."""

    use_required_attribute = False

    form_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    """The form itself, so that one sent twice declares once."""
    broken = _text("What is broken", needed="Write what is broken", hint="Its first line becomes the title.")
    fix = _text("The fix", needed="Write what the fix is", hint="In words, as a command, or the pull request: acme/web#12.")
    undo = _text("How to undo it", needed="Write how to undo the fix")
    asked = forms.ChoiceField(label="Ask for the +1", required=False, widget=forms.RadioSelect)

    def __init__(self, *args: object, people: Iterable[User], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own form arguments
        self.people = {str(person.pk): person for person in people}
        field = self.fields["asked"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Anybody who may"), *((pk, person.name) for pk, person in self.people.items())]
        self.fields["form_key"].initial = uuid4

    @property
    def asked_person(self) -> User | None:
        """Whom the valid form asks; None is anybody."""
        return self.people.get(str(self.cleaned_data.get("asked") or ""))


class ReasonForm(forms.Form):
    """Why it was done past the rules."""

    text = _text("The reason", needed="Write in a sentence or two why it was done so", rows=3)

"""Fields that the forms of an audit share. Days are whole UTC days; the last one counts wholly."""

from datetime import datetime
from typing import Any

from django import forms

from audits.engagements.links import read_links
from portal.access.forms import offer
from portal.access.models import User
from portal.policy.clocks import end_of
from portal.typed import KeptText

LONGEST = 10_000


def text_field(label: str, words: str, *, rows: int = 4, hint: str = "", required: bool = True) -> forms.CharField:
    """A longer text."""
    return KeptText(label=label, help_text=hint, required=required, max_length=LONGEST, words=words, rows=rows)


class LinksField(forms.CharField):
    """Names of records and addresses of this portal, in one line."""

    def __init__(self) -> None:
        hint = "Such as CHG-1042, C-05, or an address here that begins with a slash."
        super().__init__(label="About", required=False, max_length=2000, help_text=hint)

    def clean(self, value: Any) -> Any:
        """The links; what is none is said."""
        links, wrong = read_links(super().clean(value))
        if wrong:
            raise forms.ValidationError(f"{', '.join(wrong)[:200]} leads nowhere here. Write it like CHG-1042 or /changes/1042/")
        return links


def owner_field(label: str, words: str) -> forms.ChoiceField:
    """One of the people whom an ``OwnedForm`` is given."""
    return forms.ChoiceField(label=label, error_messages={"required": words})


def last_day(label: str) -> forms.DateField:
    """The last day on which something is in time."""
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, error_messages={"required": "Choose the last day"})


class OwnedForm(forms.Form):
    """What somebody who works here is to do until a day: has the fields ``owner``, ``due`` and ``links``."""

    def __init__(self, *args: Any, people: list[User], at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        self.people = {str(person.pk): person for person in people}
        offer(self, "owner", [("", "Choose")] + [(key, person.name) for key, person in self.people.items()])

    def clean_owner(self) -> User:
        """The person."""
        return self.people[self.cleaned_data["owner"]]

    def clean_due(self) -> datetime:
        """Midnight after the last day."""
        due = end_of(self.cleaned_data["due"])
        if due <= self.at:
            raise forms.ValidationError("That day is over. Choose a later one")
        return due

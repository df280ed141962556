"""The forms of a request. Days are whole UTC days; the last one counts wholly."""

from datetime import datetime
from typing import Any

from django import forms

from audits.engagements.fields import LinksField, text_field
from audits.requests.actions import Question
from portal.access.forms import offer
from portal.access.models import User
from portal.policy.clocks import end_of


class AskForm(forms.Form):
    """A question to somebody who works here."""

    subject = forms.CharField(label="Question", max_length=200, error_messages={"required": "Say in a line what you ask"})
    text = text_field("What you need", "Say what you need, and what for")
    owner = forms.ChoiceField(label="Who answers", error_messages={"required": "Choose who answers"})
    due = forms.DateField(
        label="Answer by", widget=forms.DateInput(attrs={"type": "date"}), error_messages={"required": "Choose the last day"}
    )
    links = LinksField()

    def __init__(self, *args: Any, people: list[User], at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        self.people = {str(person.pk): person for person in people}
        offer(self, "owner", [("", "Choose")] + [(key, person.name) for key, person in self.people.items()])

    def clean_due(self) -> datetime:
        """Midnight after the last day."""
        due = end_of(self.cleaned_data["due"])
        if due <= self.at:
            raise forms.ValidationError("That day is over. Choose a later one")
        return due

    def question(self) -> Question:
        """What the action is to be given."""
        given = self.cleaned_data
        owner = self.people[given["owner"]]
        return Question(given["subject"], given["text"], owner=owner, due_at=given["due"], links=given["links"])


class MessageForm(forms.Form):
    """The next message of a thread."""

    text = text_field("Message", "Write a sentence or two", rows=3)


class CloseForm(forms.Form):
    """The end of a thread, with a note or without."""

    text = text_field("Note", "", rows=2, required=False)

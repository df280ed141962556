"""The forms of a request."""

from django import forms

from audits.engagements.fields import LinksField, OwnedForm, last_day, owner_field, text_field
from audits.requests.actions import Question
from portal.typed import no_secret


class AskForm(OwnedForm):
    """A question to somebody who works here."""

    subject = forms.CharField(
        label="Question", max_length=200, validators=[no_secret], error_messages={"required": "Say in a line what you ask"}
    )
    text = text_field("What you need", "Say what you need, and what for")
    owner = owner_field("Who answers", "Choose who answers")
    due = last_day("Answer by")
    links = LinksField()

    def question(self) -> Question:
        """What the action is to be given."""
        given = self.cleaned_data
        return Question(given["subject"], given["text"], owner=given["owner"], due_at=given["due"], links=given["links"])


class MessageForm(forms.Form):
    """The next message of a thread."""

    text = text_field("Message", "Write a sentence or two", rows=3)


class CloseForm(forms.Form):
    """The end of a thread, with a note or without."""

    text = text_field("Note", "", rows=2, required=False)

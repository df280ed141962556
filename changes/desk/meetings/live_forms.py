"""Forms of a meeting in session and of its minutes. Days are whole UTC days; the last one counts wholly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms

from changes.approvals.conditions import Wanted
from changes.approvals.forms import ConditionForm
from changes.approvals.models import Condition
from changes.calendar.policy import NoSuchTime, moment_of
from changes.desk.calendar.forms import LocalTime, choose
from changes.desk.meetings.forms import OwnIds
from changes.meetings.live import LONGEST_NOTE
from changes.meetings.models import Decision
from changes.meetings.recording import Asked
from portal.access.models import User
from portal.typed import KeptText, no_secret

CONDITIONS, ACTIONS = 3, 2
"""Rows of one decision form; another decision or action can follow."""
LONGEST = 10_000
Outcome = Decision.Outcome
OUTCOMES = (
    (Outcome.APPROVED, "Approve"),
    (Outcome.CONDITIONAL, "Approve with conditions"),
    (Outcome.DEFERRED, "Defer"),
    (Outcome.REJECTED, "Reject"),
)


class DecisionForm(OwnIds):
    """What was decided about one point, and why."""

    prefix_of_ids = "decision"

    item = forms.IntegerField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label="What was decided?",
        choices=OUTCOMES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what was decided"},
    )
    reason = KeptText(
        label="Reason",
        help_text="Goes into the minutes and to the auditor. One or two sentences.",
        max_length=LONGEST,
        words="Write in a sentence or two why",
        rows=3,
    )


class ConditionRow(ConditionForm):
    """One condition of a decision; a row that is left empty is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["to_confirm"]
        self.fields["before"].initial = Condition.Before.MERGE
        self.fields["before"].required = False  # a page about something else than a change has no rows

    def wanted(self) -> Wanted | None:
        """The condition; None when the row was left empty."""
        self.cleaned_data |= {"to_confirm": False, "before": self.cleaned_data.get("before") or Condition.Before.MERGE}
        return super().wanted()


class ActionForm(forms.Form):
    """Something that somebody is to do by a day; a row that is left empty is nothing."""

    use_required_attribute = False

    text = forms.CharField(label="What is to be done", required=False, max_length=LONGEST, validators=[no_secret])
    owner = forms.ChoiceField(label="By whom", required=False)
    due = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Write the day as year-month-day"},
    )

    def __init__(self, *args: Any, people: dict[str, User], needed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people, self.needed = people, needed
        choose(self, "owner", [("", "Choose"), *((key, person.name) for key, person in people.items())])

    def clean(self) -> dict[str, Any]:
        """Whole or empty."""
        given = super().clean() or {}
        words = {"text": "Say what is to be done", "owner": "Choose who does it", "due": "Choose the last day"}
        if self.needed or any(given.get(name) for name in words):
            for name, missing in words.items():
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, missing)
        return given

    def asked(self) -> Asked | None:
        """What is asked for; None when the row was left empty."""
        given = self.cleaned_data
        return Asked(given["text"], self.people[given["owner"]], given["due"]) if given.get("text") else None


class DecisionForms:
    """The form of a decision with its rows, bound when there is data."""

    def __init__(self, people: Sequence[User], data: Any = None, *, item: int | None = None) -> None:
        by_key = {str(person.pk): person for person in people}
        self.main = DecisionForm(data, initial={"item": item})
        self.conditions = [ConditionRow(data, prefix=f"c{number}", people=by_key) for number in range(1, CONDITIONS + 1)]
        self.actions = [ActionForm(data, prefix=f"a{number}", people=by_key) for number in range(1, ACTIONS + 1)]

    @property
    def all(self) -> list[forms.Form]:
        """Every form of it."""
        return [self.main, *self.conditions, *self.actions]

    def is_valid(self) -> bool:
        """Whether all of it can be sent."""
        return sum(not form.is_valid() for form in self.all) == 0  # each is asked, so that each says what is wrong

    @property
    def wanted(self) -> list[Wanted]:
        """The conditions that were filled in."""
        return [wanted for wanted in (form.wanted() for form in self.conditions) if wanted is not None]

    @property
    def asked(self) -> list[Asked]:
        """The actions that were filled in."""
        return [asked for asked in (form.asked() for form in self.actions) if asked is not None]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every problem once: (id of the field or empty, words)."""
        found = [("", str(error)) for error in self.main.non_field_errors()]
        for form in self.all:
            found += [(str(bound.id_for_label or bound.auto_id), str(error)) for bound in form for error in bound.errors]
        return found

    @property
    def open(self) -> dict[str, bool]:
        """Which of the two folds has something in it."""
        return {name: any(map(_filled, getattr(self, name))) for name in ("conditions", "actions")}


def _filled(form: forms.Form) -> bool:
    return bool(form.errors) or (form.is_bound and any(form[name].value() for name in ("text", "owner", "due")))


class NoteForm(forms.Form):
    """A paragraph of the minutes with the version from which it was written."""

    item = forms.IntegerField(required=False, widget=forms.HiddenInput)
    note = forms.IntegerField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(required=False, strip=False, max_length=LONGEST_NOTE)


class CorrectionForm(OwnIds):
    """What is wrong in the minutes, and what is right."""

    prefix_of_ids = "correction"

    text = KeptText(
        label="What is wrong, and what is right", max_length=LONGEST, words="Write what is wrong, and what is right", rows=3
    )


class WrittenForm(OwnIds):
    """A vote between meetings: on what, and until when by the clocks of the series."""

    prefix_of_ids = "written"

    key = forms.ChoiceField(label="What is voted on", error_messages={"required": "Choose what is voted on"})
    closes = LocalTime(label="Open until", error_messages={"required": "Say until when", "invalid": "Write a day and a time"})

    def __init__(self, *args: Any, points: Sequence[tuple[str, str]], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.moment: datetime | None = None
        self.fields["closes"].help_text = f"From an hour to two weeks, by the clocks of {zone}."
        choose(self, "key", [("", "Choose"), *points])

    def clean_closes(self) -> datetime:
        """The moment that is meant, in UTC."""
        try:
            self.moment = moment_of(local=self.cleaned_data["closes"], zone=self.zone)
        except NoSuchTime as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return self.moment

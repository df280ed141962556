"""Forms about approvals. Days are whole UTC days; the last one counts wholly. Each field says what is wrong and what to do."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms

from changes.approvals.actions import Seen, Wanted
from changes.approvals.models import Condition, ConditionStep
from changes.proposals.models import Approval
from portal.access.forms import offer
from portal.access.models import User
from portal.policy.clocks import end_of
from portal.typed import KeptText, no_secret

LONGEST = 10_000
ROWS = 3
"""Conditions on one form; whoever wants more approves less."""


def _text(label: str, words: str, *, hint: str = "", rows: int = 2, required: bool = True) -> forms.CharField:
    return KeptText(label=label, help_text=hint, required=required, max_length=LONGEST, words=words, rows=rows)


def _day(label: str, words: str, *, hint: str = "", required: bool = True) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    messages = {"required": words, "invalid": "Write the day as year-month-day"}
    return forms.DateField(label=label, help_text=hint, required=required, widget=widget, error_messages=messages)


class ApproveForm(forms.Form):
    """A yes or a no for production, on what the page showed (``digest`` and ``head``), perhaps for somebody away."""

    verdict = forms.ChoiceField(choices=Approval.Verdict.choices, widget=forms.HiddenInput, initial=Approval.Verdict.YES)
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    head = forms.CharField(max_length=64, widget=forms.HiddenInput)
    read = forms.BooleanField(label="I read the proposal and the rollback plan", required=False)
    on_behalf_of = forms.ChoiceField(
        label="In whose name",
        required=False,
        error_messages={"invalid_choice": "This person has not handed approvals over to you for now"},
    )
    note = _text("Note", "", required=False)

    def __init__(self, *args: Any, standing_in: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        """``standing_in``: (id of a person, words) for whom the reader may speak now."""
        super().__init__(*args, **kwargs)
        self.standing_in = list(standing_in)
        offer(self, "on_behalf_of", [("", "In my own name"), *self.standing_in])

    def clean(self) -> dict[str, Any]:
        """A yes needs the confirmation, a no needs a reason."""
        given = super().clean() or {}
        if given.get("verdict") == Approval.Verdict.YES and not given.get("read"):
            self.add_error("read", "Confirm that you read the proposal and the rollback plan")
        if given.get("verdict") == Approval.Verdict.NO and not str(given.get("note") or "").strip():
            self.add_error("note", "Write what should change, in a sentence or two")
        return given

    @property
    def seen(self) -> Seen:
        """What the person looked at."""
        return Seen(self.cleaned_data["digest"], self.cleaned_data["head"])


class ConditionForm(forms.Form):
    """One condition. The first of a page is needed; another one that is left empty is none."""

    use_required_attribute = False

    text = _text("What has to be done", "Say what has to be done", required=False)
    owner = forms.ChoiceField(label="By whom", required=False, error_messages={"required": "Choose who does it"})
    before = forms.ChoiceField(label="When", choices=Condition.Before.choices)
    due = _day("Last day", "Choose the last day", required=False)
    to_confirm = forms.BooleanField(label="I confirm it when it is done", required=False)

    def __init__(self, *args: Any, people: dict[str, User], needed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        for name in ("text", "owner", "due"):
            self.fields[name].required = needed
        offer(self, "owner", [("", "Choose"), *((key, user.name) for key, user in people.items())])

    def clean(self) -> dict[str, Any]:
        """Whole or empty."""
        given = super().clean() or {}
        missing = {"owner": "Choose who does it", "due": "Choose the last day"}
        if str(given.get("text") or "").strip():
            for name, words in missing.items():
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, words)
        elif (given.get("owner") or given.get("due")) and "text" not in self.errors:
            self.add_error("text", "Say what has to be done")
        return given

    def wanted(self) -> Wanted | None:
        """The condition; None when the row was left empty."""
        given = self.cleaned_data
        if not str(given.get("text") or "").strip():
            return None
        return Wanted(
            text=given["text"],
            owner=self.people[given["owner"]],
            before=given["before"],
            due_at=end_of(given["due"]),
            to_confirm=given["to_confirm"],
        )


def condition_forms(people: Sequence[User], data: Any = None) -> list[ConditionForm]:
    """The rows of the page, bound when there is data."""
    by_key = {str(user.pk): user for user in people}
    return [ConditionForm(data, prefix=f"c{number}", people=by_key, needed=number == 1) for number in range(1, ROWS + 1)]


class StepForm(forms.Form):
    """Its owner says that a condition is done, or who set it answers."""

    use_required_attribute = False

    kind = forms.ChoiceField(choices=ConditionStep.Kind.choices, widget=forms.HiddenInput)
    note = _text("Note", "", required=False)

    def clean(self) -> dict[str, Any]:
        """Only plain agreement does without words."""
        given = super().clean() or {}
        missing = {"fulfilled": "Write in a sentence how it was done", "sent_back": "Write in a sentence what is missing"}
        if given.get("kind") in missing and not str(given.get("note") or "").strip():
            self.add_error("note", missing[given["kind"]])
        return given


def step_form(pk: int, data: Any = None) -> StepForm:
    """The form of one condition; several of them can stand on one page."""
    return StepForm(data, auto_id=f"id_condition_{pk}_%s")


class WaiverForm(forms.Form):
    """Why it cannot wait, and when somebody looks at it again."""

    reason = _text(
        "Why it cannot wait for an approver",
        "Write why it cannot wait for an approver",
        hint="Chair and compliance manager sign this text. It stays on record.",
        rows=3,
    )
    review = _day(
        "Looked at again until", "Choose a day on which somebody looks at it again", hint="A day within 90 days from now."
    )


class SignForm(forms.Form):
    """The digest of the text that somebody read and signs."""

    digest = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class WaiverReviewForm(forms.Form):
    """What came of a waiver."""

    note = _text("What came of it", "Write what came of it, in a sentence or two")


class DelegationForm(forms.Form):
    """Who is away, who stands in, and for how long."""

    absent = forms.ChoiceField(label="Who is away", required=False)
    to = forms.ChoiceField(label="Who stands in", error_messages={"required": "Choose who stands in"})
    starts = _day("First day", "Choose the first day")
    ends = _day("Last day", "Choose the last day")
    reason = forms.CharField(
        label="Why",
        max_length=300,
        validators=[no_secret],
        error_messages={"required": "Say in a few words why, such as a holiday"},
    )

    def __init__(self, *args: Any, approvers: Iterable[User], by: User, for_others: bool, **kwargs: Any) -> None:
        """``for_others``: whether ``by`` may do it for somebody else, as the chair may."""
        super().__init__(*args, **kwargs)
        self.by = by
        self.people = {str(user.pk): user for user in approvers}
        named = [(key, user.name) for key, user in self.people.items()]
        offer(self, "to", [("", "Choose"), *named])
        if for_others:
            offer(self, "absent", [(key, "I myself" if user.pk == by.pk else user.name) for key, user in self.people.items()])
            self.fields["absent"].initial = str(by.pk)
        else:
            del self.fields["absent"]

    def delegation(self, *, at: datetime) -> dict[str, Any]:
        """What the action is to be given. A first day that is today begins now."""
        given = self.cleaned_data
        starts = datetime.combine(given["starts"], time(), tzinfo=UTC)
        return {
            "absent": self.people[given["absent"]] if given.get("absent") else self.by,
            "to": self.people[given["to"]],
            "starts_at": at if given["starts"] == at.astimezone(UTC).date() else starts,
            "ends_at": end_of(given["ends"]),
            "reason": given["reason"],
        }


class BulkForm(forms.Form):
    """The one reason for several approvals."""

    note = _text("Why they can all go", "Write in a sentence why they can all go to production")
    read = forms.BooleanField(
        label="I looked at each of these changes", error_messages={"required": "Confirm that you looked at each of them"}
    )

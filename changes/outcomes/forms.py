"""Forms of what people say about how it went."""

from datetime import timedelta
from typing import Any

from django import forms

from changes.outcomes.models import DeployMark, RollbackDrill
from changes.outcomes.policy import Wish
from changes.proposals.models import ReviewAfter
from portal.access.forms import offer
from portal.access.models import User
from portal.typed import KeptText, no_secret

LONGEST = 10_000
ROWS = 3
"""Follow-ups that one review can ask for; more are changes of their own."""


def _text(label: str, words: str = "", hint: str = "", rows: int = 2) -> forms.CharField:
    return KeptText(label=label, help_text=hint, required=bool(words), max_length=LONGEST, words=words, rows=rows)


class ReviewForm(forms.Form):
    """How it went, what was noticed, what follows."""

    use_required_attribute = False

    kind = forms.ChoiceField(choices=ReviewAfter.Kind.choices, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        choices=[("went_well", "It went well"), ("partly", "Partly"), ("failed", "It failed")],
        label="How did it go?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it went"},
    )
    impact = _text("Impact", hint="What users or others noticed, and for how long. Needed when it did not go well.")
    note = _text("What is worth remembering", rows=3)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = [("", "Nobody"), *((str(user.pk), user.name) for user in people)]
        for number in range(1, ROWS + 1):
            self.fields[f"text_{number}"] = forms.CharField(
                label=f"Follow-up {number}", required=False, max_length=500, validators=[no_secret]
            )
            self.fields[f"owner_{number}"] = forms.ChoiceField(label="Owner", required=False)
            day = forms.DateInput(attrs={"type": "date"})
            self.fields[f"due_{number}"] = forms.DateField(label="Due", required=False, widget=day)
            offer(self, f"owner_{number}", owners)

    @property
    def rows(self) -> list[tuple[Any, Any, Any]]:
        """The fields of each follow-up, for the template."""
        return [(self[f"text_{number}"], self[f"owner_{number}"], self[f"due_{number}"]) for number in range(1, ROWS + 1)]

    def wishes(self) -> list[Wish]:
        """The follow-ups of which anything was filled in."""
        given = self.cleaned_data
        found = []
        for number in range(1, ROWS + 1):
            text, owner, due = given[f"text_{number}"], given[f"owner_{number}"], given[f"due_{number}"]
            if text or owner or due:
                found.append(Wish(text=text, owner=int(owner) if owner else None, due_on=due))
        return found


class FollowUpForm(forms.Form):
    """What was done."""

    note = forms.CharField(
        label="What was done",
        max_length=LONGEST,
        validators=[no_secret],
        error_messages={"required": "Write what was done, then close the follow-up."},
    )


class MarkForm(forms.Form):
    """That a deploy failed, or which failure it fixed."""

    what = forms.ChoiceField(choices=DeployMark.What.choices, widget=forms.HiddenInput)
    note = _text("What happened")
    resolves = forms.ChoiceField(label="Which failure it fixed", required=False)

    def __init__(self, *args: Any, failures: list[DeployMark], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failures = {str(mark.pk): mark for mark in failures}
        offer(self, "resolves", [("", "Choose"), *((key, str(mark.release)) for key, mark in self.failures.items())])


class RollbackForm(forms.Form):
    """Where it goes back to, and what is lost."""

    use_required_attribute = False

    target = forms.CharField(
        label="Release to go back to", max_length=300, error_messages={"required": "Name the release to go back to"}
    )
    snapshot = _text("Snapshot and how it is restored", hint="Needed when the change has a database migration.")
    data_loss = _text("What is lost on the way", "Write what is lost, in a sentence; “nothing” is one")
    note = _text("Why")


class DrillForm(forms.Form):
    """A rollback that was practised. Times are in the reader's time zone."""

    use_required_attribute = False

    app = forms.ChoiceField(label="App", error_messages={"required": "Choose the app"})
    environment = forms.ChoiceField(
        label="Environment", choices=[("staging", "Staging"), ("production", "Production"), ("development", "Development")]
    )
    target = forms.CharField(label="Release that it went back to", max_length=300, error_messages={"required": "Name the release"})
    began_at = forms.DateTimeField(
        label="Began",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        error_messages={"required": "Write when it began"},
    )
    minutes = forms.FloatField(
        label="Minutes that it took", min_value=0.05, max_value=2880, error_messages={"required": "Write how long it took"}
    )
    outcome = forms.ChoiceField(
        label="How did it go?",
        choices=RollbackDrill.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it went"},
    )
    note = _text("What is worth remembering")

    def __init__(self, *args: Any, apps: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "app", [("", "Choose"), *((app, app) for app in apps)])

    def drill(self) -> dict[str, Any]:
        """What the action is to be given."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "minutes"}
        return {**given, "seconds": round(timedelta(minutes=self.cleaned_data["minutes"]).total_seconds())}

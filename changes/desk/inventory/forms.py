"""Forms of the inventory."""

from datetime import datetime
from typing import Any

from django import forms

from changes.drift.actions import ANSWERS
from changes.drift.models import DriftState
from changes.inventory.models import Asset, Criticality
from portal.access.models import User
from portal.numbers import number_in
from portal.policy.clocks import end_of
from portal.typed import KeptText


class KeepForm(forms.Form):
    """Owner and criticality of an asset, and what they were when the page was drawn."""

    use_required_attribute = False

    owner = forms.ModelChoiceField(
        label="Owner", queryset=User.objects.none(), required=False, empty_label="Nobody yet", help_text="Who answers for it."
    )
    criticality = forms.ChoiceField(label="Criticality", required=False, choices=[("", "Not said yet"), *Criticality.choices])
    seen_owner = forms.CharField(required=False, max_length=18, widget=forms.HiddenInput)
    seen_criticality = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(self, *args: Any, asset: Asset, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "owner": asset.owner_id,
            "criticality": asset.criticality,
            "seen_owner": str(asset.owner_id or ""),
            "seen_criticality": asset.criticality,
        }
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(is_active=True).order_by("name")

    def seen(self) -> tuple[int | None, str]:
        """What stood on the page."""
        owner = self.cleaned_data["seen_owner"]
        return (number_in(owner, below=19, otherwise=None), self.cleaned_data["seen_criticality"])


class AnswerForm(forms.Form):
    """What is done about a case of drift."""

    use_required_attribute = False

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    state = forms.ChoiceField(
        label="What is done about it",
        choices=[("", "Choose"), *((state.value, DriftState(state).label) for state in ANSWERS)],
        error_messages={"required": "Choose what is done about it"},
    )
    note = KeptText(label="Why, or what will be done", max_length=4000, words="Write why, or what will be done", rows=3)
    last_day = forms.DateField(
        label="Last day of an acceptance",
        required=False,
        help_text="Only for an acceptance; at most a year from today. The case opens again after it.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def until(self) -> datetime | None:
        """The end of the last day, UTC."""
        day = self.cleaned_data["last_day"]
        return end_of(day) if day else None


class SignForm(forms.Form):
    """The signature under a month."""

    use_required_attribute = False

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    note = KeptText(
        label="Note",
        required=False,
        max_length=4000,
        help_text="Needed when numbers do not agree: why, and what is done about it.",
        rows=3,
    )
    agreed = forms.BooleanField(
        label="I have compared these numbers", error_messages={"required": "Tick that you have compared the numbers"}
    )

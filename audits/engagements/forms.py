"""The form that prepares an engagement."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms

from changes.delivery.models import Repository
from portal.access.forms import offer
from portal.access.models import User


def _day(label: str, words: str, hint: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, help_text=hint, widget=widget, error_messages={"required": words})


class EngagementForm(forms.Form):
    """Who may read what, from when until when. Days are whole UTC days; the last one counts wholly."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Name the audit"})
    auditor = forms.ChoiceField(label="Auditor", error_messages={"required": "Choose an auditor"})
    window_from = _day("Records from", "Choose the first day of the audited period")
    window_to = _day("Records to", "Choose the last day of the audited period")
    opens_on = _day("Open from", "Choose the first day on which the auditor may read")
    closes_on = _day("Open to", "Choose the last day on which the auditor may read", "At most 90 days.")
    repositories = forms.MultipleChoiceField(
        label="Repositories", required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen means all."
    )

    def __init__(self, *args: Any, auditors: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auditors = {str(user.pk): user for user in auditors}
        offer(self, "auditor", [(key, f"{user.name} ({user.email})") for key, user in self.auditors.items()])
        names = Repository.objects.order_by("name").values_list("name", flat=True)
        offer(self, "repositories", [(name, name) for name in names])

    def wish(self) -> dict[str, Any]:
        """What the action is to be given."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "auditor": self.auditors[given["auditor"]],
            "window_from": start_of(given["window_from"]),
            "window_to": start_of(given["window_to"] + timedelta(days=1)),
            "starts_at": start_of(given["opens_on"]),
            "ends_at": start_of(given["closes_on"] + timedelta(days=1)),
            "repositories": given["repositories"],
        }


def start_of(day: date) -> datetime:
    """Midnight UTC at which a day begins."""
    return datetime.combine(day, time(), tzinfo=UTC)

"""Which period a run, or a list of rows, looks at."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from audits.controls.result import Window
from portal.policy.clocks import bounds_of, end_of


class DayInput(forms.DateInput):
    """A day as browsers want it, whatever the language of the portal."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class PeriodForm(forms.Form):
    """From one day to another, both included. Days are UTC; a day that is not over ends now."""

    since = forms.DateField(label="From", help_text="UTC", widget=DayInput())
    until = forms.DateField(label="To and including", help_text="UTC", widget=DayInput())

    def window(self, *, at: datetime) -> Window:
        """The period that was asked for. One that ends after today is left as it is, so that it is refused."""
        since, until = bounds_of(self.cleaned_data["since"])[0], end_of(self.cleaned_data["until"])
        return Window(since, at if at < until <= end_of(at.astimezone(UTC).date()) else until)

    @classmethod
    def of(cls, window: Window) -> dict[str, Any]:
        """What stands in the form for a window."""
        return {"since": window.since.date(), "until": (window.until - timedelta(microseconds=1)).date()}

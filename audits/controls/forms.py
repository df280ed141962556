"""Which period a run, or a list of rows, looks at."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms

from audits.controls.result import Window

DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """When a day begins, UTC."""
    return datetime.combine(day, time.min, tzinfo=UTC)


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
        since, until = midnight(self.cleaned_data["since"]), midnight(self.cleaned_data["until"]) + DAY
        return Window(since, at if at < until <= midnight(at.astimezone(UTC).date()) + DAY else until)

    @classmethod
    def of(cls, window: Window) -> dict[str, Any]:
        """What stands in the form for a window."""
        return {"since": window.since.date(), "until": (window.until - timedelta(microseconds=1)).date()}

"""The form that freezes a population. Days are whole UTC days; the last one counts wholly, today until now."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms

from audits.engagements.models import Engagement
from audits.populations.facts import Kind
from portal.policy.clocks import bounds_of

MICRO = timedelta(microseconds=1)
PREFIX = "only_"


def _day(label: str, words: str) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), error_messages={"required": words}
    )


class FreezeForm(forms.Form):
    """Which days of one kind; and values of columns that narrow it."""

    since = _day("From", "Choose the first day")
    until = _day("To", "Choose the last day")

    def __init__(self, *args: Any, kind: Kind, engagement: Engagement, at: datetime, **kwargs: Any) -> None:
        self.engagement, self.at = engagement, at
        last = min(engagement.window_to - MICRO, at)
        kwargs.setdefault("initial", {"since": engagement.window_from.date(), "until": last.astimezone(UTC).date()})
        super().__init__(*args, **kwargs)
        for name in kind.filters:
            label = f"Only where {kind.column(name).label.lower()} is"
            self.fields[f"{PREFIX}{name}"] = forms.CharField(label=label, required=False, max_length=200)

    def window(self) -> tuple[datetime, datetime]:
        """The moments: clipped to the audited period within its first and last day, and a last day of today to now."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return _first(since, self.engagement), self._end(until)

    def filters(self) -> dict[str, str]:
        """The values that were given, by column."""
        given = {
            name.removeprefix(PREFIX): str(value).strip() for name, value in self.cleaned_data.items() if name.startswith(PREFIX)
        }
        return {name: value for name, value in given.items() if value}

    def _end(self, day: date) -> datetime:
        end = bounds_of(day)[1]
        if day == self.at.astimezone(UTC).date():
            end = self.at
        if day == (self.engagement.window_to - MICRO).astimezone(UTC).date():
            end = min(end, self.engagement.window_to)
        return end


def _first(day: date, engagement: Engagement) -> datetime:
    start = bounds_of(day)[0]
    return max(start, engagement.window_from) if day == engagement.window_from.astimezone(UTC).date() else start

"""Forms of meetings. Times are those that clocks show in the zone of the series; each field says what is wrong."""

import uuid
from datetime import datetime, time
from typing import Any

from django import forms

from changes.calendar.policy import NoSuchTime, moment_of
from changes.desk.calendar.forms import LocalTime, choose
from changes.meetings import policy
from changes.meetings.models import Seat, Series
from changes.meetings.policy import Terms, is_zone, read_holidays
from changes.meetings.rules import BadRule, fortnightly, read_rule
from portal.access.models import User
from portal.policy.refusal import Refused
from portal.typed import KeptText

EVERY = (("2", "Every two weeks"), ("1", "Every week"), ("4", "Every four weeks"), ("own", "By a rule of its own"))
KEY = forms.HiddenInput()


class OwnIds(forms.Form):
    """A form beside others on one page: its fields have ids of their own."""

    prefix_of_ids = ""
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.prefix_of_ids}_%s", **kwargs})


class PointForm(OwnIds):
    """A point for an agenda. ``key`` names the form, so that one sent twice puts one point."""

    prefix_of_ids = "point"

    title = forms.CharField(
        label="What is it about", max_length=policy.TITLE, error_messages={"required": "Say in a few words what it is about"}
    )
    note = KeptText(label="What should people know before", required=False, max_length=policy.NOTE)
    minutes = forms.IntegerField(
        label="Minutes",
        min_value=1,
        max_value=policy.POINT_LONGEST,
        initial=10,
        error_messages={"required": "Say how many minutes it takes"},
    )
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid.uuid4().hex

    @property
    def form_key(self) -> str:
        """The name of the form that was sent; one that has none is a form of its own."""
        return self.cleaned_data["key"] or uuid.uuid4().hex


class PlanPointForm(OwnIds):
    """How long a point takes, and whether it waits folded."""

    prefix_of_ids = "plan"

    minutes = forms.IntegerField(
        label="Minutes", min_value=1, max_value=policy.POINT_LONGEST, error_messages={"required": "Say how many minutes it takes"}
    )
    folded = forms.BooleanField(label="Fold it: it waits, and takes no time of this meeting", required=False)


class ReasonForm(OwnIds):
    """Why something is taken off, cancelled, or was not held."""

    prefix_of_ids = "reason"

    reason = KeptText(label="Why", max_length=policy.REASON, words="Say in a sentence why")


class CancelForm(ReasonForm):
    """Why a meeting is not held."""

    prefix_of_ids = "cancel"

    version = forms.IntegerField(widget=forms.HiddenInput)


class MoveForm(CancelForm):
    """When a meeting is held instead, by the clocks of its series."""

    prefix_of_ids = "move"

    to = LocalTime(label="New time", error_messages={"required": "Say when", "invalid": "Write a day and a time"})
    field_order = ("to", "reason", "version")

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.moment: datetime | None = None
        self.fields["to"].help_text = f"By the clocks of {zone}."

    def clean_to(self) -> datetime:
        """The moment that is meant, in UTC."""
        try:
            self.moment = moment_of(local=self.cleaned_data["to"], zone=self.zone)
        except NoSuchTime as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return self.moment


class SeriesForm(OwnIds):
    """A series: what it is called, when and where it meets."""

    prefix_of_ids = "series"

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Name it, such as Architecture meeting"})
    starts_on = forms.DateField(
        label="First day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Its weekday is that of the meetings.",
        error_messages={"required": "Say on which day it begins", "invalid": "Write a day"},
    )
    time = forms.TimeField(
        label="Time",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        initial=time(10, 0),
        error_messages={"required": "Say at what time", "invalid": "Write a time such as 10:00"},
    )
    zone = forms.CharField(
        label="On the clocks of",
        max_length=60,
        help_text="A time zone such as Europe/Berlin, or UTC. Ten o'clock there stays ten o'clock when clocks change.",
        error_messages={"required": "Name a time zone"},
    )
    every = forms.ChoiceField(label="How often", choices=EVERY, initial="2")
    rule = forms.CharField(
        label="Rule of its own",
        required=False,
        max_length=200,
        help_text="RFC 5545, such as FREQ=MONTHLY;BYDAY=1TU for the first Tuesday of each month.",
    )
    minutes = forms.IntegerField(
        label="Minutes",
        min_value=policy.SHORTEST,
        max_value=policy.LONGEST,
        initial=60,
        error_messages={"required": "Say how long it lasts"},
    )
    place = forms.CharField(label="Where", required=False, max_length=300, help_text="A room, or the address of a call.")
    holidays = KeptText(
        label="Holidays",
        required=False,
        help_text="One day a line, as 2026-12-25. A meeting on one of them is held on the next working day.",
        rows=4,
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_zone(self) -> str:
        """A zone that exists."""
        zone: str = self.cleaned_data["zone"].strip()
        if not is_zone(zone):
            raise forms.ValidationError("There is no such time zone. Name it as in Europe/Berlin, or UTC.")
        return zone

    def clean_holidays(self) -> tuple[Any, ...]:
        """Days, sorted."""
        try:
            return read_holidays(self.cleaned_data["holidays"].splitlines())
        except Refused as wrong:
            raise forms.ValidationError(wrong.words) from wrong

    def clean(self) -> dict[str, Any]:
        """The rule that was chosen or written."""
        given = super().clean() or {}
        if given.get("every") != "own":
            if given.get("starts_on") and given.get("every"):
                given["rule"] = fortnightly(starts_on=given["starts_on"], weeks=int(given["every"]))
            return given
        try:
            given["rule"] = read_rule(given.get("rule", ""))
        except BadRule as wrong:
            self.add_error("rule", str(wrong))
        return given

    def terms(self) -> Terms:
        """What was asked for."""
        names = ("name", "rule", "starts_on", "time", "zone", "minutes", "place", "holidays")
        return Terms(**{name: self.cleaned_data[name] for name in names})


def present(series: Series) -> dict[str, Any]:
    """A series as its form shows it at first."""
    given = {name: getattr(series, name) for name in ("name", "starts_on", "time", "zone", "minutes", "place", "version", "rule")}
    offered = {fortnightly(starts_on=series.starts_on, weeks=int(code)): code for code, _ in EVERY if code != "own"}
    every = offered.get(series.rule, "own")
    return {**given, "every": every, "rule": series.rule if every == "own" else "", "holidays": "\n".join(series.holidays)}


class NewSeriesForm(SeriesForm):
    """A series that is made, with those who sit in it beside its chair."""

    voters = forms.MultipleChoiceField(label="Voters beside you", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        choose(self, "voters", [(pk, person.name) for pk, person in self.people.items()])

    def chosen(self) -> list[User]:
        """The people who were ticked."""
        return [self.people[pk] for pk in self.cleaned_data["voters"]]


class SeatForm(OwnIds):
    """A seat for somebody."""

    prefix_of_ids = "seat"

    person = forms.ChoiceField(label="Who", error_messages={"required": "Choose somebody"})
    part = forms.ChoiceField(label="As what", choices=Seat.Part.choices)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        choose(self, "person", [("", "Choose"), *((pk, person.name) for pk, person in self.people.items())])


def refused_as(form: forms.Form, refusal: Refused) -> None:
    """Say a refusal above the form, with what can be done instead."""
    form.add_error(None, refusal.words)

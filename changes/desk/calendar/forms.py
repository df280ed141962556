"""Forms of the calendar. Times are written as clocks show them in a zone and become moments; each field says what is wrong."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms

from changes.calendar.entries import KINDS, kinds_offered
from changes.calendar.facts import Span
from changes.calendar.models import Freeze
from changes.calendar.policy import FROZEN, NoSuchTime, check_freeze, check_window, moment_of
from changes.delivery.models import Environment
from portal.policy.refusal import Refused
from portal.typed import KeptText

WHERE = [(name, Environment(name).label) for name in reversed(FROZEN)]
FEED_DAYS = ((90, "90 days"), (365, "One year"))
LOCAL = "%Y-%m-%dT%H:%M"


class LocalTime(forms.DateTimeField):
    """A time on a clock, without a zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        return found.replace(tzinfo=None) if found else None


def zones(zone: str) -> list[tuple[str, str]]:
    """The person's own zone, and UTC, in which no time comes twice."""
    return list(dict.fromkeys([(zone or "UTC", zone or "UTC"), ("UTC", "UTC")]))


class SpanForm(forms.Form):
    """From when until when, by the clocks of a zone."""

    starts = LocalTime(label="From", error_messages={"required": "Write when it begins", "invalid": "Write a day and a time"})
    ends = LocalTime(label="Until", error_messages={"required": "Write when it ends", "invalid": "Write a day and a time"})
    zone = forms.ChoiceField(label="Times are those of")

    def __init__(self, *args: Any, zone: str, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        choose(self, "zone", zones(zone))

    def moments(self) -> Span | None:
        """Both moments, in UTC. None when one of them is no moment; the field says why."""
        found = {name: self._moment(name) for name in ("starts", "ends")}
        return None if None in found.values() else Span(found["starts"], found["ends"])  # type: ignore[arg-type]  # looked at

    def _moment(self, name: str) -> datetime | None:
        local, zone = self.cleaned_data.get(name), self.cleaned_data.get("zone")
        if local is None or not zone:
            return None
        try:
            return moment_of(local=local, zone=zone)
        except NoSuchTime as wrong:
            self.add_error(name, str(wrong))
            return None


class WindowForm(SpanForm):
    """When a change is to go out. ``conflicts`` are shown once, and are then planned over on purpose."""

    environment = forms.ChoiceField(label="Where", choices=WHERE)
    anyway = forms.BooleanField(label="Plan it anyway", required=False)
    field_order = ("environment", "starts", "ends", "zone", "anyway")

    def __init__(self, *args: Any, state: str, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="window_%s", **kwargs)
        self.state = state
        self.span: Span | None = None
        self.conflicts: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """The window lies ahead and ends after it begins."""
        given = super().clean() or {}
        self.span = self.moments()
        if self.span is not None:
            refused_as(self, "ends", lambda span: check_window(state=self.state, span=span, at=self.at), self.span)
        return given


def refused_as(form: forms.Form, field: str, question: Any, span: Span) -> None:
    """Put a refusal of the policy beside the field that it is about."""
    try:
        question(span)
    except Refused as refusal:
        form.add_error(field, refusal.words)


class FreezeForm(SpanForm):
    """A freeze: what it is called, how hard it is, when, and of what."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Name the freeze, such as End of year"})
    level = forms.ChoiceField(label="How hard", choices=Freeze.Level.choices, widget=forms.RadioSelect, initial="hard")
    environments = forms.MultipleChoiceField(
        label="Where",
        choices=WHERE,
        widget=forms.CheckboxSelectMultiple,
        initial=["production"],
        error_messages={"required": "Choose what it freezes"},
    )
    repositories = forms.MultipleChoiceField(
        label="Only these repositories", required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all of them."
    )
    apps = forms.MultipleChoiceField(label="Only these apps", required=False, widget=forms.CheckboxSelectMultiple)
    reason = KeptText(label="Why", max_length=2000, words="Say in a sentence why nothing goes out")
    field_order = ("name", "level", "environments", "starts", "ends", "zone", "repositories", "apps", "reason")

    def __init__(self, *args: Any, repositories: Iterable[str], apps: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="freeze_%s", **kwargs)
        self.span: Span | None = None
        choose(self, "repositories", [(name, name) for name in repositories])
        choose(self, "apps", [(name, name) for name in apps])

    def clean(self) -> dict[str, Any]:
        """The freeze lies ahead and ends after it begins."""
        given = super().clean() or {}
        self.span = self.moments()
        if self.span is not None and given.get("name") and given.get("reason") and given.get("environments"):
            texts = {name: given[name] for name in ("name", "reason", "environments")}
            refused_as(self, "ends", lambda span: check_freeze(span=span, at=self.at, **texts), self.span)
        return given


class ReasonForm(forms.Form):
    """A sentence that says why."""

    reason = KeptText(label="Why", max_length=2000, words="Say in a sentence why")


class OverrideForm(ReasonForm):
    """Which freeze a change shall pass, and why it cannot wait."""

    freeze = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "override_%s", **kwargs})


class DigestForm(forms.Form):
    """The digest of the text that the second person read."""

    digest = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class FeedForm(forms.Form):
    """A calendar feed."""

    name = forms.CharField(
        label="Where you will read it", max_length=80, error_messages={"required": "Say where, such as Phone or Outlook"}
    )
    kinds = forms.MultipleChoiceField(
        label="What it shows", widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose what it shows"}
    )
    environments = forms.MultipleChoiceField(
        label="Only these environments",
        required=False,
        choices=Environment.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )
    repositories = forms.MultipleChoiceField(
        label="Only these repositories", required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all of them."
    )
    days = forms.TypedChoiceField(label="Valid for", choices=FEED_DAYS, coerce=int, initial=365)

    def __init__(self, *args: Any, repositories: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "kinds", [(kind, KINDS[kind]) for kind in kinds_offered()])
        choose(self, "repositories", [(name, name) for name in repositories])
        self.fields["kinds"].initial = [kind for kind in kinds_offered() if kind != "release"]

    def ends_at(self, at: datetime) -> datetime:
        """When the feed ends."""
        days: int = self.cleaned_data["days"]
        return at + timedelta(days=days)


def choose(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """Let a field of this form offer only these."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices

"""The form that prepares an engagement."""

from datetime import timedelta
from typing import Any

from django import forms

from audits.engagements.criteria import read_ids
from audits.engagements.facts import Invited, Wish
from audits.engagements.models import Engagement, System
from changes.delivery.models import Repository
from portal.access.forms import offer
from portal.access.models import User
from portal.policy.clocks import end_of, start_of
from portal.typed import no_secret

MICRO = timedelta(microseconds=1)


def _day(label: str, words: str, hint: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, help_text=hint, widget=widget, error_messages={"required": words})


class EngagementForm(forms.Form):
    """Who may read what, from when until when. Days are whole UTC days; the last one counts wholly."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Name the audit"})
    kind = forms.ChoiceField(
        label="Kind",
        choices=Engagement.Kind.choices,
        initial=Engagement.Kind.EXTERNAL,
        help_text="An internal audit uses the same room; its testers are compliance managers.",
    )
    people = forms.MultipleChoiceField(
        label="Auditors or testers",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="At least one auditor, unless the audit is internal.",
    )
    window_from = _day("Records from", "Choose the first day of the audited period")
    window_to = _day("Records to", "Choose the last day of the audited period")
    opens_on = _day("Open from", "Choose the first day on which the auditor may read")
    closes_on = _day("Open to", "Choose the last day on which the auditor may read", "At most 90 days.")
    systems = forms.MultipleChoiceField(
        label="Systems",
        choices=System.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means all.",
    )
    repositories = forms.MultipleChoiceField(
        label="Repositories", required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen means all."
    )
    criteria = forms.CharField(
        label="Criteria", required=False, max_length=400, help_text="Ids of the AICPA, such as CC8.1, CC7.1. Empty means all."
    )

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = {str(user.pk): user for user in people}
        offer(self, "people", [(key, f"{user.name} ({user.email})") for key, user in self.offered.items()])
        for key, user in self.offered.items():
            self.fields[f"until_{key}"] = forms.DateField(
                label=f"{user.name} until", required=False, widget=forms.DateInput(attrs={"type": "date"})
            )
        names = Repository.objects.order_by("name").values_list("name", flat=True)
        offer(self, "repositories", [(name, name) for name in names])

    def clean_criteria(self) -> list[str]:
        """The ids; what is none is said."""
        ids, wrong = read_ids(self.cleaned_data["criteria"])
        if wrong:
            raise forms.ValidationError(f"{', '.join(wrong)} is no id of the AICPA's criteria. Write them like CC8.1")
        return ids

    def ends(self) -> list[forms.BoundField]:
        """The fields for a day on which one person leaves before the others."""
        return [self[f"until_{key}"] for key in self.offered]

    def wish(self) -> Wish:
        """What the action is to be given."""
        given = self.cleaned_data
        closes = given["closes_on"]
        people = [(self.offered[key], given.get(f"until_{key}") or closes) for key in given["people"]]
        return Wish(
            name=given["name"],
            kind=given["kind"],
            window_from=start_of(given["window_from"]),
            window_to=end_of(given["window_to"]),
            starts_at=start_of(given["opens_on"]),
            ends_at=end_of(closes),
            people=tuple(Invited(person, end_of(last)) for person, last in people),
            systems=tuple(given["systems"]),
            repositories=tuple(given["repositories"]),
            criteria=tuple(given["criteria"]),
        )


class AdditionForm(forms.Form):
    """Somebody who comes into an engagement later. The last day counts wholly."""

    person = forms.ChoiceField(label="Who", error_messages={"required": "Choose somebody"})
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": "Choose the last day"},
    )
    reason = forms.CharField(
        label="Why", max_length=500, validators=[no_secret], error_messages={"required": "Say in a sentence why"}
    )

    def __init__(self, *args: Any, people: list[User], engagement: Engagement, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"until": (engagement.ends_at - MICRO).date()})
        super().__init__(*args, **kwargs)
        self.ends_at = engagement.ends_at
        self.offered = {str(user.pk): user for user in people}
        offer(self, "person", [("", "Choose")] + [(key, f"{user.name} ({user.email})") for key, user in self.offered.items()])

    def invited(self) -> Invited:
        """Who, and until when: the end of the day, at the latest that of the engagement when it is its last one."""
        until, last = end_of(self.cleaned_data["until"]), end_of((self.ends_at - MICRO).date())
        return Invited(self.offered[self.cleaned_data["person"]], min(until, self.ends_at) if until == last else until)

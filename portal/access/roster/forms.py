"""Forms about who is on the roster."""

from typing import Any

from django import forms

from portal.access.models import PersonKind
from portal.access.roster.describing import Description
from portal.typed import KeptText


class AboutForm(forms.Form):
    """What the company says about a person."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Write the person's name"})
    kind = forms.ChoiceField(label="Kind of person", choices=PersonKind.choices)
    team = forms.CharField(label="Team", max_length=120, required=False)
    employer = forms.CharField(
        label="Employer", max_length=120, required=False, help_text="The company that somebody who is no employee comes from."
    )
    joined_on = forms.DateField(
        label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    leaves_on = forms.DateField(
        label="Last day",
        required=False,
        help_text="When it is over (UTC), the portal ends every access of this person.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "about_%s"  # the page has other forms with a reason and a last day

    def clean(self) -> dict[str, Any]:
        """The last day does not lie before the first."""
        given = super().clean() or {}
        first, last = given.get("joined_on"), given.get("leaves_on")
        if first and last and last < first:
            self.add_error("leaves_on", "The last day lies before the first")
        return given

    def said(self) -> Description:
        """What was written, once the form is valid."""
        return Description(**self.cleaned_data)


class LeaveForm(forms.Form):
    """Why somebody's access ends."""

    reason = KeptText(label="Why", max_length=500, words="Say in a sentence why the access ends")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "leave_%s"  # as above

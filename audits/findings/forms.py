"""The forms of a finding."""

from typing import Any

from django import forms

from audits.controls.catalogue import CONTROLS
from audits.engagements.fields import LinksField, OwnedForm, last_day, owner_field, text_field
from audits.engagements.models import Engagement
from audits.findings.actions import Observation
from audits.findings.models import Finding
from audits.samples.models import SampleItem
from portal.access.forms import offer
from portal.typed import no_secret

MOST_ITEMS = 500


class FindingForm(OwnedForm):
    """What does not hold, and who puts it right."""

    title = forms.CharField(
        label="Finding", max_length=200, validators=[no_secret], error_messages={"required": "Say in a line what does not hold"}
    )
    text = text_field("What was seen", "Say what was seen, and against which rule it is")
    severity = forms.ChoiceField(
        label="Severity",
        choices=[("", "Choose"), *Finding.Severity.choices],
        error_messages={"required": "Choose how severe it is"},
    )
    owner = owner_field("Who answers for it", "Choose who answers for it")
    due = last_day("Corrected by")
    control = forms.ChoiceField(label="Control", required=False)
    item = forms.ChoiceField(label="Item of a sample", required=False)
    links = LinksField()

    def __init__(self, *args: Any, engagement: Engagement, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "control", [("", "None")] + [(one.id, f"{one.id} {one.title}") for one in CONTROLS.values()])
        rows = SampleItem.objects.filter(sample__engagement=engagement).select_related("sample", "row")
        rows = rows.only("position", "sample__number", "sample__engagement", "row__key")
        self.items = {str(item.pk): item for item in rows.order_by("sample__number", "position")[:MOST_ITEMS]}
        offer(self, "item", [("", "None")] + [(key, f"{one.sample}, {one.row.key}") for key, one in self.items.items()])

    def observation(self) -> Observation:
        """What the action is to be given."""
        given = self.cleaned_data
        return Observation(
            title=given["title"],
            text=given["text"],
            severity=given["severity"],
            owner=given["owner"],
            due_at=given["due"],
            control=given["control"],
            item=self.items.get(given["item"]),
            links=given["links"],
        )


class StepForm(forms.Form):
    """The words of one step."""

    text = text_field("What was found or done", "Write in a sentence or two what was found or done", rows=3)


class RetestForm(StepForm):
    """A retest: what was looked at, and its result."""

    result = forms.ChoiceField(
        label="Result",
        choices=[("pass", "Passed"), ("fail", "Failed")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the result of the retest"},
    )

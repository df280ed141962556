"""Forms that draw a sample, mark an item, and replace one."""

from typing import Any

from django import forms

from audits.engagements.fields import text_field
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from audits.samples.actions import LONGEST_SEED
from audits.samples.models import Mark, Sample, SampleItem
from audits.samples.results import WHOLE
from audits.samples.sizes import PRESETS, USUAL, Size, size_of
from portal.access.forms import offer

OWN = "own"


class DrawForm(forms.Form):
    """How to draw, and how many. What a method does not need is left out of account."""

    method = forms.ChoiceField(label="Method", choices=Sample.Method.choices, widget=forms.RadioSelect, initial="random")
    preset = forms.ChoiceField(label="How many", initial=USUAL.code)
    size = forms.IntegerField(
        label="Own size", required=False, min_value=1, help_text="Only where the choice above is an own size."
    )
    seed = forms.CharField(
        label="Seed",
        required=False,
        strip=True,
        max_length=LONGEST_SEED,
        help_text="Any text, letters too. Empty: one is drawn by chance. The same seed always draws the same rows.",
    )
    stratum = forms.ChoiceField(label="Strata by", required=False, help_text="For a stratified sample: at least one row of each.")
    keys = text_field("Rows", "", rows=3, hint="For a sample by hand: keys as in the list, one a line.", required=False)
    reason = text_field("Why these rows", "", rows=2, hint="For a sample by hand.", required=False)

    def __init__(self, *args: Any, population: Population, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.population = population
        self.sizes: dict[str, Size] = {
            code: size_of(preset=preset, population=population.count) for code, preset in PRESETS.items() if population.count
        }
        offer(
            self,
            "preset",
            [*((code, f"{PRESETS[code].label}: {size.rows}") for code, size in self.sizes.items()), (OWN, "An own size")],
        )
        kind = KINDS[population.kind]
        offer(self, "stratum", [("", "Choose"), *((name, kind.column(name).label) for name in kind.filters)])

    @property
    def arithmetic(self) -> list[tuple[str, Size]]:
        """Every preset with its size for this population, and how it comes about."""
        return [(PRESETS[code].label, size) for code, size in self.sizes.items()]

    def clean(self) -> dict[str, Any]:
        """An own size needs its number."""
        given = super().clean() or {}
        if given.get("preset") == OWN and not given.get("size") and given.get("method") != "by_hand" and "size" not in self.errors:
            self.add_error("size", "Say how many")
        return given

    def wish(self) -> dict[str, Any]:
        """What the action is to be given."""
        given = self.cleaned_data
        size = self.sizes.get(given["preset"])
        rows = size.rows if size else given.get("size") or 0
        words = size.words if size else f"{rows} rows, chosen by whoever drew."
        plan = {} if given["method"] == "by_hand" else {"preset": given["preset"], "arithmetic": words}
        return {
            "method": given["method"],
            "seed": given["seed"],
            "size": rows,
            "stratum": given["stratum"],
            "keys": given["keys"].splitlines(),
            "reason": given["reason"],
            "plan": plan,
        }


class MarkForm(forms.Form):
    """One tester's word on one attribute, or on the whole item."""

    letter = forms.ChoiceField(label="About")
    outcome = forms.ChoiceField(
        label="Result",
        choices=Mark.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose pass, deviation or not applicable"},
    )
    note = text_field("Note", "", rows=2, hint="A deviation needs one.", required=False)
    workpaper = forms.CharField(label="Workpaper", required=False, max_length=80, help_text="Your own reference.")

    def __init__(self, *args: Any, item: SampleItem, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one["letter"], f"{one['letter']} {one['name']}") for one in item.sheet["attributes"]]
        offer(self, "letter", [(WHOLE, "The whole item"), *named])


class ReplaceForm(forms.Form):
    """Why an item cannot be tested; the next by rank takes its place."""

    reason = text_field("Why it cannot be tested", "Say why the row cannot be tested", rows=2)
    key = forms.CharField(label="Row in its place", required=False, help_text="Only for a sample by hand.")

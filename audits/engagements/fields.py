"""Fields that the forms of an audit share."""

from typing import Any

from django import forms

from audits.engagements.links import read_links

LONGEST = 10_000


def text_field(label: str, words: str, *, rows: int = 4, hint: str = "", required: bool = True) -> forms.CharField:
    """A longer text."""
    return forms.CharField(
        label=label,
        help_text=hint,
        required=required,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": words},
    )


class LinksField(forms.CharField):
    """Names of records and addresses of this portal, in one line."""

    def __init__(self) -> None:
        hint = "Such as CHG-1042, C-05, or an address here that begins with a slash."
        super().__init__(label="About", required=False, max_length=2000, help_text=hint)

    def clean(self, value: Any) -> Any:
        """The links; what is none is said."""
        links, wrong = read_links(super().clean(value))
        if wrong:
            raise forms.ValidationError(f"{', '.join(wrong)[:200]} leads nowhere here. Write it like CHG-1042 or /changes/1042/")
        return links

"""The form that proposes a redaction."""

from django import forms

from portal.typed import KeptText


class RedactionForm(forms.Form):
    """Why a text must go."""

    reason = KeptText(
        label="Why",
        max_length=500,
        help_text="What the text holds that must not be kept. Do not repeat it here: the reason stays for ever.",
        words="Say what the text holds that must not be kept",
        rows=3,
    )

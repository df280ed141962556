"""The form that proposes a redaction."""

from django import forms

from portal.typed import no_secret


class RedactionForm(forms.Form):
    """Why a text must go."""

    reason = forms.CharField(
        label="Why",
        max_length=500,
        help_text="What the text holds that must not be kept. Do not repeat it here: the reason stays for ever.",
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
        error_messages={"required": "Say what the text holds that must not be kept"},
    )

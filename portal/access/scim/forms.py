"""A token for a directory."""

from django import forms

from portal.access.forms import TOKEN_DAYS


class ScimTokenForm(forms.Form):
    """Which directory, and for how long."""

    name = forms.CharField(label="Which directory", max_length=80, error_messages={"required": "Say which directory it is for"})
    days = forms.TypedChoiceField(label="Valid for", choices=TOKEN_DAYS, coerce=int)

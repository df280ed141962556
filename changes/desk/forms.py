"""Forms of the change page. Each field says what is wrong and what to do."""

from django import forms

from portal.typed import KeptText

COMMIT = r"^[0-9a-f]{40,64}$"


class SignOffForm(forms.Form):
    """The tester's word for one commit."""

    commit = forms.RegexField(COMMIT, widget=forms.HiddenInput)
    note = KeptText(label="How it was tested", max_length=10_000, words="Write in a sentence how it was tested")

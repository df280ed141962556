"""A file of people."""

from django import forms


class UploadForm(forms.Form):
    """The file itself; what is in it is looked at row by row."""

    file = forms.FileField(
        label="CSV file",
        help_text="UTF-8, first line with the columns: name, email; and as you like kind, team, employer, joined_on, leaves_on.",
        error_messages={"required": "Choose a file", "empty": "The file is empty"},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

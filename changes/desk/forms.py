"""Forms of the change page. Each field says what is wrong and what to do."""

from django import forms

from changes.proposals.models import Approval

COMMIT = r"^[0-9a-f]{40,64}$"


class ApproveForm(forms.Form):
    """A yes or a no for production."""

    verdict = forms.ChoiceField(choices=Approval.Verdict.choices, widget=forms.HiddenInput, initial=Approval.Verdict.YES)
    read = forms.BooleanField(
        label="I read the proposal and the rollback plan",
        required=False,
    )
    note = forms.CharField(label="Note", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, object]:
        """A yes needs the confirmation, a no needs a reason."""
        given = super().clean() or {}
        if given.get("verdict") == Approval.Verdict.YES and not given.get("read"):
            self.add_error("read", "Confirm that you read the proposal and the rollback plan")
        if given.get("verdict") == Approval.Verdict.NO and not str(given.get("note") or "").strip():
            self.add_error("note", "Write what should change, in a sentence or two")
        return given


class SignOffForm(forms.Form):
    """The tester's word for one commit."""

    commit = forms.RegexField(COMMIT, widget=forms.HiddenInput)
    note = forms.CharField(
        label="How it was tested",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write in a sentence how it was tested"},
    )

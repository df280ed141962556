"""The proposal form: three sections. It asks only what a machine cannot know."""

from django import forms

from changes.proposals.models import Category, Size

LONGEST = 200_000
"""Characters of one text; more belongs into a linked document."""


class ProposalForm(forms.Form):
    """What, why, how tested, how to undo. A draft needs only the title."""

    use_required_attribute = False

    title = forms.CharField(
        label="Title",
        max_length=300,
        error_messages={"required": "Write a title: what changes, in one line"},
    )
    why = forms.CharField(
        label="Why",
        max_length=LONGEST,
        help_text="What is wrong or missing today. A draft can do without.",
        error_messages={"required": "Write why the change is needed"},
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    what = forms.CharField(label="What changes", required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 6}))
    tested = forms.CharField(label="How it is tested", required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}))
    rollback = forms.CharField(
        label="How to undo it",
        max_length=LONGEST,
        help_text="The release to go back to, and what is lost on the way (P-17). A draft can do without.",
        error_messages={"required": "Write how to undo this change"},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    snapshot = forms.CharField(
        label="Snapshot and restore",
        required=False,
        max_length=2_000,
        help_text="Only for a database migration: the snapshot's name and how it is restored.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    category = forms.ChoiceField(
        label="Category",
        choices=Category.choices,
        initial=Category.STANDARD,
        widget=forms.RadioSelect,
        help_text="Standard is the normal way. An emergency needs a +1 now and a full review afterwards.",
    )
    size = forms.ChoiceField(
        label="Size",
        choices=[(Size.NORMAL, "As computed"), (Size.LARGE, "Large: I want the architecture meeting to decide")],
        initial=Size.NORMAL,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: object, submit: bool = False, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own form arguments
        # To be put up for review it needs its reason and its way back; a draft does not.
        for name in ("why", "rollback"):
            self.fields[name].required = submit or not self.is_bound

"""Whose an account is, or what it is."""

from typing import Any

from django import forms

from portal.access.accounts.models import ExplainedAccount
from portal.access.models import User
from portal.typed import KeptText

PERSON = "person"


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic for the type checker only
    """Somebody of the portal, told apart by the address; those who left as well."""

    def label_from_instance(self, obj: User) -> str:
        return f"{obj.name}, {obj.email}{'' if obj.is_active else ' (left)'}"


class ExplainForm(forms.Form):
    """A person, a machine, or an outsider with a reason."""

    what = forms.ChoiceField(
        label="It is",
        choices=[(PERSON, "Somebody who is here"), *ExplainedAccount.As.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what the account is"},
    )
    user = PersonChoice(User.objects.none(), label="Whose, or who answers for it", required=False, empty_label="Choose a person")
    reason = KeptText(label="Why", max_length=500, required=False, help_text="For a bot or service, and for somebody outside.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["user"]
        assert isinstance(field, PersonChoice)
        field.queryset = User.objects.order_by("name", "pk")

    def clean(self) -> dict[str, Any]:
        """A person is named, or a reason given; a machine needs both."""
        given = super().clean() or {}
        if given.get("what") == PERSON and not given.get("user") and "user" not in self.errors:
            self.add_error("user", "Choose whose account it is")
        if given.get("what") == ExplainedAccount.As.SERVICE and not given.get("user") and "user" not in self.errors:
            self.add_error("user", "Choose who answers for it")
        if given.get("what") in ExplainedAccount.As.values and not given.get("reason"):
            self.add_error("reason", "Say in a sentence what this account is for")
        return given

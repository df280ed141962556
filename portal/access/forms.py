"""Forms about people and accounts. Each names its fields; each says what is wrong and what to do."""

from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password

from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.policy.clocks import end_of
from portal.typed import KeptText, no_secret

LONG_PASSWORD = "At least 12 characters. Longer is stronger than complicated."  # noqa: S105  # a hint, not a password
TOKEN_DAYS = ((30, "30 days"), (90, "90 days"), (365, "One year"))


def offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """Let a field of this form offer only what the person at hand may choose."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


class RoleForm(forms.Form):
    """A role for somebody, with a reason and perhaps an end."""

    role = forms.ChoiceField(label="Role", error_messages={"required": "Choose a role"})
    reason = KeptText(label="Why", max_length=500, words="Say in a sentence why this person needs the role")
    until = forms.DateField(
        label="Last day",
        required=False,
        help_text="Empty means until somebody ends it.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, offered: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "role", [(role.value, role.label) for role in offered])

    def end(self) -> datetime | None:
        """The moment after the last day, UTC."""
        last: date | None = self.cleaned_data["until"]
        return None if last is None else end_of(last)


class ReasonForm(forms.Form):
    """Why a role ends."""

    reason = forms.CharField(
        max_length=500,
        validators=[no_secret],
        error_messages={"required": "Say in a sentence why the role ends. Nothing was changed."},
    )


class ConfirmForm(forms.Form):
    """The digest of the text that the second person read."""

    digest = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class InvitationForm(forms.Form):
    """Whom to invite."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Write the person's name"})
    email = forms.EmailField(label="E-mail", max_length=254, error_messages={"required": "Write the address to invite"})
    roles = forms.MultipleChoiceField(
        label="Roles",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A privileged role becomes a proposal that another person confirms.",
    )

    def __init__(self, *args: Any, offered: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "roles", [(role.value, role.label) for role in offered])


class JoinForm(forms.Form):
    """Name and password of somebody who was invited."""

    name = forms.CharField(label="Your name", max_length=120, error_messages={"required": "Write your name"})
    password = forms.CharField(
        label="Password",
        help_text=LONG_PASSWORD,
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password"},
    )
    again = forms.CharField(
        label="The same password again",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Write the password once more"},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        """Both passwords agree, and the password is neither short, common nor made of name or address."""
        given = super().clean() or {}
        password = given.get("password")
        if not password:
            return given
        if given.get("again") and given["again"] != password:
            self.add_error("again", "The two passwords differ")
        try:
            validate_password(password, User(email=self.email, name=given.get("name", "")))
        except forms.ValidationError as problem:
            self.add_error("password", problem)
        return given


class ProfileForm(forms.Form):
    """What one sees of oneself, and how the portal looks and behaves."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Write your name"})
    theme = forms.ChoiceField(label="Theme", choices=[("system", "As the system"), ("light", "Light"), ("dark", "Dark")])
    density = forms.ChoiceField(
        label="Density", choices=[("comfortable", "Comfortable"), ("compact", "Compact")], initial="comfortable"
    )
    time_zone = forms.ChoiceField(label="Time zone", choices=[(zone, zone) for zone in sorted(available_timezones())])
    shortcuts = forms.BooleanField(label="Single-key shortcuts", required=False)


class TokenForm(forms.Form):
    """A token for the API."""

    name = forms.CharField(label="What it is for", max_length=80, error_messages={"required": "Say what the token is for"})
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that it may do"},
    )
    days = forms.TypedChoiceField(label="Valid for", choices=TOKEN_DAYS, coerce=int)

    def __init__(self, *args: Any, offered: list[P], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "token_%s"  # the page has another form with a name
        offer(self, "scopes", [(permission.value, permission.sentence.capitalize()) for permission in offered])

"""What people type into a form that is kept for good."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from portal.forms_of_secrets import kind_in
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

WHAT_TO_DO = "Take it out: what is written here stays on record. If it is a real one, change it where it is used."


def no_secret(value: str) -> None:
    """A validator: what looks like a token, a key or a password in an address is not taken, for it could not be deleted."""
    kind = kind_in(text=value)
    if kind:
        raise ValidationError(f"{_said(kind)} {WHAT_TO_DO}", code="secret")


def kept(request: HttpRequest, name: str, *, longest: int) -> str:
    """A text of ``longest`` characters at most from a button's own field, which has no form class. Raises ``Refused`` for a secret.

    The whole text is looked at, also what is cut off.
    """
    text = request.POST.get(name, "")
    refuse_secret(text)
    return text[:longest]


def refuse_secret(text: str) -> None:
    """The same as ``no_secret`` where no field can show it. Raises ``Refused``."""
    kind = kind_in(text=text)
    if kind:
        raise Refused(Clause.SECRETS_FROM_DOPPLER, _said(kind), WHAT_TO_DO)


def _said(kind: str) -> str:
    return f"Something here looks like a secret ({kind})."


class KeptText(forms.CharField):
    """A text of some lines that stays on record, so that nothing that looks like a secret is taken.

    ``rows`` are the lines that are shown, ``words`` what is said when it is missing; the rest is Django's.
    """

    def __init__(self, *, rows: int = 2, words: str = "", error_messages: dict[str, str] | None = None, **rest: Any) -> None:
        said = {**({"required": words} if words else {}), **(error_messages or {})}
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(widget=widget, validators=[no_secret], error_messages=said, **rest)

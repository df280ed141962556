"""Checks of what people type into a form that is kept for good."""

from django.core.exceptions import ValidationError

from portal.forms_of_secrets import kind_in


def no_secret(value: str) -> None:
    """A validator: what looks like a token, a key or a password in an address is not taken, for it could not be deleted."""
    kind = kind_in(text=value)
    if kind:
        raise ValidationError(
            f"Something here looks like a secret ({kind}). Take it out: what is written here stays on record. If it is a real one, "
            "change it where it is used.",
            code="secret",
        )

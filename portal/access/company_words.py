"""Passwords that an attacker of this very company tries first: its name and ours, with a year behind."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from portal.access.models import User

OURS = ("countersign",)
SHORTEST = 4
"""Letters of a word that counts: shorter ones stand in many good passwords."""
NOT_TELLING = frozenset({"www", "com", "org", "net", "example", "localhost", "local", "internal", "change", "changes", "portal"})
LEET = str.maketrans("013457@$!", "oieastasi")


class CompanyWordsValidator:
    """Refuses a password that is one of the company's words with little beside it."""

    def __init__(self, beside: int = 8) -> None:
        self.beside = beside
        """Characters that have to stand beside the word, for the whole to be no guess."""

    def validate(self, password: str, user: User | None = None) -> None:
        plain = re.sub(r"[^a-z]", "", password.lower().translate(LEET))
        for word in words_of_the_company():
            if word in plain and len(password) - len(word) < self.beside:
                raise ValidationError(
                    "This password is a name of the company or of the portal with little beside it.",
                    code="password_of_the_company",
                )

    def get_help_text(self) -> str:
        return "It is not the name of the company or of this portal with a little beside it."


def words_of_the_company() -> Iterable[str]:
    """Ours, those of the setting, and the names in our own address: ``countersign.northwind.example`` has ``northwind``."""
    host = (urlsplit(settings.BASE_URL).hostname or "").lower()
    found = [*OURS, *(word.lower() for word in settings.COMPANY_WORDS), *re.split(r"[^a-z]+", host)]
    return dict.fromkeys(word for word in found if len(word) >= SHORTEST and word not in NOT_TELLING)

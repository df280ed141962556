"""Whose an account might be. A suggestion is never a link: a person confirms it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.access.accounts.seeing import Seen
from portal.access.models import User

SIGNS = re.compile(r"[^\w]|_", re.UNICODE)


@dataclass(frozen=True)
class Suggestion:
    """A person, and what speaks for them."""

    user: User
    why: str


class Roster:
    """The people, found by what they might be called elsewhere. A name that two people share suggests neither."""

    def __init__(self, people: Iterable[User]) -> None:
        everybody = list(people)
        self._by_mail = {person.email.lower(): person for person in everybody}
        self._by_name = _once((plain(person.name), person) for person in everybody)
        self._by_login = _once((plain(person.email.partition("@")[0]), person) for person in everybody)

    def suggestion_for(self, seen: Seen) -> Suggestion | None:
        """The best one: the same confirmed address, else the same name, else the same login. None for machines."""
        if seen.is_bot:
            return None
        for mail in sorted(seen.mails):
            if mail in self._by_mail:
                return Suggestion(self._by_mail[mail], f"{seen.provider} confirms the address {mail}")
        name, login = plain(seen.name), plain(seen.login)
        ways: Sequence[tuple[str, dict[str, User], str]] = (
            (name, self._by_name, f"the same name, {seen.name}"),
            (login, self._by_name, f"the login {seen.login} is the name"),
            (login, self._by_login, f"the login {seen.login} is the beginning of the address"),
        )
        return next((Suggestion(known[word], why) for word, known, why in ways if word and word in known), None)


def plain(text: str) -> str:
    """A name without case, spaces and signs: ``Ann-Marie Ash`` and ``annmarieash`` are the same."""
    return SIGNS.sub("", text).casefold()


def _once(pairs: Iterable[tuple[str, User]]) -> dict[str, User]:
    """Only the words that lead to one person."""
    found: dict[str, list[User]] = {}
    for word, person in pairs:
        found.setdefault(word, []).append(person)
    return {word: people[0] for word, people in found.items() if len(people) == 1}

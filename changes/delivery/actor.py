"""Who did something, by account and, when it is linked, by person. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person of the portal, or an account that is not linked to one (``person`` is None)."""

    account: str
    """``github:<uid>`` when known, else ``github:@<login>`` or ``mail:<address>``; ``user:<id>`` for portal people."""
    name: str
    person: int | None = None
    bot: bool = False

    def same_as(self, other: "Actor") -> bool:
        """One person, by any linked identity; without links, one account."""
        if self.person is not None and self.person == other.person:
            return True
        return self.account == other.account or (bool(self.name) and self.name.lower() == other.name.lower())

"""Which accounts were seen at vendors. Vendors join with ``@provider``; one that meets people one by one calls ``note_met``."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from portal.access.accounts.models import ExplainedAccount, MetAccount
from portal.access.models import Identity


@dataclass(frozen=True)
class Seen:
    """One account at a vendor, by the vendor's number.

    ``mails`` are those that the vendor ties to the account itself, in small letters; ``doings`` says what it did, in words.
    """

    provider: str
    uid: str
    login: str
    name: str
    mails: frozenset[str]
    is_bot: bool
    doings: str
    last_at: datetime | None
    since: datetime | None = None
    """Since when it has held a right, where that is known."""

    @property
    def key(self) -> tuple[str, str]:
        """Vendor and number: what it is known by."""
        return (self.provider, self.uid)


Provider = Callable[[], Iterable[Seen]]

_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Register a function that gives all accounts seen at a vendor. Few queries, whatever their number."""
    if function not in _providers:
        _providers.append(function)
    return function


def seen_accounts() -> list[Seen]:
    """Every account that any vendor showed, the one seen last first. What several providers say of one is put together."""
    found: dict[tuple[str, str], Seen] = {}
    for function in _providers:
        for seen in function():
            known = found.get(seen.key)
            found[seen.key] = seen if known is None else _together(known, seen)
    return sorted(found.values(), key=lambda seen: (-(seen.last_at.timestamp() if seen.last_at else 0), seen.key))


def _together(one: Seen, other: Seen) -> Seen:
    """One account as two providers saw it."""
    return Seen(
        provider=one.provider,
        uid=one.uid,
        login=one.login or other.login,
        name=one.name or other.name,
        mails=one.mails | other.mails,
        is_bot=one.is_bot or other.is_bot,
        doings=", ".join(filter(None, (one.doings, other.doings))),
        last_at=max(filter(None, (one.last_at, other.last_at)), default=None),
        since=min(filter(None, (one.since, other.since)), default=None),
    )


def unexplained() -> list[Seen]:
    """Those that are linked to nobody and explained by nobody."""
    answered = {
        *Identity.objects.filter(ended_at=None).values_list("provider", "uid"),
        *ExplainedAccount.objects.filter(ended_at=None).values_list("provider", "uid"),
    }
    return [seen for seen in seen_accounts() if seen.key not in answered]


def note_met(
    *, provider: str, uid: str, login: str = "", name: str = "", email: str = "", is_bot: bool = False, at: datetime
) -> None:
    """Remember that an account which belongs to nobody was used. ``email`` only when the vendor has confirmed it."""
    said = {"login": login, "name": name, "email": email.strip().lower(), "is_bot": is_bot, "last_at": at}
    _, new = MetAccount.objects.get_or_create(provider=provider, uid=uid, defaults={**said, "first_at": at})
    if not new:
        MetAccount.objects.filter(provider=provider, uid=uid).update(**said, times=F("times") + 1)


@provider
def met_accounts() -> Iterator[Seen]:
    """Those of ``note_met``."""
    for met in MetAccount.objects.order_by("pk"):
        mails = frozenset(filter(None, [met.email]))
        doings = "asked once" if met.times == 1 else f"asked {met.times} times"
        yield Seen(met.provider, met.uid, met.login, met.name, mails, met.is_bot, doings, met.last_at)

"""Rights at vendors as sources say them."""

from datetime import UTC, datetime, timedelta

from changes.entitlements import actions
from changes.entitlements.facts import Held, Right

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHOP, API = "github.repository:1", "github.repository:2"


def held(account, right="write", *, thing=SHOP, **more):
    """A right; the account's id is its name unless another is given."""
    given = {"account_name": account, "thing_name": f"northwind/{thing[-1]}", **more}
    return Held(account_id=given.pop("account_id", account), thing=thing, right=Right(right), **given)


def take(*rights, things=(SHOP,), source="github", at=AT):
    return actions.take(source=source, things=things, held=rights, at=at)

"""A small company with a change in every state, an exception, and texts that try to break the page."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from changes.exceptions.models import ExceptionRecord
from changes.proposals import actions, submitting
from changes.proposals.models import Approval, Change
from portal.access.models import User
from tests.changes.people import linked
from tests.journeys.forge import ACCOUNTS, Forge, commit
from tests.portal.access.people import everybody

SCRIPT = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
LONG_WORD = "northwind" * 14
TITLE = f"Pay \u202eeciovni\u202c later {SCRIPT} {LONG_WORD} ".ljust(300, "x")
BODY = f"""## Why
{SCRIPT} [press](javascript:window.broken=1) and {LONG_WORD}

| a | b |
|---|---|
| {LONG_WORD} | 2 |

```
{LONG_WORD} {LONG_WORD}
```

## Testing
{SCRIPT}

## Rollback
Release the version before it. {SCRIPT}
"""


@dataclass
class Company:
    """People by name, the forge, and the number of the change in each state."""

    people: dict[str, User]
    forge: Forge
    in_state: dict[str, int] = field(default_factory=dict)

    def proposed(self, title, *, ready=True, by="Ann"):
        """A proposal of a person, by the form's own action."""
        given = {"title": title, "why": "Customers wait", "rollback": "Release the version before", "category": "standard"}
        at = timezone.now()
        return submitting.submit(given={**given, "size": "normal"}, by=self.people[by], ready=ready, at=at)

    def opened(self, number, title, **more):
        """A pull request of Ann, and the change that it opened."""
        self.forge.open(number, title=title, **{"body": "## Why\nneeded\n## Rollback\nredeploy", **more})
        self.forge.work()
        return Change.objects.order_by("-id").first()

    def promoted(self, number, title):
        """Work that goes to main and to prod. Returns the change and the commit on prod."""
        change = self.opened(number, title)
        self.forge.review(number, by="dev")
        self.forge.check(number)
        merged = self.forge.merge(number, by="dev")
        self.forge.deploy(merged, "staging")
        self.forge.open(number + 1, title="Promote main to prod", into="prod", head=merged)
        self.forge.review(number + 1, by="dev")
        at_prod = self.forge.merge(number + 1, by="bob")
        self.forge.work()
        return change, at_prod


def founded(site):
    """The company with its people, linked to their accounts, and nothing else."""
    people = everybody()
    for login, uid in ACCOUNTS.items():
        linked(people[login.title()], uid, login)
    return Company(people=people, forge=Forge(site))


def grown(site):
    """The company with a change in every state, and exceptions."""
    company = founded(site)
    forge, people = company.forge, company.people
    kept, first = company.promoted(10, "Show delivery dates")
    forge.deploy(first, "production")
    forge.work()
    undone, second = company.promoted(20, "Index the product search")
    forge.deploy(second, "production")
    forge.deploy(first, "production")
    forge.work()
    merged, _ = company.promoted(30, "Round prices to whole cents")
    released, third = company.promoted(40, "Limit the public endpoints")
    forge.deploy(third, "production")
    forge.push("prod", by="ann", message=f"Quick fix {SCRIPT} \u202e")
    forge.work()
    approved = company.opened(50, "Send invoices as PDF")
    _approve(approved, by=people["Bob"])
    hostile = company.opened(60, TITLE, body=BODY)
    forge.check(60, "failure")
    for _ in range(60):
        forge.review(60, by="dev", state="commented")
    forge.work()
    withdrawn = company.proposed("Paint the shed")
    actions.press(change=withdrawn, verb="withdraw", by=people["Ann"], at=timezone.now())
    actions.press(change=Change.objects.get(pk=kept.pk), verb="close", by=people["Ann"], at=timezone.now())
    draft = company.proposed("Split the queue", ready=False)
    rows = {"merged": merged, "released": released, "closed": kept, "rolled_back": undone, "approved": approved}
    rows |= {"proposed": hostile, "withdrawn": withdrawn, "draft": draft}
    company.in_state = {state: row.number for state, row in rows.items()}
    found = dict(Change.objects.values_list("number", "state"))
    assert {found[number]: number for number in company.in_state.values()} == company.in_state
    assert ExceptionRecord.objects.filter(kind="direct_push").exists()
    return company


def _approve(change, *, by):
    at = timezone.now()
    yes = Approval.Verdict.YES
    actions.approve(change=change, by=by, verdict=yes, note="", authenticated_at=at - timedelta(minutes=1), at=at)


__all__ = ["BODY", "SCRIPT", "TITLE", "Company", "commit", "founded", "grown"]

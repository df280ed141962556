"""What a poll finds and a delivery should have told: the delivery was lost on its way, and the gap is written down (F8)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from changes.connectors import outages
from changes.connectors.models import Delivery, Source
from changes.delivery.branch_names import named_now
from changes.delivery.facts import PullRequestReported
from changes.delivery.models import PullRequest, Repository

TOLD_WITHIN = timedelta(minutes=2)
"""How long a delivery may take. GitHub gives up on one after ten seconds, and does not try again by itself."""
ASKED_AGAIN = timedelta(minutes=10)
"""For so long what GitHub's own log has shown as lost, and was asked for again, is not counted a second time."""


@dataclass
class Untold:
    """Collects, for one poll of a repository whose deliveries arrive otherwise, what none has told."""

    source: Source
    repository: Repository
    at: datetime
    found: list[tuple[datetime, str]] = field(default_factory=list, kw_only=True)

    def look_at(self, *, fact: PullRequestReported, known: PullRequest | None) -> None:
        """A pull request as the API shows it, and as it is on record."""
        said = fact.vendor_updated_at
        if said is None or said > self.at - TOLD_WITHIN or self.repository.poll_cursor is None:
            return
        if known is None or _moved(named_now(repository=self.repository, fact=fact), known):
            self.found.append((said, f"{self.repository} #{fact.number}"))

    def note(self) -> None:
        """Write them down, unless deliveries wait to be applied, were asked for again just now, or never come from here."""
        if not self.found or not self._listens():
            return
        outages.missed(
            source=self.source,
            what=[name for _, name in self.found],
            since=min(said for said, _ in self.found),
            until=self.at,
            why="The poll found what no delivery had told.",
            at=self.at,
        )

    def _listens(self) -> bool:
        asked = self.source.settings.get("redelivery", {}).get("asked_at")
        if asked and self.at - datetime.fromisoformat(asked) < ASKED_AGAIN:
            return False
        if not self.source.hook_secrets.filter(retired_at=None, created_at__lt=min(said for said, _ in self.found)).exists():
            return False
        return not Delivery.objects.filter(source=self.source, state=Delivery.State.NEW).exists()


def _moved(fact: PullRequestReported, known: PullRequest) -> bool:
    """Whether something differs that GitHub delivers: its state, its head, its base."""
    said = (fact.state, fact.head_sha, fact.base_ref)
    return any(new is not None and new != old for new, old in zip(said, (known.state, known.head_sha, known.base_ref), strict=True))

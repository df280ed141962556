"""What becomes of a delivery of a forge: refused, put aside, or recorded. Pure."""

from collections.abc import Callable

from changes.connectors.github.payloads import Parsed
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome
from changes.delivery.facts import OrganisationReported
from changes.delivery.models import Repository


def refusal(*, parsed: Parsed, repository: Repository | None, signed: Callable[[Repository], bool]) -> Outcome | None:
    """What becomes of a delivery of which nothing is recorded; None when its facts are. ``signed`` says whether its secret is
    good for the repository."""
    name = parsed.repository.name if parsed.repository else ""
    if parsed.kind == "unknown":
        return Outcome(Delivery.State.IGNORED, parsed.note, name)
    if repository is None:
        return None if _is_of_organisation(parsed) else without_repository(parsed)
    if not signed(repository):
        return Outcome(Delivery.State.QUARANTINED, f"signed with the secret of another repository than {name}", name)
    return None


def _is_of_organisation(parsed: Parsed) -> bool:
    return parsed.repository is None and any(isinstance(one, OrganisationReported) for one in parsed.facts)


def recorded(*, parsed: Parsed, repository: Repository) -> Outcome:
    """What becomes of a delivery whose facts were recorded."""
    state = Delivery.State.QUARANTINED if parsed.kind == "incomplete" else Delivery.State.APPLIED
    return Outcome(state, parsed.note, parsed.repository.name if parsed.repository else "", repository)


def without_repository(parsed: Parsed) -> Outcome:
    """What becomes of a delivery about no repository in scope."""
    name = parsed.repository.name if parsed.repository else ""
    if parsed.kind == "incomplete":
        return Outcome(Delivery.State.QUARANTINED, parsed.note, name)
    if parsed.event == "ping":
        return Outcome(Delivery.State.APPLIED, "The forge tested the hook", name)
    plain = parsed.note or f"{parsed.event} without a repository changes nothing here"
    words = f"{name} is not in scope" if name else plain
    return Outcome(Delivery.State.IGNORED, words, name)

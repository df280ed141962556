"""What the gates said about a change: frozen at its merges, and as judged last."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db.models import Prefetch

from changes.gates.facts import GateState
from changes.gates.gate import Code
from changes.gates.models import Verdict
from changes.proposals.models import Change

MERGE = Prefetch("verdicts", Verdict.objects.filter(moment=Verdict.Moment.MERGE).defer("facts").order_by("pk"), to_attr="frozen")
BY_PEOPLE = (Code.REVIEW, Code.APPROVAL)
"""Gates that compare people. Of a contributor who is known by a mail address alone they cannot tell whether it is who approved."""
Gates = Iterable[dict[str, Any]]


def said(gates: Gates, codes: Collection[str], state: GateState) -> Iterator[str]:
    """Why gates of these codes are in a state."""
    for gate in gates:
        if gate["code"] in codes and gate["state"] == state:
            yield str(gate["reason"])


def failed_frozen(change: Any, codes: Collection[str]) -> list[str]:
    """Why gates had failed when the verdicts froze at the merges. ``change`` was read with ``MERGE``."""
    return list(said(_frozen(change), codes, GateState.FAILED))


def failed_now(change: Change, codes: Collection[str]) -> list[str]:
    """Why gates are failed as judged last."""
    return list(said(_now(change), codes, GateState.FAILED))


def told_since(change: Any, codes: Collection[str]) -> tuple[list[str], list[str]]:
    """Of gates that compare people and could not tell at a merge: why they fail as judged last, and why they still cannot tell.

    ``change`` was read with ``MERGE``. Linking the account answers it, whichever way.
    """
    asked = [gate for gate in _frozen(change) if gate["code"] in BY_PEOPLE and gate["code"] in codes]
    silent = {gate["code"] for gate in asked if gate["state"] == GateState.NOT_CONNECTED}
    return failed_now(change, silent), list(said(_now(change) or asked, silent, GateState.NOT_CONNECTED))


def _frozen(change: Any) -> list[dict[str, Any]]:
    return [gate for verdict in change.frozen for gate in verdict.gates]


def _now(change: Change) -> list[dict[str, Any]]:
    return list((change.assessment or {}).get("gates", ()))

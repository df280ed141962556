"""What a panel of the change page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.forms import Form

from changes.delivery.models import PullRequest
from changes.desk.lists import Listing
from changes.proposals.models import Change, Revision
from portal.access.models import User
from portal.policy.parameters import DEFAULT, Parameters


@dataclass(frozen=True)
class Asked:
    """What a panel is built from. ``lists`` are those of its own ``Panel.lists`` (and of others) by name; ``forms`` are bound
    forms of a post that was not accepted, by the name under which the view gave them; ``auditor`` readers get no buttons;
    ``at`` is the time of the request, ``policy`` the parameters in force."""

    change: Change
    revision: Revision
    pull_requests: list[PullRequest]
    lists: Mapping[str, list[dict[str, Any]]]
    reader: User
    auditor: bool
    at: datetime
    forms: Mapping[str, Form] = field(default_factory=dict)
    policy: Parameters = DEFAULT


@dataclass(frozen=True)
class Panel:
    """``template`` is included with the context that ``build`` returns as ``panel``. ``place`` is the column or the row:
    ``top`` (above everything), ``main``, or ``aside`` (beside the gates, for what asks for an act)."""

    name: str
    place: Literal["top", "main", "aside"]
    template: str
    build: Callable[[Asked], Mapping[str, Any] | None]
    lists: Mapping[str, Listing] = field(default_factory=dict)


@dataclass(frozen=True)
class Placed:
    """A panel with what it shows."""

    name: str
    place: str
    template: str
    context: Mapping[str, Any]


def placed(panels: tuple[Panel, ...], asked: Asked) -> list[Placed]:
    """The panels that have something to show, in their order."""
    built = [(panel, panel.build(asked)) for panel in panels]
    return [Placed(panel.name, panel.place, panel.template, context) for panel, context in built if context is not None]

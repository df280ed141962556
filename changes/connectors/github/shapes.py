"""Which event a body is, by its shape. The header only says so; the signature covers the body alone (threat T2).

A shape names the keys that must be there and those that must not. ``test_every_recorded_delivery_has_one_shape`` keeps the
table free of overlaps. Events that Countersign does not use have no shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ENVELOPE = frozenset({"action", "repository", "sender", "organization", "installation", "enterprise"})


@dataclass(frozen=True, kw_only=True)
class Shape:
    needs: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    actions: frozenset[str] | None = None
    """For bodies that differ by nothing but their action."""
    beside: frozenset[str] | None = None
    """When given: no other keys than these and the envelope's."""
    app: bool = False
    """``installation`` is the whole object, with the account."""

    def fits(self, outline: "Outline") -> bool:
        """Whether a body of this outline has this shape."""
        keys = outline.keys
        return (
            keys >= self.needs
            and not keys & self.never
            and (self.actions is None or outline.action in self.actions)
            and (self.beside is None or (not outline.others and keys <= ENVELOPE | self.beside | self.needs))
            and (not self.app or outline.account)
        )


@dataclass(frozen=True)
class Outline:
    """What a shape looks at of a body. There are few, however many bodies come."""

    keys: frozenset[str]
    """Those that some shape speaks of."""
    others: bool
    """There are more."""
    action: str
    """One that some shape speaks of; else empty."""
    account: bool
    """Its installation is the whole object."""


def _keys(*names: str) -> frozenset[str]:
    return frozenset(names)


SHAPES = {
    "branch_protection_configuration": Shape(needs=_keys("repository"), actions=_keys("enabled", "disabled"), beside=_keys()),
    "branch_protection_rule": Shape(needs=_keys("rule")),
    "check_run": Shape(needs=_keys("check_run"), never=_keys("deployment_status", "workflow_job")),
    "check_suite": Shape(needs=_keys("check_suite")),
    "deployment": Shape(
        needs=_keys("deployment"),
        never=_keys("deployment_status", "deployment_callback_url", "event", "pull_requests", "workflow_job"),
    ),
    "deployment_protection_rule": Shape(
        needs=_keys("repository"),
        beside=_keys("environment", "event", "sha", "ref", "deployment", "deployment_callback_url", "pull_requests"),
        actions=_keys("requested"),
    ),
    "deployment_review": Shape(needs=_keys("repository", "since", "workflow_run")),
    "deployment_status": Shape(needs=_keys("deployment_status")),
    "installation": Shape(
        needs=_keys("installation"), never=_keys("repository"), beside=_keys("repositories", "requester"), app=True
    ),
    "installation_repositories": Shape(needs=_keys("installation", "repositories_added", "repositories_removed")),
    "member": Shape(needs=_keys("member", "repository"), never=_keys("team", "scope")),
    "membership": Shape(needs=_keys("member", "scope", "team")),
    "merge_group": Shape(needs=_keys("merge_group"), never=_keys("pull_request")),
    "organization": Shape(
        needs=_keys("organization"),
        never=_keys("repository"),
        beside=_keys("membership", "invitation", "user", "changes"),
        actions=_keys("deleted", "member_added", "member_invited", "member_removed", "renamed"),
    ),
    "ping": Shape(needs=_keys("zen", "hook_id")),
    "pull_request": Shape(needs=_keys("pull_request"), never=_keys("review", "comment", "thread")),
    "pull_request_review": Shape(needs=_keys("pull_request", "review"), never=_keys("comment", "thread")),
    "push": Shape(needs=_keys("ref", "before", "after"), never=_keys("pull_request")),
    "repository": Shape(
        needs=_keys("repository"),
        beside=_keys("changes"),
        actions=_keys(
            "created", "deleted", "archived", "unarchived", "edited", "renamed", "transferred", "publicized", "privatized"
        ),
    ),
    "repository_ruleset": Shape(needs=_keys("repository_ruleset")),
    "status": Shape(needs=_keys("sha", "state", "context")),
    "team": Shape(
        needs=_keys("team"),
        never=_keys("member", "scope"),
        beside=_keys("changes"),
        actions=_keys("added_to_repository", "created", "deleted", "edited", "removed_from_repository"),
    ),
}  # fmt: skip


KEYS = frozenset().union(ENVELOPE, *(shape.needs | shape.never | (shape.beside or ENVELOPE) for shape in SHAPES.values()))
ACTIONS = frozenset().union(*(shape.actions or () for shape in SHAPES.values()))


def events_of(*, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The events whose shape this body has: usually one, none for events that have no shape."""
    keys, action, installation = KEYS.intersection(body), body.get("action"), body.get("installation")
    return _events(
        Outline(
            keys=keys,
            others=len(keys) < len(body),
            action=action if isinstance(action, str) and action in ACTIONS else "",
            account=isinstance(installation, Mapping) and "account" in installation,
        )
    )


@lru_cache(maxsize=256)
def _events(outline: Outline) -> tuple[str, ...]:
    return tuple(event for event, shape in SHAPES.items() if shape.fits(outline))

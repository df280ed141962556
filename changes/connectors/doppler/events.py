"""Doppler's logs as events of the inventory: names and sides, never a value. Pure."""

from collections.abc import Mapping

from changes.connectors.doppler.logs import Diff, Entry, Request
from changes.connectors.doppler.payloads import environment_of
from changes.inventory.facts import VendorEvent


def entry_id(found: Entry) -> str:
    """What an entry of a config's log is known by."""
    return f"config-log:{found.vendor_id}"


def event_of(found: Entry, changed: Diff, environments: Mapping[str, str], path: str) -> VendorEvent:
    """An entry of a config's log as an event: which secrets by name, and on which side."""
    return VendorEvent(
        external_id=entry_id(found),
        at=found.at,
        action=f"secrets.{found.word}",
        actor_id=found.email,
        actor_name=found.email or found.name,
        kind="doppler.config",
        object_id=path,
        object_name=path,
        environment=environment_of(found.environment, environments),
        detail=changed.told() | ({"references": list(found.references)} if found.references else {}),
    )


def activity_of(found: Entry, environments: Mapping[str, str]) -> VendorEvent:
    """An entry of the workplace's activity log as an event: who did something where."""
    path = "/".join(filter(None, (found.project, found.config)))
    return VendorEvent(
        external_id=f"activity:{found.vendor_id}",
        at=found.at,
        action=f"activity.{found.word}",
        actor_id=found.email,
        actor_name=found.email or found.name,
        kind="doppler.activity",
        object_id=path,
        object_name=path or "workplace",
        environment=environment_of(found.environment, environments),
        detail={"references": list(found.references)} if found.references else {},
    )


def applied_of(found: Request, environments: Mapping[str, str]) -> list[VendorEvent]:
    """One event for each config that a change request was applied to: Doppler's own approval of what the log shows."""
    return [
        VendorEvent(
            external_id=f"change-request:{found.vendor_id}:{path}"[:200],
            at=found.at,
            action="change_request.applied",
            actor_id=found.by,
            actor_name=found.by,
            kind="doppler.change_request",
            object_id=path,
            object_name=path,
            environment=environment_of(place, environments),
            detail={
                "request": found.vendor_id,
                "log": entry_id,
                "reviewers": list(found.reviewers),
                "references": list(found.references),
            },
        )
        for path, place, entry_id in found.applied
    ]

"""An edit in a vendor's console in words: names of things, who did it, and what the vendor itself had approved. Never a value."""

from changes.exceptions.actions import Found
from changes.inventory.models import VendorEvent

DNS = ("cloudflare.dns_record", "cloudflare.zone", "cloudflare.zones")
ACCESS = (
    *("cloudflare.access", "cloudflare.access_app", "cloudflare.access_policy", "cloudflare.access_group"),
    *("cloudflare.access_organization", "cloudflare.service_token", "cloudflare.identity_provider"),
)
SECRETS = "doppler.config"
PREFIX = "edit:"


def key_of(event: VendorEvent) -> str:
    """The key of the exception about an edit."""
    return f"{PREFIX}{event.pk}"


def found_of(event: VendorEvent, reason: str) -> Found:
    who = event.actor_name or event.actor_id or "Somebody"
    vendor_said = approved(event)
    sentence = f"{who} {what(event)}, and no change covers it."
    return Found(
        kind=_kind(event),
        subject=event.object_name or event.object_id or event.kind,
        key=key_of(event),
        sentence=" ".join(filter(None, (sentence, f"{reason}." if reason else "", vendor_said))),
        happened_at=event.at,
        confirmed=True,
        evidence={
            "actor": event.actor_name,
            "subject": event.object_name or event.object_id,
            "action": event.action,
            "source": event.source,
            "entry": event.external_id,
            "detail": event.detail,
            **({"approved_at_the_vendor": vendor_said} if vendor_said else {}),
        },
    )


def _kind(event: VendorEvent) -> str:
    if event.kind == SECRETS:
        return "secret_edited_outside_process"
    return "dns_edited_outside_process" if event.kind in DNS else "access_edited_outside_process"


VERBS = {"create": "created", "update": "changed", "delete": "deleted"}


def what(event: VendorEvent) -> str:
    """What was done, in words: names of things, never a value."""
    if event.kind == SECRETS:
        touched = [str(name) for side in ("added", "removed", "updated") for name in event.detail.get(side, [])]
        what = ", ".join(touched[:5]) + (f" and {len(touched) - 5} more" if len(touched) > 5 else "")
        return f"edited {what or 'secrets'} of {event.object_name} in Doppler"
    thing = event.kind.removeprefix("cloudflare.").replace("_", " ").replace("dns", "DNS").replace("access", "Access")
    named = f" {event.detail.get('type', '')} {event.object_name}" if event.kind in DNS else f" {event.object_name}"
    return f"{VERBS.get(event.action, 'edited')} the {thing}{named.replace('  ', ' ')} at Cloudflare".replace("  ", " ")


def approved(event: VendorEvent) -> str:
    """Doppler's own change request that this entry of the log came of."""
    if event.kind != SECRETS:
        return ""
    entry = event.external_id.removeprefix("config-log:")
    found = VendorEvent.objects.filter(source=event.source, kind="doppler.change_request", detail__log=entry).order_by("id").first()
    if found is None:
        return ""
    names = ", ".join(str(name) for name in found.detail.get("reviewers", [])) or "nobody named"
    return f"Doppler's own change request {found.detail['request']} by {found.actor_name} was applied (reviewers: {names})."

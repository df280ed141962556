"""Which version of the policy an agenda's point is about."""

from portal.policy.models import PolicyVersion

KEY = "policy:"


def version_of(key: str) -> PolicyVersion | None:
    """The version behind a key such as ``policy:3``; None for any other key."""
    number = key.removeprefix(KEY)
    if not key.startswith(KEY) or not number.isdecimal():
        return None
    return PolicyVersion.objects.filter(number=int(number)).first()

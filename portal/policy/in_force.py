"""Which version of the policy holds at a moment. One small query; the first version is built in."""

from datetime import datetime

from portal.policy.models import PolicyVersion
from portal.policy.parameters import DEFAULT, Parameters
from portal.policy.plain import parameters_from


def version_at(at: datetime) -> PolicyVersion | None:
    """The adopted version that is in force at a moment; None while it is the one that is built in."""
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED, effective_at__lte=at)
    return rows.order_by("-effective_at", "-number").first()


def parameters_at(at: datetime) -> Parameters:
    """The parameters in force at a moment."""
    version = version_at(at)
    if version is None:
        return DEFAULT
    return parameters_from(version.parameters, version=str(version.number), base=DEFAULT)

"""Whether the secret that signed a delivery is one of the repository that the delivery is about."""

import hmac

from django.db.models import Q

from changes.connectors.models import Delivery, HookSecret
from changes.delivery.models import Repository
from portal import vault


def signed_for(*, delivery: Delivery, repository: Repository) -> bool:
    """A secret is good for its own repository (or for all of a source); several repositories may share one text."""
    used = delivery.secret
    if used is None or used.repository_id in (None, repository.pk):
        return True
    text = vault.open(bytes(used.secret_encrypted)).encode()
    own = HookSecret.objects.filter(Q(repository=repository) | Q(repository=None), source=used.source_id, retired_at=None)
    return any(hmac.compare_digest(vault.open(bytes(row.secret_encrypted)).encode(), text) for row in own)

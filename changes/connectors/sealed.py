"""What the connectors keep sealed: tokens of sources, secrets of webhooks, and what is given while a vendor is being connected."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import models

from changes.connectors.connecting.models import Connecting
from changes.connectors.models import HookSecret, Source
from portal.keyring import Place, place

Sealed = Iterator[tuple[bytes, Callable[[bytes], None]]]


def _column(model: type[models.Model], name: str) -> Callable[[bool], Sealed]:
    def every(lock: bool) -> Sealed:
        rows = model._default_manager.exclude(**{name: b""}).order_by("pk")
        for pk, sealed in (rows.select_for_update() if lock else rows).values_list("pk", name):
            yield bytes(sealed), _putter(model, pk, name)

    return every


def _putter(model: type[models.Model], pk: Any, name: str) -> Callable[[bytes], None]:
    def put(sealed: bytes) -> None:
        model._default_manager.filter(pk=pk).update(**{name: sealed})

    return put


place(Place("tokens of sources", _column(Source, "token_encrypted")))
place(Place("secrets of webhooks", _column(HookSecret, "secret_encrypted")))
place(Place("tokens being connected", _column(Connecting, "token_encrypted")))
place(Place("secrets being connected", _column(Connecting, "secret_encrypted")))

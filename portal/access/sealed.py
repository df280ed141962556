"""What access keeps sealed: the secrets of second factors (allauth), as texts within JSON."""

from collections.abc import Callable, Iterator

from allauth.mfa.models import Authenticator

from portal.keyring import Place, place

SECRETS = ("secret", "seed")
"""Of an authenticator app, and of recovery codes."""


def _factors(lock: bool) -> Iterator[tuple[bytes, Callable[[bytes], None]]]:
    rows = Authenticator.objects.select_for_update() if lock else Authenticator.objects.all()
    for row in rows.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk"):
        for name in SECRETS:
            if isinstance(row.data.get(name), str):
                yield row.data[name].encode(), _putter(row, name)


def _putter(row: Authenticator, name: str) -> Callable[[bytes], None]:
    def put(sealed: bytes) -> None:
        row.data[name] = sealed.decode()
        row.save(update_fields=["data"])

    return put


place(Place("second factors", _factors))

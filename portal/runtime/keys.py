"""Keys of one installation, made at the first start and kept in the data folder, readable by us alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from portal.runtime.places import Places


def ensure(*, places: Places) -> dict[str, str]:
    """Environment with the keys, each made if it is not there yet. The ledger makes its own signing key where we say."""
    return {
        "COUNTERSIGN_SECRET_KEY": _kept(path=places.secrets / "secret_key", made=lambda: secrets.token_urlsafe(48)),
        "COUNTERSIGN_ENCRYPTION_KEYS": _kept(path=places.secrets / "encryption_keys", made=new_encryption_key),
        "COUNTERSIGN_SIGNING_KEY_FILE": str(places.secrets / "ledger.key"),
    }


def new_encryption_key() -> str:
    """A Fernet key: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _kept(*, path: Path, made: Callable[[], str]) -> str:
    """What the file says; written first if it is not there. Several lines are several keys, newest first."""
    if not path.exists():
        write_private(path=path, text=made() + "\n")
    return ",".join(path.read_text().split())


def write_private(*, path: Path, text: str) -> None:
    """Write a file that only we can read; it appears whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)

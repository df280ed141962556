"""Where the signing key and the outside checkpoints live. From the environment, else inside the data folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

KEY_VARIABLE = "COUNTERSIGN_SIGNING_KEY_FILE"
GIT_VARIABLE = "COUNTERSIGN_ANCHOR_GIT"


@dataclass(frozen=True)
class Places:
    """Files and folders of one installation."""

    key: Path
    """Ed25519, PEM, only for the sealer's account. Beside it: ``.pub`` (may be read by all) and ``.state``."""
    anchors: Path
    git: Path
    remote: str
    """Where the Git anchor is pushed to; empty for a repository on this machine."""

    @property
    def public_keys(self) -> Path:
        return self.key.with_name(self.key.name + ".pub")

    @property
    def state(self) -> Path:
        return self.key.with_name(self.key.name + ".state")


def places() -> Places:
    """As configured now. ``COUNTERSIGN_ANCHOR_GIT`` is a folder, or the address of a remote repository."""
    data = Path(settings.DATA_DIR)
    anchors = data / "anchors"
    git = os.environ.get(GIT_VARIABLE, "")
    remote = git if "://" in git or ("@" in git and ":" in git) else ""
    return Places(
        key=Path(os.environ.get(KEY_VARIABLE) or data / "keys" / "ledger.pem"),
        anchors=anchors,
        git=Path(git) if git and not remote else anchors / "git",
        remote=remote,
    )

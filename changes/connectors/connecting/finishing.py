"""The last step: the vendor is connected with what was chosen, and filled back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.connectors import actions
from changes.connectors.connecting.drafts import end
from changes.connectors.connecting.models import Connecting
from changes.connectors.fetch_asking import ask_fetch
from changes.connectors.models import Fetch, Source
from portal import vault
from portal.access.models import User
from portal.access.people import actor_of

BACK = 90
"""Days that are filled back at once."""
Chosen = Mapping[str, Any]


@transaction.atomic
def finish(*, draft: Connecting, chosen: Chosen, by: User, at: datetime) -> Source:
    """Connect it, and ask for the last ninety days. Raises ``ValueError`` in words for what cannot be."""
    token, secret = _opened(draft.token_encrypted), _opened(draft.secret_encrypted)
    FINISH[draft.kind](draft, chosen, token, secret, actor_of(by), at)
    source = Source.objects.get(name=draft.kind)
    open_fetch = Fetch.objects.filter(source=source, state__in=[Fetch.State.WAITING, Fetch.State.RUNNING]).first()
    draft.source, draft.fetch = source, open_fetch or ask_fetch(source=source, days=BACK, by=by, at=at)
    end(draft=draft, at=at)
    return source


def _opened(sealed: bytes | memoryview) -> str:
    return vault.open(sealed) if sealed else ""


def _forge(connect: Callable[..., object], **more: Any) -> "Finish":
    def finishing(draft: Connecting, chosen: Chosen, token: str, secret: str, actor: str, at: datetime) -> None:
        app = {"app_id": draft.app_id, "installation_id": draft.installation_id} if draft.kind == "github" else {}
        for repository in chosen["repositories"]:
            connect(
                repository=repository,
                secret=secret,
                main=chosen["main"],
                prod=chosen["prod"],
                approved_by=chosen["approved_by"],
                api_url=draft.api_url,
                token=token,
                actor=actor,
                at=at,
                **app,
            )
        if draft.kind == "github" and not draft.app_id:  # a token now, where an App may have been before
            Source.objects.filter(name="github").update(app_id="", installation_id="")

    return finishing


def _fly(draft: Connecting, chosen: Chosen, token: str, secret: str, actor: str, at: datetime) -> None:
    places: dict[str, str] = chosen["places"]
    apps = {name.partition("/")[2]: (word, chosen["repository"]) for name, word in places.items()}
    orgs = {name.partition("/")[0] for name in places}
    if len(orgs) > 1:
        raise ValueError("Choose apps of one organisation. Others are connected with manage.py connect fly.")
    actions.connect_fly(org=orgs.pop(), token=token, apps=apps, api_url=draft.api_url, actor=actor, at=at)


def _slack(draft: Connecting, chosen: Chosen, token: str, secret: str, actor: str, at: datetime) -> None:
    channels = {name: chosen[name].partition(" ")[0] for name in ("channel", "emergencies")}
    actions.connect_slack(token=token, signing_secret=secret, api_url=draft.api_url, actor=actor, at=at, **channels)


def _doppler(draft: Connecting, chosen: Chosen, token: str, secret: str, actor: str, at: datetime) -> None:
    given = {"environments": chosen["places"], "api_url": draft.api_url, "actor": actor, "at": at}
    actions.connect_doppler(token=token, secret=secret, **given)


def _cloudflare(draft: Connecting, chosen: Chosen, token: str, secret: str, actor: str, at: datetime) -> None:
    given = {"environments": chosen["places"], "api_url": draft.api_url, "actor": actor, "at": at}
    actions.connect_cloudflare(account=str(draft.settings.get("account", "")), token=token, **given)


Finish = Callable[[Connecting, Chosen, str, str, str, datetime], None]
FINISH: dict[str, Finish] = {
    "github": _forge(actions.connect_github),
    "gitea": _forge(actions.connect_gitea),
    "gitlab": _forge(actions.connect_gitlab),
    "fly": _fly,
    "slack": _slack,
    "doppler": _doppler,
    "cloudflare": _cloudflare,
}

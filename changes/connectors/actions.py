"""Connect sources, and put a set-aside delivery back. Each leaves an entry in the ledger; no secret is ever shown."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.connectors.asking import ask_for_rules
from changes.connectors.cloudflare.client import CLOUDFLARE_API
from changes.connectors.doppler.client import DOPPLER_API
from changes.connectors.gitlab.objects import GROUPS
from changes.connectors.models import Delivery, HookSecret, Source
from changes.connectors.slack.client import SLACK_API
from changes.delivery.branch_names import noted
from changes.delivery.models import Repository
from changes.forges import NAMES
from portal import vault
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.refusal import Stale

GITHUB_API = "https://api.github.com"
FLY_API = "https://api.fly.io"
GITLAB_API = "https://gitlab.com/api/v4"
ENDS = {"gitea": "/api/v1", "gitlab": "/api/v4"}
"""How the address of a forge's API ends."""
REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)
ACCOUNT = re.compile(r"[0-9a-f]{32}", re.ASCII)
ENVIRONMENTS = ("production", "staging", "development")
SLACK_CHANNEL = re.compile(r"[CG][A-Z0-9]{5,30}", re.ASCII)


@transaction.atomic
def connect_github(
    *,
    repository: str,
    secret: str,
    main: str,
    prod: str,
    at: datetime,
    api_url: str = "",
    token: str = "",
    clone_url: str = "",
    approved_by: str = "review",
    app_id: str = "",
    installation_id: str = "",
    decisions: str = "",
    actor: str = "shell",
) -> Repository:
    """Put a repository in scope. Run again it changes what is given, and an added secret is valid beside the old ones.

    ``secret`` signs the webhooks, ``token`` (or the private key of the App ``app_id``) reads the API. ``approved_by`` is
    ``review`` (an approving review on the promotion counts) or ``portal``. ``decisions`` is the repository into which
    decisions of meetings are written. Raises ``ValueError`` in words.
    """
    _check(repository, secret, main, prod)
    source = _source(name="github", kind="github", api_url=api_url or GITHUB_API, token=token, at=at)
    _name_decisions(source, decisions, at, actor)
    if app_id:
        Source.objects.filter(pk=source.pk).update(app_id=app_id, installation_id=installation_id)
    values = {
        **_branches("github", repository, main, prod, at),
        "approved_by": approved_by,
        "clone_url": clone_url or _clone_url(source.api_url, repository),
    }
    row, made = Repository.objects.update_or_create(
        forge="github", name=repository, defaults=values, create_defaults={**values, "in_scope_from": at}
    )
    _add_secret(source=source, repository=row, secret=secret, at=at)
    append(
        stream=f"repository:{row.pk}",
        kind="repository.connected" if made else "repository.changed",
        actor=actor,
        fact={"name": repository, "main": main, "prod": prod, "approved_by": approved_by, "at": at.isoformat()},
        rows=[],
    )
    ask_for_rules(source=source, repository=row, at=at)
    return row


def _branches(forge: str, repository: str, main: str, prod: str, at: datetime) -> dict[str, Any]:
    """What names both branches. Of a name that is new the next sweep tells whether it is the same branch; then the last 90 days of
    pushes are read again, for those to another branch were not kept. Names that change places are no new ones."""
    values: dict[str, Any] = {"main_branch": main, "prod_branch": prod}
    known = Repository.objects.select_for_update().filter(forge=forge, name=repository).first()
    had = (known.main_branch, known.prod_branch) if known is not None else (main, prod)
    if {main, prod} != {*had} and any(name in had and name != was for was, name in zip(had, (main, prod), strict=True)):
        raise ValueError(
            "This would give main or prod the name that the other one has. Take two steps: first another name for that one; "
            "then, when its Git mirror was read once more, this one."
        )
    for was, name in zip(had, (main, prod), strict=True):
        if known is not None and name not in had:
            known.former_branches = noted(repository=known, was=was, name=name, at=at)
            values |= {"former_branches": known.former_branches, "mirror_wanted_at": at, "polled_at": None, "poll_failed_at": None}
    return values


def _name_decisions(source: Source, repository: str, at: datetime, actor: str) -> None:
    if not repository:
        return
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"{repository!r} is no repository. Write owner/name, for example acme/architecture.")
    source.settings = {**source.settings, "decisions": repository}
    source.save(update_fields=["settings"])
    append(
        stream=f"source:{source.pk}",
        kind="source.decisions_named",
        actor=actor,
        fact={"name": source.name, "repository": repository, "at": at.isoformat()},
        rows=[],
    )


def _check(repository: str, secret: str, main: str, prod: str, *, deepest: int = 1) -> None:
    """``deepest`` is how many groups may stand one in another before the name."""
    if not 1 <= repository.count("/") <= deepest or not all(part.strip() for part in repository.split("/")):
        deeper = ", or group/subgroup/name" if deepest > 1 else ""
        raise ValueError(f"{repository!r} is no repository. Write owner/name{deeper}, for example acme/web.")
    if not secret:
        raise ValueError("The webhook secret is empty. Set the same one here and in the webhook's settings.")
    if main == prod:
        raise ValueError(f"main and prod are both {main!r}. They must be two branches.")


def _clone_url(api_url: str, repository: str) -> str:
    return f"https://github.com/{repository}.git" if api_url == GITHUB_API else ""


def _source(*, name: str, kind: str, api_url: str, token: str, at: datetime) -> Source:
    row, _ = Source.objects.get_or_create(name=name, defaults={"kind": kind, "api_url": api_url, "connected_at": at})
    row.api_url = api_url
    if token:
        row.token_encrypted = vault.seal(token)
    if row.settings.pop("disconnected", ""):
        row.paused_at = None
    row.not_before, row.failures, row.last_error = None, 0, ""
    row.save()
    return row


def connect_gitea(**given: Any) -> Repository:
    """Put a repository at a Gitea or Forgejo in scope, as ``connect_forge`` does. ``api_url`` ends in ``/api/v1``."""
    return connect_forge(kind="gitea", **given)


def connect_gitlab(**given: Any) -> Repository:
    """Put a project at a GitLab in scope, as ``connect_forge`` does. ``api_url`` ends in ``/api/v4``."""
    return connect_forge(kind="gitlab", **{**given, "api_url": given.get("api_url") or GITLAB_API})


@transaction.atomic
def connect_forge(
    *,
    kind: str,
    repository: str,
    secret: str,
    main: str,
    prod: str,
    api_url: str,
    at: datetime,
    token: str = "",
    clone_url: str = "",
    approved_by: str = "review",
    actor: str = "shell",
) -> Repository:
    """Put a repository at a forge of one's own in scope. Raises ``ValueError`` in words.

    A name that is in scope at another forge is refused: gates and checks are asked for by name.
    """
    _check(repository, secret, main, prod, deepest=GROUPS if kind == "gitlab" else 1)
    end, name = ENDS[kind], NAMES[kind]
    if not api_url.rstrip("/").endswith(end):
        raise ValueError(
            f"{api_url!r} is no address of a {name}'s API. It ends in {end}, for example https://git.example.com{end}."
        )
    if Repository.objects.filter(name__iexact=repository, in_scope_until=None).exclude(forge=kind).exists():
        raise ValueError(f"{repository} is in scope at another forge already.")
    source = _source(name=kind, kind=kind, api_url=api_url.rstrip("/"), token=token, at=at)
    values = {**_branches(kind, repository, main, prod, at), "approved_by": approved_by}
    values["clone_url"] = clone_url or f"{source.api_url.removesuffix(end)}/{repository}.git"
    row, made = Repository.objects.update_or_create(
        forge=kind, name=repository, defaults=values, create_defaults={**values, "in_scope_from": at}
    )
    _add_secret(source=source, repository=row, secret=secret, at=at)
    append(
        stream=f"repository:{row.pk}",
        kind="repository.connected" if made else "repository.changed",
        actor=actor,
        fact={"name": repository, "forge": kind, "main": main, "prod": prod, "approved_by": approved_by, "at": at.isoformat()},
        rows=[],
    )
    ask_for_rules(source=source, repository=row, at=at)
    return row


@transaction.atomic
def connect_fly(
    *,
    org: str,
    token: str,
    apps: Mapping[str, tuple[str, str]],
    at: datetime,
    api_url: str = "",
    secrets: Mapping[str, str] | None = None,
    actor: str = "shell",
) -> Source:
    """Connect one Fly organisation. ``apps`` maps each app to (environment, repository); releases are then read.

    ``secrets`` maps apps to the Doppler configuration (``project/config``) that their secrets come from. Raises ``ValueError``
    for an app that is not connected.
    """
    source = _source(name="fly", kind="fly", api_url=api_url or FLY_API, token=token, at=at)
    known: dict[str, Any] = dict(source.settings.get("apps", {}))
    for app, (environment, name) in apps.items():
        known[app] = {**known.get(app, {}), "environment": environment, "repository": name}
    for app, config in (secrets or {}).items():
        if app not in known:
            raise ValueError(f"{app} is not among the apps: name it with --app first.")
        known[app]["secrets"] = config
    source.settings = {"org": org, "apps": known}
    source.save(update_fields=["settings"])
    append(
        stream=f"source:{source.pk}",
        kind="source.connected",
        actor=actor,
        fact={"name": "fly", "org": org, "apps": sorted(known), "at": at.isoformat()},
        rows=[],
    )
    return source


@transaction.atomic
def connect_slack(
    *,
    token: str,
    signing_secret: str,
    channel: str,
    at: datetime,
    emergencies: str = "",
    api_url: str = "",
    actor: str = "shell",
) -> Source:
    """Connect one Slack workspace. ``channel`` takes the log of production changes, ``emergencies`` their threads.

    Run again it changes what is given; an added signing secret is valid beside the old ones. Raises ``ValueError`` in words.
    """
    channels = {"changes": channel, "emergencies": emergencies or channel}
    for wrong in (name for name in channels.values() if not SLACK_CHANNEL.fullmatch(name)):
        raise ValueError(f"{wrong!r} is no channel's id. It stands at the end of the channel's details in Slack: C and letters.")
    if not signing_secret:
        raise ValueError("The signing secret is empty. It stands under Basic Information of the app at Slack.")
    source = _source(name="slack", kind="slack", api_url=api_url or SLACK_API, token=token, at=at)
    source.settings = {"channels": channels}
    source.save(update_fields=["settings"])
    _add_secret(source=source, repository=None, secret=signing_secret, at=at)
    append(
        stream=f"source:{source.pk}",
        kind="source.connected",
        actor=actor,
        fact={"name": "slack", "channels": channels, "at": at.isoformat()},
        rows=[],
    )
    return source


@transaction.atomic
def connect_cloudflare(
    *, account: str, token: str, environments: Mapping[str, str], at: datetime, api_url: str = "", actor: str = "shell"
) -> Source:
    """Connect one Cloudflare account. ``environments`` maps domains to environments; the longest that fits a name counts.

    Run again it changes what is given. Raises ``ValueError`` in words.
    """
    if not ACCOUNT.fullmatch(account):
        raise ValueError(f"{account!r} is no account's id: 32 digits and letters a to f, in the address of the dashboard.")
    given = {"account": account}
    return _connect_console("cloudflare", api_url or CLOUDFLARE_API, token, given, environments, at, actor)


@transaction.atomic
def connect_doppler(
    *,
    token: str,
    environments: Mapping[str, str],
    at: datetime,
    secret: str = "",
    api_url: str = "",
    actor: str = "shell",
) -> Source:
    """Connect one Doppler workplace. ``environments`` maps Doppler's slugs to environments; prd, stg and dev are known.

    ``secret`` signs its webhooks; an added one is valid beside the old ones. Raises ``ValueError`` in words.
    """
    source = _connect_console("doppler", api_url or DOPPLER_API, token, {}, environments, at, actor)
    if secret:
        _add_secret(source=source, repository=None, secret=secret, at=at)
    return source


def _connect_console(
    kind: str, api_url: str, token: str, given: Mapping[str, str], environments: Mapping[str, str], at: datetime, actor: str
) -> Source:
    """A source whose console people edit. What was read of it stays known."""
    for name, word in environments.items():
        if word not in ENVIRONMENTS:
            raise ValueError(f"{name} is to be {word!r}. An environment is one of {', '.join(ENVIRONMENTS)}.")
    source = _source(name=kind, kind=kind, api_url=api_url, token=token, at=at)
    named = {**source.settings.get("environments", {}), **environments}
    source.settings = {**source.settings, **given, "environments": named}
    source.save(update_fields=["settings"])
    append(
        stream=f"source:{source.pk}",
        kind="source.connected",
        actor=actor,
        fact={"name": kind, **given, "environments": named, "at": at.isoformat()},
        rows=[],
    )
    return source


def _add_secret(*, source: Source, repository: Repository | None, secret: str, at: datetime) -> None:
    """Let this secret sign deliveries too, unless it does already."""
    known = HookSecret.objects.filter(source=source, repository=repository, retired_at=None)
    if not any(vault.open(bytes(item.secret_encrypted)) == secret for item in known):
        HookSecret.objects.create(source=source, repository=repository, secret_encrypted=vault.seal(secret), created_at=at)


@transaction.atomic
def replay(*, delivery: Delivery, by: User, at: datetime) -> None:
    """Put a set-aside delivery back into the queue. Raises ``Stale`` when it is not set aside any more."""
    moved = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.QUARANTINED).update(
        state=Delivery.State.NEW, attempts=0, not_before=None
    )
    if not moved:
        raise Stale("This delivery is not in quarantine any more.")
    append(
        stream=f"delivery:{delivery.pk}",
        kind="delivery.replayed",
        actor=actor_of(by),
        fact={"delivery": delivery.delivery_id, "by": by.name, "at": at.isoformat()},
        rows=[],
    )

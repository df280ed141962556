"""What the pages say about each vendor: where its credential comes from, what it must be able to do, where its webhook goes."""

from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from changes.connectors.actions import FLY_API, GITHUB_API, GITLAB_API
from changes.connectors.cloudflare.client import CLOUDFLARE_API
from changes.connectors.doppler.client import DOPPLER_API
from changes.connectors.models import Source
from changes.connectors.slack.client import SLACK_API

Signed = Literal["ours", "theirs", ""]


@dataclass(frozen=True)
class Guide:
    """One vendor. ``signed``: deliveries are signed with a secret of ours, one of theirs, or there are none."""

    kind: str
    title: str
    sentence: str
    api_url: str
    credential: str
    where: str
    needs: tuple[tuple[str, str], ...]
    signed: Signed = ""
    hook: str = ""
    """Where the webhook is set, and for which events."""


GUIDES: dict[str, Guide] = {
    guide.kind: guide
    for guide in (
        Guide(
            kind="github",
            title="GitHub",
            sentence="Pull requests, reviews, checks, deployments, rules and who has access.",
            api_url=GITHUB_API,
            credential="Token, or the App's private key",
            where="Best is a GitHub App, which GitHub makes below. A token stands under Settings, Developer settings.",
            needs=(
                ("contents, metadata, statuses, deployments, actions: read", "the facts themselves"),
                ("pull requests, checks: read and write", "reasons as comments; the check run Countersign (an App only)"),
                ("administration, members: read", "branch protection, rulesets, who has access"),
            ),
            signed="ours",
            hook=(
                "Settings, Webhooks of the repository or organisation; content type application/json; pull requests, reviews, "
                "check runs and suites, statuses, pushes, deployments and their reviews, rulesets, branch protection, members, "
                "repositories; of an organisation also teams, memberships, organizations."
            ),
        ),
        Guide(
            kind="gitea",
            title="Gitea or Forgejo",
            sentence="Pull requests, reviews, statuses and branch protection of a forge of your own.",
            api_url="",
            credential="Token",
            where="Settings, Applications of an account that administers the repositories.",
            needs=(
                ("repository: read and write", "the facts, and the status Countersign"),
                ("user: read", "which repositories there are"),
            ),
            signed="ours",
            hook="Settings, Webhooks of the repository, type Gitea or Forgejo, application/json; push, pull requests, statuses.",
        ),
        Guide(
            kind="gitlab",
            title="GitLab",
            sentence="Merge requests, approvals, pipelines and protected branches.",
            api_url=GITLAB_API,
            credential="Access token",
            where="User settings, Access tokens, of an account that maintains the projects.",
            needs=(("api", "the facts, and the status Countersign on commits"),),
            signed="ours",
            hook="Settings, Webhooks of the project: push events, merge request events, pipeline events; the secret token below.",
        ),
        Guide(
            kind="fly",
            title="Fly",
            sentence="Releases, machines, volumes, names of secrets, members.",
            api_url=FLY_API,
            credential="Read-only token",
            where="fly tokens create readonly <organisation>, on a machine where Fly's command line is signed in.",
            needs=(("read-only, for the organisation", "nothing here changes anything at Fly"),),
        ),
        Guide(
            kind="slack",
            title="Slack",
            sentence="The log of production changes, emergencies, reminders, and who is in the workspace.",
            api_url=SLACK_API,
            credential="Bot token (xoxb-…)",
            where="api.slack.com/apps, your app, OAuth & Permissions. docs/connectors/slack.md has the whole manifest.",
            needs=(
                ("chat:write, commands, reactions:read", "messages, /change, the +1"),
                ("users:read, users:read.email", "who is who, and who is in the workspace"),
                ("channels:read, channels:history, im:write, im:history", "the channels, and whether a message is there already"),
            ),
            signed="theirs",
            hook="Event Subscriptions, Interactivity and the slash command /change, all to this one address.",
        ),
        Guide(
            kind="doppler",
            title="Doppler",
            sentence="Names of secrets, logs, members. Never a value.",
            api_url=DOPPLER_API,
            credential="Service account token (dp.sa.…)",
            where="Team, Service Accounts, one with the role Viewer.",
            needs=(
                ("viewer of the projects", "names and logs"),
                ("logs, integrations, members", "who edited what, syncs to Fly"),
                ("team, service_accounts, service_account_api_tokens", "groups, roles, service accounts and their tokens"),
            ),
            signed="ours",
            hook="Project, Webhooks, with the signing secret; one for each project.",
        ),
        Guide(
            kind="cloudflare",
            title="Cloudflare",
            sentence="DNS, Access, members and the audit log.",
            api_url=CLOUDFLARE_API,
            credential="Account-owned API token",
            where="Manage Account, Account API Tokens, Create Custom Token.",
            needs=(
                ("Zone Read, DNS Read", "domains and their records"),
                ("Account Settings Read", "audit log, members, roles"),
                ("Access: Apps and Policies Read; Groups Read; Service Tokens Read", "who gets in where"),
            ),
        ),
    )
}


def addresses_for(kind: str) -> list[str]:
    """Where this vendor's API may be: its public address, those of the deployment's settings, and the one in use.

    Never what somebody types: an address is a setting, so that nobody sends a credential, or us, elsewhere (threat T5).
    """
    given = (entry.partition("=") for entry in settings.CONNECT_ADDRESSES)
    own = [address.rstrip("/") for name, _, address in given if name == kind and address]
    used = Source.objects.filter(kind=kind).values_list("api_url", flat=True)
    return list(dict.fromkeys(address for address in (*used, GUIDES[kind].api_url, *own) if address))


def web_address(api_url: str) -> str:
    """Where people see GitHub, by the address of its API."""
    return "https://github.com" if api_url == GITHUB_API else api_url.removesuffix("/api/v3")

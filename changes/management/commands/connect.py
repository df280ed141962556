"""`manage.py connect github …`, `… gitea|gitlab …`, `… fly …`, `… slack|doppler|cloudflare …`."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from changes.connectors.actions import (
    connect_cloudflare,
    connect_doppler,
    connect_fly,
    connect_gitea,
    connect_github,
    connect_gitlab,
    connect_slack,
)
from changes.connectors.checks import try_source
from changes.connectors.models import Source
from changes.delivery.models import Repository


class Command(BaseCommand):
    help = "Connect a repository at a forge, or an account at Fly, Slack, Doppler, Cloudflare. Run again to change what you give."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="github|gitea|gitlab|fly|slack|doppler|cloudflare")
        github = kinds.add_parser("github", help="put a repository in scope")
        github.add_argument("--repository", required=True, metavar="OWNER/NAME")
        github.add_argument("--secret", required=True, help="the webhook's secret; - reads it from standard input")
        github.add_argument("--main", default="", help="the branch that feeds staging (default main, or as it is)")
        github.add_argument("--prod", default="", help="the branch that feeds production (default prod, or as it is)")
        github.add_argument("--api-url", default="", help="another address of the API: GitHub Enterprise Server, a stand-in")
        github.add_argument("--token", default="", help="token that reads the API; - reads it from standard input")
        github.add_argument("--app-id", default="", help="GitHub App instead of a token; --token is its private key then")
        github.add_argument("--installation-id", default="")
        github.add_argument(
            "--decisions", default="", metavar="OWNER/NAME", help="the repository into which decisions of meetings are written"
        )
        github.add_argument("--clone-url", default="", help="where Git fetches it from")
        github.add_argument(
            "--approved-by",
            choices=["review", "portal"],
            default="review",
            help="review: an approving review on the promotion counts as approval; portal: only an approval in the portal",
        )
        _add_forges(kinds)
        _add_fly(kinds)
        slack = kinds.add_parser("slack", help="post to channels, and listen to commands, buttons and reactions")
        given = slack.add_mutually_exclusive_group(required=True)
        given.add_argument("--token", default="", help="the app's bot token (xoxb-…); - reads it from standard input")
        given.add_argument("--token-file", default="", help="a file that holds it")
        slack.add_argument("--signing-secret", required=True, help="of the app; - reads it from standard input")
        slack.add_argument("--channel", required=True, metavar="C…", help="id of the channel of production changes")
        slack.add_argument("--emergencies", default="", metavar="C…", help="id of the channel of emergencies (default: the same)")
        slack.add_argument("--api-url", default="", help="another address of the API: a stand-in")
        _add_consoles(kinds)
        for kind in kinds.choices.values():
            kind.add_argument("--test", action="store_true", help="then ask the vendor whether it works and what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['kind']}")(options)
            if options["test"]:
                self._test(options["kind"])
        except (ValueError, OSError) as problem:
            raise CommandError(str(problem)) from problem

    def _test(self, kind: str) -> None:
        """Say in words how the connection is. Raises ``ValueError`` when it does not work."""
        at = now()
        found = try_source(source=Source.objects.get(name=kind), actor="shell", at=at)
        if not found.works:
            raise ValueError(found.sentence(at=at))
        self.stdout.write(found.sentence(at=at))

    def _github(self, options: dict[str, Any]) -> None:
        row = connect_github(
            repository=options["repository"],
            secret=_given(options["secret"]),
            **_branches(options),
            api_url=options["api_url"],
            token=_given(options["token"]),
            app_id=options["app_id"],
            installation_id=options["installation_id"],
            clone_url=options["clone_url"],
            approved_by=options["approved_by"],
            decisions=options["decisions"],
            at=now(),
        )
        self.stdout.write(f"{row.name} is in scope: {row.main_branch} feeds staging, {row.prod_branch} feeds production.")
        self.stdout.write("Point its webhook at /hooks/github/ (content type application/json) with the same secret.")

    def _gitea(self, options: dict[str, Any]) -> None:
        self._forge(connect_gitea, options)
        self.stdout.write("Point its webhook (type Gitea or Forgejo, application/json) at /hooks/gitea/ with the same secret.")

    def _gitlab(self, options: dict[str, Any]) -> None:
        self._forge(connect_gitlab, options)
        self.stdout.write("Point its webhook (pushes, merge requests, pipelines) at /hooks/gitlab/ with the same secret token.")

    def _forge(self, connect: Callable[..., Repository], options: dict[str, Any]) -> None:
        row = connect(
            repository=options["repository"],
            secret=_given(options["secret"]),
            **_branches(options),
            api_url=options["api_url"],
            token=_given(options["token"]),
            clone_url=options["clone_url"],
            approved_by=options["approved_by"],
            at=now(),
        )
        self.stdout.write(f"{row.name} is in scope: {row.main_branch} feeds staging, {row.prod_branch} feeds production.")

    def _fly(self, options: dict[str, Any]) -> None:
        apps = dict(_app(text) for text in options["app"])
        secrets = dict(_secrets(text) for text in options["secrets"])
        source = connect_fly(
            org=options["org"],
            token=_given(options["token"]),
            api_url=options["api_url"],
            apps=apps,
            secrets=secrets,
            at=now(),
        )
        self.stdout.write(f"Fly is connected; {len(source.settings['apps'])} apps are read every minute.")

    def _slack(self, options: dict[str, Any]) -> None:
        token = Path(options["token_file"]).read_text().strip() if options["token_file"] else _given(options["token"])
        connect_slack(
            token=token,
            signing_secret=_given(options["signing_secret"]),
            channel=options["channel"],
            emergencies=options["emergencies"],
            api_url=options["api_url"],
            at=now(),
        )
        self.stdout.write("Slack is connected. Invite the app to its channels: /invite @Countersign.")
        self.stdout.write("Point its events, interactivity and the slash command /change at /hooks/slack/.")

    def _doppler(self, options: dict[str, Any]) -> None:
        connect_doppler(
            token=_given(options["token"]),
            secret=_given(options["secret"]),
            environments=_environments(options["environment"]),
            api_url=options["api_url"],
            at=now(),
        )
        self.stdout.write("Doppler is connected. Point the webhook of each project at /hooks/doppler/ with the same secret.")

    def _cloudflare(self, options: dict[str, Any]) -> None:
        connect_cloudflare(
            account=options["account"],
            token=_given(options["token"]),
            environments=_environments(options["environment"]),
            api_url=options["api_url"],
            at=now(),
        )
        self.stdout.write("Cloudflare is connected; its audit log is read every minute.")


def _environments(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if not all(name and word for name, _, word in pairs):
        raise ValueError("Write NAME=ENVIRONMENT, for example prd=production.")
    return {name: word for name, _, word in pairs}


def _add_consoles(kinds: Any) -> None:
    doppler = kinds.add_parser("doppler", help="read names of secrets, logs and members; never a value")
    doppler.add_argument("--secret", default="", help="signs its webhooks; - reads it from standard input")
    cloudflare = kinds.add_parser("cloudflare", help="read DNS, Access, members and the audit log of an account")
    cloudflare.add_argument("--account", required=True, help="the account's id")
    for console, example in ((doppler, "prd=production"), (cloudflare, "acme.example=production")):
        console.add_argument("--token", required=True, help="a token that only reads; - reads it from standard input")
        console.add_argument("--api-url", default="", help="another address of the API: a stand-in")
        console.add_argument(
            "--environment", action="append", default=[], metavar="NAME=ENVIRONMENT", help=f"for example {example}"
        )


def _add_fly(kinds: Any) -> None:
    fly = kinds.add_parser("fly", help="read the releases of an organisation's apps")
    fly.add_argument("--org", required=True)
    fly.add_argument("--token", required=True, help="a read-only token; - reads it from standard input")
    fly.add_argument("--api-url", default="")
    fly.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="APP=ENVIRONMENT:OWNER/NAME",
        help="for example web-prod=production:acme/web",
    )
    fly.add_argument(
        "--secrets",
        action="append",
        default=[],
        metavar="APP=PROJECT/CONFIG",
        help="the Doppler configuration that an app's secrets come from, where it cannot be told by their names",
    )


def _add_forges(kinds: Any) -> None:
    gitea = kinds.add_parser("gitea", help="put a repository at a Gitea or Forgejo in scope")
    gitea.add_argument("--api-url", required=True, help="for example https://git.example.com/api/v1")
    gitlab = kinds.add_parser("gitlab", help="put a project at a GitLab in scope")
    gitlab.add_argument("--api-url", default="", help="another address of the API: https://git.example.com/api/v4")
    for forge in (gitea, gitlab):
        forge.add_argument("--repository", required=True, metavar="OWNER/NAME")
        forge.add_argument("--secret", required=True, help="the webhook's secret; - reads it from standard input")
        forge.add_argument("--token", default="", help="token that reads the API; - reads it from standard input")
        forge.add_argument("--main", default="", help="the branch that feeds staging (default main, or as it is)")
        forge.add_argument("--prod", default="", help="the branch that feeds production (default prod, or as it is)")
        forge.add_argument("--clone-url", default="", help="where Git fetches it from")
        forge.add_argument("--approved-by", choices=["review", "portal"], default="review", help="as for github")


def _branches(options: dict[str, Any]) -> dict[str, str]:
    """The names of both branches: what is given, else what they are called so far."""
    known = Repository.objects.filter(forge=options["kind"], name=options["repository"]).first()
    so_far = {"main": known.main_branch, "prod": known.prod_branch} if known is not None else {}
    return {name: options[name] or so_far.get(name, name) for name in ("main", "prod")}


def _given(text: str) -> str:
    return sys.stdin.readline().strip() if text == "-" else text


def _app(text: str) -> tuple[str, tuple[str, str]]:
    app, _, rest = text.partition("=")
    environment, _, repository = rest.partition(":")
    if not (app and environment and repository):
        raise ValueError(f"{text!r}: write APP=ENVIRONMENT:OWNER/NAME, for example web-prod=production:acme/web.")
    return app, (environment, repository)


def _secrets(text: str) -> tuple[str, str]:
    app, _, config = text.partition("=")
    if not app or "/" not in config:
        raise ValueError(f"{text!r}: write APP=PROJECT/CONFIG, for example web-prod=web/prd.")
    return app, config

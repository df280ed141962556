"""The manifest flow: a browser posts what an App shall be, and is led back with a code that is worth its key, once.

docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest. GitHub asks the person first; here the App
is made at once.
"""

import json
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from portal.standins.github import tokens
from portal.standins.github.errors import GitHubError
from portal.standins.github.shapes import people
from portal.standins.web import Answer, Request, json_answer

if TYPE_CHECKING:
    from portal.standins.github.standin import GitHubStandIn

PAGE = re.compile(r"/github(?:/organizations/[A-Za-z0-9-]+)?/settings/apps/new")
CONVERSION = re.compile(r"/github/app-manifests/([A-Za-z0-9]+)/conversions")
NEEDED = ("url", "hook_attributes", "redirect_url", "default_permissions")


def answer(world: "GitHubStandIn", request: Request) -> Answer | None:
    """The two addresses of the flow; None for any other."""
    if request.method != "POST":
        return None
    if PAGE.fullmatch(request.path):
        return _made(world, request)
    found = CONVERSION.fullmatch(request.path)
    return _redeemed(world, found[1]) if found else None


def _made(world: "GitHubStandIn", request: Request) -> Answer:
    try:
        manifest: dict[str, Any] = json.loads(request.form().get("manifest", ""))
        lacking = [name for name in NEEDED if not manifest.get(name)]
    except ValueError:
        lacking = ["manifest"]
    if lacking:
        return Answer(422, f"The manifest lacks {', '.join(lacking)}".encode(), {"Content-Type": "text/plain"})
    code = secrets.token_hex(20)
    world.store.add("app_manifest", subject=code, body={"manifest": manifest})
    back = urlencode({"code": code, "state": request.query.get("state", "")})
    return Answer(302, headers={"Location": f"{manifest['redirect_url']}?{back}"})


def _redeemed(world: "GitHubStandIn", code: str) -> Answer:
    row = world.store.one("app_manifest", subject=code)
    if row is None:
        return GitHubError(404, "Not Found").answer()
    world.store.delete(row)
    secret = secrets.token_hex(20)
    world.send_hooks_to(row["manifest"]["hook_attributes"]["url"], secret=secret)
    made = people.app(world, "countersign")
    more = {"pem": tokens.private_key(world), "webhook_secret": secret, "client_secret": secrets.token_hex(20)}
    return json_answer({**made, **more}, status=201)

"""What Countersign asks Slack's Web API. Errors are ``Passing`` or ``Permanent``, in words that a person can act on.

https://docs.slack.dev/apis/web-api. A refusal comes with status 200 and ``{"ok": false, "error": …}``; too much is 429
with ``Retry-After``. Methods that read take their arguments in the address, methods that write take JSON.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from changes.connectors.addresses import BadAddress, base_of
from changes.connectors.answer import Answer
from changes.connectors.errors import AddressRefused, Forbidden, Invalid, NotFound, NotJson, Passing, Permanent, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.http import Client
from changes.connectors.models import Source
from portal import vault

Given = ParamSpec("Given")
Got = TypeVar("Got")
SLACK_API = "https://slack.com/api"
RESPONSES = "hooks.slack.com"
"""The only host that answers to commands and buttons go to (threat T4)."""
BUDGET = 20.0
"""Seconds for all requests of one object together."""
PAGE = 200
PAGES = 50
WAIT = 30.0
"""Seconds, when Slack limits us without saying how long."""
EVENT_TYPE = "countersign_message"
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
LIMITS = frozenset({"ratelimited", "rate_limited"})
WORDS: Mapping[str, tuple[type[Permanent], str]] = {
    "not_authed": (Unauthorised, "no token was sent; connect Slack again with --token"),
    "invalid_auth": (Unauthorised, "the token is not valid; connect Slack again with the app's bot token"),
    "account_inactive": (Unauthorised, "the app was removed from the workspace; install it again"),
    "token_revoked": (Unauthorised, "the token was revoked; install the app again and connect Slack with its new token"),
    "token_expired": (Unauthorised, "the token has expired; connect Slack with a new one"),
    "missing_scope": (Forbidden, "the app lacks a scope"),
    "not_in_channel": (Forbidden, "the app is not in the channel; write /invite @Countersign there"),
    "restricted_action": (Forbidden, "the workspace does not let the app do this"),
    "is_archived": (Invalid, "the channel is archived; connect Slack with another --channel"),
    "channel_not_found": (NotFound, "there is no such channel, or it is private and the app is not in it"),
    "users_not_found": (NotFound, "nobody has this e-mail address"),
    "user_not_found": (NotFound, "there is no such user"),
    "message_not_found": (NotFound, "the message is not there; somebody may have deleted it"),
    "thread_not_found": (NotFound, "the thread is not there; somebody may have deleted its first message"),
    "msg_too_long": (Invalid, "the message is too long"),
    "invalid_blocks": (Invalid, "the message's blocks are not as Slack wants them"),
}


@dataclass(frozen=True)
class Workspace:
    """Who we are at Slack. ``scopes`` is empty when Slack did not say."""

    team: str
    team_name: str
    url: str
    user: str
    bot: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Channel:
    id: str
    name: str
    is_member: bool
    is_archived: bool


@dataclass(frozen=True)
class Account:
    """A user of the workspace. ``email`` is empty when Slack does not tell it, or does not say that it was confirmed."""

    id: str
    team: str
    email: str
    is_person: bool
    """Neither a bot nor deactivated."""
    login: str = ""
    name: str = ""
    is_bot: bool = False


def usable(method: Callable[Given, Got]) -> Callable[Given, Got]:
    """An answer that lacks something, or holds it in another type, is ``NotJson``: one kind of error for callers."""

    @wraps(method)
    def asking(*args: Given.args, **kwargs: Given.kwargs) -> Got:
        try:
            return method(*args, **kwargs)
        except (Incomplete, Unreadable) as wrong:
            raise NotJson(f"Slack's answer cannot be used: {wrong}") from None

    return asking


@dataclass
class Slack:
    """One workspace. Every request counts against one budget of seconds."""

    source: Source
    budget: float = BUDGET
    _until: float = field(init=False, repr=False)
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.budget
        headers = {"User-Agent": "Countersign", "Accept": "application/json"}
        if token := _token(self.source):
            headers["Authorization"] = f"Bearer {token}"
        self._client = Client(base_url=self.source.api_url, headers=headers)

    @usable
    def whoami(self) -> Workspace:
        """``auth.test``; the scopes stand in a header of every answer."""
        answer, fields = self._ask("auth.test", body={})
        said = answer.headers.get("x-oauth-scopes", "")
        return Workspace(
            team=fields.needed_text("team_id"),
            team_name=fields.text("team") or "",
            url=fields.text("url") or "",
            user=fields.needed_text("user_id"),
            bot=fields.text("bot_id") or "",
            scopes=frozenset(scope.strip() for scope in said.split(",") if scope.strip()),
        )

    @usable
    def channel(self, *, channel: str) -> Channel:
        """A channel by its id."""
        found = self._fields("conversations.info", query={"channel": channel}).needed("channel")
        member, archived = found.flag("is_member"), found.flag("is_archived")
        return Channel(channel, found.text("name") or channel, member is not False, archived is True)

    @usable
    def channels(self) -> list[Channel]:
        """The public channels, and the private ones that the app is in (``conversations.list``)."""
        found: list[Channel] = []
        query: dict[str, str | int] = {"limit": PAGE, "exclude_archived": "true"}
        for _ in range(PAGES):
            page = self._fields("conversations.list", query=query)
            for row in page.items("channels"):
                name, member, archived = row.text("name") or "", row.flag("is_member"), row.flag("is_archived")
                found.append(Channel(row.needed_text("id"), name, member is True, archived is True))
            more = page.within("response_metadata")
            query["cursor"] = (more.text("next_cursor") if more else "") or ""
            if not query["cursor"]:
                break
        return found

    @usable
    def find(self, *, channel: str, name: str, oldest: float, thread_ts: str = "") -> str:
        """The ts of our own message of this name in a channel or a thread, not older than ``oldest``; empty when not there."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        query: dict[str, str | int] = {"channel": channel, "limit": PAGE, "include_all_metadata": "true"}
        query |= {"ts": thread_ts} if thread_ts else {"oldest": f"{oldest:.6f}"}
        for _ in range(PAGES):
            page = self._fields(method, query=query)
            for message in page.items("messages"):
                if _name_in(message) == name:
                    return message.needed_text("ts")
            more = page.within("response_metadata")
            query["cursor"] = (more.text("next_cursor") if more else "") or ""
            if not query["cursor"]:
                return ""
        raise Invalid(f"Slack: more than {PAGE * PAGES} messages came since; it cannot be told whether this one was posted")

    @usable
    def post(self, *, channel: str, message: Mapping[str, Any], name: str = "", thread_ts: str = "") -> str:
        """Post once; the caller has looked before whether a message of this name is there. Returns the ts."""
        body = {"channel": channel, **message, "unfurl_links": False, "unfurl_media": False}
        body |= {"metadata": _metadata(name)} if name else {}
        body |= {"thread_ts": thread_ts} if thread_ts else {}
        return self._fields("chat.postMessage", body=body).needed_text("ts")

    def update(self, *, channel: str, ts: str, message: Mapping[str, Any], name: str) -> None:
        """Replace a message of ours."""
        self._ask("chat.update", body={"channel": channel, "ts": ts, **message, "metadata": _metadata(name)})

    @usable
    def permalink(self, *, channel: str, ts: str) -> str:
        """The address of a message."""
        return self._fields("chat.getPermalink", query={"channel": channel, "message_ts": ts}).needed_text("permalink")

    def whisper(self, *, channel: str, user: str, text: str, thread_ts: str = "") -> None:
        """Tell one person something in a channel, seen by nobody else."""
        where = {"channel": channel, "user": user, **({"thread_ts": thread_ts} if thread_ts else {})}
        self._ask("chat.postEphemeral", body={**where, "text": text})

    @usable
    def direct(self, *, user: str) -> str:
        """The channel of direct messages with a person."""
        return self._fields("conversations.open", body={"users": user}).needed("channel").needed_text("id")

    @usable
    def account(self, *, user: str) -> Account:
        """A user by Slack's id."""
        return _account(self._fields("users.info", query={"user": user}).needed("user"))

    @usable
    def account_with(self, *, email: str) -> Account:
        """A user by e-mail address. Raises ``NotFound``."""
        return _account(self._fields("users.lookupByEmail", query={"email": email}).needed("user"))

    @usable
    def users(self) -> list[Fields]:
        """Everybody of the workspace, deactivated ones and bots included (``users.list``)."""
        found: list[Fields] = []
        query: dict[str, str | int] = {"limit": PAGE}
        for _ in range(PAGES):
            page = self._fields("users.list", query=query)
            found += page.items("members")
            more = page.within("response_metadata")
            query["cursor"] = (more.text("next_cursor") if more else "") or ""
            if not query["cursor"]:
                return found
        raise Invalid(f"Slack: the workspace has more than {PAGE * PAGES} accounts")

    def respond(self, *, response_url: str, text: str) -> None:
        """Answer a command or a button, seen only by whoever used it. Raises ``AddressRefused`` for a foreign address."""
        base, path = response_place(response_url=response_url, api_url=self.source.api_url)
        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        Client(base_url=base, headers={"User-Agent": "Countersign"}).request(
            path=path, method="POST", body=body, deadline=self._left()
        ).checked()

    def _fields(self, method: str, **request: Any) -> Fields:
        return self._ask(method, **request)[1]

    def _ask(self, method: str, *, query: Mapping[str, str | int] | None = None, body: Any = None) -> tuple[Answer, Fields]:
        how = "GET" if body is None else "POST"
        answer = self._client.request(path=f"/{method}", method=how, query=query, body=body, deadline=self._left())
        said = answer.checked().json()
        if not isinstance(said, dict):
            raise NotJson(f"Slack: {method} did not answer with an object")
        if said.get("ok") is not True:
            raise refusal(method=method, said=said, wait=answer.retry_after())
        return answer, Fields(values=said, path=method)

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Passing("Slack took too long for one turn", retry_after=1.0)
        return left


def refusal(*, method: str, said: Mapping[str, Any], wait: float | None) -> Passing | Permanent:
    """The error of ``{"ok": false, "error": …}``; ``wait`` is the Retry-After in seconds."""
    code = _word(said.get("error"), "_") or "an error without a name"
    if code in LIMITS:
        return Passing(f"Slack: {method} is asked too often", retry_after=wait or WAIT)
    if code in PASSING:
        return Passing(f"Slack: {method} answered {code}", retry_after=wait)
    kind, words = WORDS.get(code, (Invalid, f"{method} answered {code}"))
    if code == "missing_scope" and (needed := _word(said.get("needed"), "_:.,")):
        words = f"{words} ({needed}); add it and install the app again"
    return kind(f"Slack: {words}")


def _word(value: Any, more: str) -> str:
    """What a vendor named, without anything that could be more than a name."""
    return "".join(sign for sign in str(value or "") if (sign.isascii() and sign.isalnum()) or sign in more)[:100]


def response_place(*, response_url: str, api_url: str) -> tuple[str, str]:
    """(base address, path) of a response_url. It must lie at hooks.slack.com, or where the API itself lies at a stand-in.

    Raises ``AddressRefused``: the address comes out of a request, and a token of trust never follows it elsewhere.
    """
    parts = urlsplit(response_url)
    try:
        base, api = base_of(url=f"{parts.scheme}://{parts.netloc}"), base_of(url=api_url)
    except BadAddress:
        raise AddressRefused("Slack: the address to answer to is no plain address") from None
    real = base.origin == f"https://{RESPONSES}"
    if not (real or (api.origin != base_of(url=SLACK_API).origin and base.origin == api.origin)) or parts.query or parts.fragment:
        raise AddressRefused(f"Slack: answers go to {RESPONSES} only")
    return base.origin, parts.path or "/"


def _metadata(name: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"name": name}}


def _name_in(message: Fields) -> str:
    metadata = message.within("metadata")
    if metadata is None or metadata.text("event_type") != EVENT_TYPE:
        return ""
    payload = metadata.within("event_payload")
    return (payload.text("name") if payload else "") or ""


def _account(fields: Fields) -> Account:
    profile = fields.within("profile")
    confirmed = fields.flag("is_email_confirmed") is True
    return Account(
        id=fields.needed_text("id"),
        team=fields.text("team_id") or "",
        email=((profile.text("email") if profile else "") or "") if confirmed else "",
        is_person=not (fields.flag("is_bot") or fields.flag("deleted") or fields.flag("is_workflow_bot")),
        login=fields.text("name") or "",
        name=((profile.text("real_name") if profile else "") or fields.text("real_name")) or "",
        is_bot=bool(fields.flag("is_bot") or fields.flag("is_workflow_bot")),
    )


def _token(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None

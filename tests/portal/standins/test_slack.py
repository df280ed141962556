"""The Slack stand-in: the Web API as Slack answers it, requests in the shapes that Slack sends, and the page."""

import hashlib
import hmac
import json
import threading
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import httpx
import pytest

from portal.standins.slack import SlackError
from portal.standins.together import StandIns
from tests.pace import SHARED
from tests.portal.standins.vendors import official

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BUTTONS = [
    {"type": "section", "text": {"type": "plain_text", "text": "Search is down"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "+1"}, "action_id": "plus_one", "value": "7"},
            {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "action_id": "open", "url": "http://127.0.0.1:1/"},
        ],
    },
]


class Portal:
    """Takes what the stand-in sends and answers as told."""

    def __init__(self):
        self.status, self.answer, self.taken = 200, b"", []
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                portal.taken.append((dict(self.headers), body))
                self.send_response(portal.status)
                self.send_header("Content-Length", str(len(portal.answer)))
                self.end_headers()
                self.wfile.write(portal.answer)

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/slack/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def portal():
    made = Portal()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def slack(slack_standin, portal):
    slack_standin.hooks(url=portal.url, secret=SECRET)
    return slack_standin


def call(slack, method, body=None, *, token="", **query):
    headers = {"Authorization": f"Bearer {token or slack.token}"}
    if body is None:
        return httpx.get(f"{slack.api_url}/{method}", params=query, headers=headers, timeout=5 * SHARED).json()
    return httpx.post(f"{slack.api_url}/{method}", json=body, headers=headers, timeout=5 * SHARED).json()


def post(slack, text="hello", channel="emergencies", **more):
    return call(slack, "chat.postMessage", {"channel": slack.channel(channel)["channel_id"], "text": text, **more})


def shape(name):
    return official(f"slack/shapes/java-sdk/{name}.json")


def example(method):
    return official(f"slack/responses/spec/{method}.json")["200"]


def test_answers_hold_only_fields_that_slack_has_been_seen_to_send(slack):
    posted = post(slack)
    where, ann = posted["channel"], slack.user("ann")["user_id"]
    made = {
        "auth.test": call(slack, "auth.test", {}),
        "users.info": call(slack, "users.info", user=ann),
        "users.list": call(slack, "users.list"),
        "users.lookupByEmail": call(slack, "users.lookupByEmail", email="ANN@northwind.example"),
        "conversations.info": call(slack, "conversations.info", channel=where),
    }

    for method, answer in made.items():
        known = shape(f"api.{method}")
        assert answer["ok"] is True
        assert set(answer) <= set(known)
        for inner in ("user", "channel", "members"):
            if isinstance(answer.get(inner), list):
                assert all(set(one) <= set(known[inner][0]) for one in answer[inner])
            if isinstance(answer.get(inner), dict):
                assert set(answer[inner]) <= set(known[inner])
                assert set(answer[inner].get("profile", {})) <= set(known[inner].get("profile", {}))


@pytest.mark.parametrize(
    "method", ["chat.postMessage", "chat.update", "chat.getPermalink", "conversations.open", "conversations.list"]
)
def test_answers_have_the_fields_of_the_official_examples(slack, method):
    posted = post(slack)
    place = {"channel": posted["channel"], "ts": posted["ts"]}
    asked = {
        "chat.postMessage": lambda: post(slack),
        "chat.update": lambda: call(slack, method, {**place, "text": "b"}),
        "chat.getPermalink": lambda: call(slack, method, channel=place["channel"], message_ts=place["ts"]),
        "conversations.open": lambda: call(slack, method, {"users": slack.user("ann")["user_id"]}),
        "conversations.list": lambda: call(slack, method),
    }

    assert set(example(method)) <= set(asked[method]())


def test_requests_have_the_fields_that_slack_sends(slack, portal):
    ts = post(slack, blocks=BUTTONS)["ts"]
    slack.react(channel="emergencies", ts=ts, by="bob")
    slack.unreact(channel="emergencies", ts=ts, by="bob")
    slack.flush()
    slack.command(by="ann", channel="emergencies", text="emergency a & b <c>")
    slack.press(channel="emergencies", ts=ts, by="bob", action="plus_one")
    (_, added), (_, removed), (_, command), (_, pressed) = portal.taken
    button = json.loads(parse_qs(pressed.decode())["payload"][0])
    fields = parse_qs(command.decode(), keep_blank_values=True)

    for body, name in ((added, "ReactionAddedPayload"), (removed, "ReactionRemovedPayload")):
        assert set(json.loads(body)) == set(shape(name)) - {"enterprise_id"}
        assert set(json.loads(body)["event"]) == set(shape(name)["event"])
    assert set(fields) <= set(shape("SlashCommandPayload"))
    assert fields["text"] == ["emergency a &amp; b &lt;c&gt;"]
    assert set(button) <= set(shape("BlockActionPayload"))
    assert set(button["actions"][0]) <= set(shape("BlockActionPayload")["actions"][0])
    assert set(official("slack/inbound/bolt-python/block_actions.body.json")) <= {*button, "is_ephemeral"}


def test_requests_are_signed_with_the_time(slack, portal):
    slack.command(by="ann", text="help")
    headers, body = portal.taken[0]
    stamp = headers["X-Slack-Request-Timestamp"]
    signed = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()

    slack.faults.switch({"hooks": {"bad_signature": 1}})
    slack.command(by="ann", text="help")

    assert headers["X-Slack-Signature"] == f"v0={signed}"
    assert portal.taken[1][0]["X-Slack-Signature"] != f"v0={signed}"


def test_an_event_that_was_not_taken_is_sent_again_with_its_number(slack, portal):
    slack.requests.retries = (0.0, 0.05)
    portal.status = 503

    slack.say(channel="emergencies", by="ann", text="hello")
    slack.flush()
    for _ in range(100):
        if len(portal.taken) == 3:
            break
        threading.Event().wait(0.02)

    assert [headers.get("X-Slack-Retry-Num") for headers, _ in portal.taken] == [None, "1", "2"]
    assert {headers.get("X-Slack-Retry-Reason") for headers, _ in portal.taken} == {None, "http_error"}
    assert len({json.loads(body)["event_id"] for _, body in portal.taken}) == 1


def test_events_can_be_doubled_lost_shuffled_and_sent_again(slack, portal):
    slack.faults.switch({"hooks": {"duplicate": 1}})
    slack.say(channel="emergencies", by="ann", text="one")
    slack.flush()
    doubled = len(portal.taken)
    slack.faults.switch({"hooks": {"drop_every": 1}})
    slack.say(channel="emergencies", by="ann", text="two")
    slack.flush()
    lost = len(portal.taken)
    slack.faults.switch({"hooks": {"shuffle": 5, "delay": 0.01}})
    for text in "abcd":
        slack.say(channel="emergencies", by="ann", text=text)
    held = len(portal.taken)
    slack.flush()
    slack.faults.switch({})
    slack.send_again(number=2)
    slack.flush()

    assert (doubled, lost, held, len(portal.taken)) == (2, 2, 2, 7)
    assert portal.taken[-1][0]["X-Slack-Retry-Num"] == "2"


def test_what_a_command_is_answered_is_seen_by_its_author_only(slack, portal):
    portal.answer = b'{"response_type": "ephemeral", "text": "Received."}'

    outcome = slack.command(by="ann", channel="emergencies", text="emergency x")
    url = parse_qs(portal.taken[0][1].decode())["response_url"][0]
    codes = [httpx.post(url, json={"text": f"Answer {number}"}).status_code for number in range(6)]

    assert outcome["status"] == 200
    assert codes == [200] * 5 + [404]
    assert slack.told(by="ann") == ["Received.", *(f"Answer {number}" for number in range(5))]
    assert slack.told(by="bob") == []
    assert httpx.post(url + "9", json={"text": "x"}).status_code == 404
    assert httpx.post(url.rsplit("/", 1)[0] + "/x", json={"text": "x"}).status_code == 404


def test_an_answer_must_be_json_with_words(slack, portal):
    slack.command(by="ann", text="help")
    url = parse_qs(portal.taken[0][1].decode())["response_url"][0]

    assert [httpx.post(url, content=body).text for body in (b"{", b"{}")] == ["invalid_payload", "no_text"]


def test_a_portal_that_is_away_is_told_to_the_person(slack_standin):
    outcome = slack_standin.command(by="ann", channel="emergencies", text="help")

    assert outcome["status"] == 0
    assert slack_standin.told(by="ann", channel="emergencies") == ["/change failed because the app did not respond"]


@pytest.mark.parametrize(("answer", "proven"), [(b'{"challenge": "abc"}', True), (b"", False)])
def test_the_address_proves_itself_with_the_challenge(slack, portal, answer, proven):
    portal.answer = answer

    assert slack.verify(challenge="abc") is proven
    assert json.loads(portal.taken[0][1])["type"] == "url_verification"


REFUSED = {
    "not in the channel": ({"app": False}, "chat.postMessage", {"text": "x"}, "not_in_channel"),
    "archived": ({"archived": True}, "chat.postMessage", {"text": "x"}, "is_archived"),
    "nothing to say": ({}, "chat.postMessage", {}, "no_text"),
    "too long": ({}, "chat.postMessage", {"text": "x" * 40_001}, "msg_too_long"),
    "no such thread": ({}, "chat.postMessage", {"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    "51 blocks": ({}, "chat.postMessage", {"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    "an unknown block": ({}, "chat.postMessage", {"text": "x", "blocks": [{"type": "song"}]}, "invalid_blocks"),
    "no blocks at all": ({}, "chat.postMessage", {"text": "x", "blocks": ["a"]}, "invalid_blocks"),
    "a section without text": ({}, "chat.postMessage", {"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
    "blocks that are no JSON": ({}, "chat.postMessage", {"text": "x", "blocks": "["}, "invalid_arguments"),
    "metadata without a payload": (
        {},
        "chat.postMessage",
        {"text": "x", "metadata": {"event_type": "a"}},
        "invalid_metadata_format",
    ),
    "no such message": ({}, "chat.update", {"ts": "1.000001", "text": "x"}, "message_not_found"),
    "no such user": ({}, "chat.postEphemeral", {"user": "U1", "text": "x"}, "user_not_found"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_message_is_refused_as_slack_refuses_it(slack, case):
    changed, method, body, error = REFUSED[case]
    where = slack.change_channel(channel="emergencies", **changed)["channel_id"]

    assert call(slack, method, {"channel": where, **body}) == {"ok": False, "error": error}


def test_a_token_must_be_right_and_have_the_scope(slack):
    answers = [
        httpx.post(f"{slack.api_url}/auth.test").json(),
        call(slack, "auth.test", {}, token="xoxb-other"),
        httpx.post(f"{slack.api_url}/auth.test", data={"token": slack.token}).json(),
        call(slack, "nothing.here"),
    ]
    slack.set_scopes(scopes=["chat:write"])
    lacking = [call(slack, "users.info", user="ann"), call(slack, "conversations.history", channel="emergencies")]
    old = slack.token
    slack.revoke_token()

    assert [answer.get("error", "ok") for answer in answers] == ["not_authed", "invalid_auth", "ok", "unknown_method"]
    assert [(answer["error"], answer["needed"]) for answer in lacking] == [
        ("missing_scope", "users:read"),
        ("missing_scope", "channels:history"),
    ]
    assert call(slack, "auth.test", {}, token=old)["error"] == "invalid_auth"


def test_methods_that_read_do_not_take_json(slack):
    body = {"channel": slack.channel("emergencies")["channel_id"]}

    assert call(slack, "conversations.info", body)["error"] == "channel_not_found"
    assert httpx.post(f"{slack.api_url}/conversations.info", data=body, headers={"Authorization": f"Bearer {slack.token}"}).json()[
        "ok"
    ]
    assert httpx.post(
        f"{slack.api_url}/auth.test",
        content=b"{",
        headers={"Authorization": f"Bearer {slack.token}", "Content-Type": "application/json"},
    ).json() == {"ok": False, "error": "invalid_json"}


def test_threads_and_history_come_in_pages(slack):
    first = post(slack, "one", metadata={"event_type": "a", "event_payload": {"name": "x"}})
    replies = [post(slack, f"reply {number}", thread_ts=first["ts"])["ts"] for number in range(3)]
    post(slack, "reply to a reply", thread_ts=replies[0])
    last = post(slack, "two")
    where = first["channel"]

    page = call(slack, "conversations.history", channel=where, limit=1)
    rest = call(
        slack, "conversations.history", channel=where, cursor=page["response_metadata"]["next_cursor"], include_all_metadata="true"
    )
    thread = call(slack, "conversations.replies", channel=where, ts=first["ts"])
    newer = call(slack, "conversations.history", channel=where, oldest=first["ts"])
    with_it = call(slack, "conversations.history", channel=where, oldest=first["ts"], inclusive="true")

    assert ([row["ts"] for row in page["messages"]], page["has_more"]) == ([last["ts"]], True)
    assert [row.get("metadata") for row in rest["messages"]] == [{"event_type": "a", "event_payload": {"name": "x"}}]
    assert [row["text"] for row in thread["messages"]] == ["one", "reply 0", "reply 1", "reply 2", "reply to a reply"]
    assert "metadata" not in thread["messages"][0]
    assert (len(newer["messages"]), len(with_it["messages"])) == (1, 2)
    assert call(slack, "conversations.history", channel=where, cursor="?")["error"] == "invalid_cursor"
    assert call(slack, "conversations.replies", channel=where, ts="1.0")["error"] == "thread_not_found"


def test_messages_of_people_are_not_the_apps_to_change(slack):
    said = slack.say(channel="emergencies", by="ann", text="mine")
    place = {"channel": slack.channel("emergencies")["channel_id"], "ts": said["ts"]}
    own = post(slack, "ours")

    errors = [call(slack, method, {**place, "text": "x"})["error"] for method in ("chat.update", "chat.delete")]
    gone = call(slack, "chat.delete", {"channel": own["channel"], "ts": own["ts"]})

    assert errors == ["cant_update_message", "cant_delete_message"]
    assert gone["ok"]
    assert slack.posts(channel="emergencies") == []


def test_the_app_reacts_too_and_nobody_twice(slack, portal):
    ts = post(slack)["ts"]
    place = {"channel": slack.channel("emergencies")["channel_id"], "timestamp": ts, "name": "thumbsup"}

    answers = [call(slack, f"reactions.{what}", place) for what in ("add", "add", "remove", "remove")]
    slack.react(channel="emergencies", ts=ts, by="ann", name="+1::skin-tone-2")
    slack.flush()
    shown = call(slack, "reactions.get", channel=place["channel"], timestamp=ts)["message"]["reactions"]

    assert [answer.get("error", "ok") for answer in answers] == ["ok", "already_reacted", "ok", "no_reaction"]
    assert [json.loads(body)["event"]["reaction"] for _, body in portal.taken] == ["+1", "+1", "+1::skin-tone-2"]
    assert shown == [{"name": "+1::skin-tone-2", "users": [slack.user("ann")["user_id"]], "count": 1}]


def test_people_are_found_by_address_unless_they_left_or_belong_elsewhere(slack):
    slack.change_user(name="rex", deleted=True)
    slack.add_user(name="kim", email="kim@elsewhere.example", team="T0ELSEWHER")
    emails = ("bob@northwind.example", "rex@northwind.example", "kim@elsewhere.example", "nobody@northwind.example")

    found = [call(slack, "users.lookupByEmail", email=email).get("error", "ok") for email in emails]

    assert found == ["ok", "users_not_found", "users_not_found", "users_not_found"]
    slack.set_scopes(scopes=["users:read"])
    assert "email" not in call(slack, "users.info", user=slack.user("bob")["user_id"])["user"]["profile"]


def test_a_private_channel_is_hidden_from_an_app_that_is_not_in_it(slack):
    row = slack.add_channel(name="secret", private=True, app=False)

    answers = [call(slack, "conversations.info", channel=row["channel_id"]), post(slack, channel="secret")]

    assert [answer["error"] for answer in answers] == ["channel_not_found", "channel_not_found"]
    assert "secret" not in [one["name"] for one in call(slack, "conversations.list")["channels"]]
    slack.change_channel(channel="secret", app=True)
    assert call(slack, "conversations.history", channel=row["channel_id"])["needed"] == "groups:history"


def test_faults_come_in_slacks_own_form(slack):
    slack.faults.switch({"rules": [{"fault": "secondary-429", "seconds": 7, "times": 1}, {"fault": "503", "times": 1}]})
    headers = {"Authorization": f"Bearer {slack.token}"}

    limited, broken = (httpx.post(f"{slack.api_url}/auth.test", headers=headers) for _ in range(2))

    assert (limited.status_code, limited.headers["retry-after"], limited.json()) == (
        429,
        "7",
        {"ok": False, "error": "ratelimited"},
    )
    assert (broken.status_code, broken.json()["error"]) == (503, "internal_error")


def test_acts_say_why_not(slack):
    said = slack.say(channel="emergencies", by="ann", text="x")

    for act, arguments, words in (
        ("explode", {}, "there is no act"),
        ("say", {"colour": "red"}, "unexpected keyword"),
        ("say", {"channel": "nowhere", "by": "ann", "text": "x"}, "channel_not_found"),
        ("press", {"channel": "emergencies", "ts": said["ts"], "by": "ann", "action": "a"}, "no such button"),
        ("delete", {"channel": "emergencies", "ts": "1.0"}, "message_not_found"),
    ):
        with pytest.raises(SlackError, match=words):
            slack.perform(act, arguments)
    assert slack.perform("messages", {"channel": "emergencies"})[0]["text"] == "x"


@pytest.fixture
def standins(tmp_path, portal):
    made = StandIns(tmp_path / "standins")
    made.start()
    made.vendors.slack.hooks(url=portal.url, secret=SECRET)
    yield made
    made.stop()


def page(standins, **query):
    answer = httpx.get(f"{standins.vendors.url}/slack", params=query)
    return answer.status_code, unescape(answer.text)


def push(standins, what, **fields):
    return httpx.post(
        f"{standins.vendors.url}/slack/{what}", data={"as": "ann", "in": "emergencies", **fields}, follow_redirects=True
    )


def test_a_person_plays_in_slack_with_the_page(standins, portal, monkeypatch):
    monkeypatch.setattr("portal.standins.slack.page.ANSWER_WITHIN", 0.05)
    slack = standins.vendors.slack
    empty = page(standins)[1]
    for name, real_name in (("ann", "Ann Berg"), ("bob", "Bob Okafor")):
        slack.add_user(name=name, real_name=real_name, email=f"{name}@northwind.example")
    slack.add_channel(name="emergencies")
    ts = post(slack, "fallback", blocks=BUTTONS)["ts"]
    post(slack, "<b>in the thread</b>", thread_ts=ts)
    portal.answer = b'{"text": "Received."}'

    push(standins, "write", title="/change emergency a | b")
    push(standins, "write", title="Who looks?")
    push(standins, "react", ts=ts)
    push(standins, "press", ts=ts, action="plus_one")
    seen = page(standins, **{"as": "ann", "in": "emergencies"})[1]
    others = page(standins, **{"as": "bob", "in": "emergencies"})[1]
    push(standins, "unreact", ts=ts)
    slack.flush()

    assert "Nobody is here yet" in empty
    for words in ("Search is down", "Who looks?", "Received.", "only visible to you", "Take :+1: back", "+1 × 1", ">Open</a>"):
        assert words in seen
    assert "<b>in" not in httpx.get(f"{standins.vendors.url}/slack?in=emergencies").text
    assert "Received." not in others
    assert [json.loads(body)["event"]["type"] for headers, body in portal.taken if "json" in headers["Content-Type"]] == [
        "message",
        "reaction_added",
        "reaction_removed",
    ]
    assert slack.messages(channel="emergencies")[0]["reactions"] == {}


def test_the_page_of_slack_says_what_is_wrong(standins):
    slack = standins.vendors.slack
    slack.add_user(name="ann")
    slack.add_channel(name="emergencies")

    wrong = push(standins, "react", ts="1.0")
    direct = page(standins, **{"as": "ann", "in": "direct-messages"})[1]

    assert "message not found" in wrong.text
    assert "Direct messages with Countersign" in direct
    assert push(standins, "write", **{"in": "direct-messages"}, title="hello").status_code == 200
    assert page(standins, **{"as": "nobody"})[0] == 404
    assert httpx.post(f"{standins.vendors.url}/slack/write", data={}).status_code == 400


def test_the_control_door_plays_in_slack(standins):
    headers = {"X-Stand-In": "test"}

    def do(act, **arguments):
        answer = httpx.post(f"{standins.vendors.url}/_control/slack/{act}", json=arguments, headers=headers)
        return answer.status_code, answer.json()

    do("add_user", name="ann", email="ann@northwind.example")
    do("add_channel", name="emergencies")
    said = do("say", channel="emergencies", by="ann", text="hello", at="2026-11-20T10:00:00Z")
    wrong = do("say", channel="emergencies", by="nobody", text="x")
    state = httpx.get(f"{standins.vendors.url}/_control/state", headers=headers).json()["result"]["slack"]

    assert said[1]["result"]["ts"].startswith("1795")
    assert wrong == (422, {"error": "user not found", "status": 200})
    assert (state["signing_secret"], list(state["channels"]), list(state["users"])) == (SECRET, ["emergencies"], ["ann"])
    assert call(standins.vendors.slack, "auth.test", {}, token=state["token"])["team_id"] == state["team"]

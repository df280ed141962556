"""Whatever the bytes are: facts, "unknown", "incomplete", or a plain reason, and never another exception (threat T22)."""

import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changes.connectors.answer import Answer
from changes.connectors.fields import clean, clean_json, moment
from changes.connectors.gitea.payloads import parse as parse_gitea
from changes.connectors.github.payloads import EVENTS, Disagrees, Parsed, Unreadable, parse
from changes.connectors.gitlab.payloads import parse as parse_gitlab
from changes.delivery.facts import CheckReported, PullRequestReported
from tests.changes.connectors.github import made, vendor_data

POISON = {
    "nothing": (b"", "not JSON"),
    "no JSON": (b"hello", "not JSON"),
    "a form": (b"payload=%7B%7D", "must send application/json"),
    "an array": (b"[]", "not an object"),
    "a number": (b"1", "not an object"),
    "a text": (b'"x"', "not an object"),
    "null": (b"null", "not an object"),
    "not a number": (b'{"a":NaN}', "not JSON"),
    "infinity": (b'{"a":Infinity}', "not JSON"),
    "1e400": (b'{"a":1e400}', "infinity"),
    "5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", "infinity"),
    "3,000 deep": (b'{"a":' * 3000 + b"1" + b"}" * 3000, "depth limit"),
    "half a surrogate, raw": (b'{"a":"\xed\xa0\x80"}', "not JSON"),
    "no UTF-8": (b'{"a":"\xff"}', "not JSON"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "a cut end": (b'{"a":', "not JSON"),
    "raw NUL": (b'{"a":"\x00"}', "not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), POISON.values(), ids=POISON.keys())
def test_poison_is_unreadable_with_a_plain_reason(body: bytes, reason: str) -> None:
    for event in ("push", "pull_request", "made_up", ""):
        with pytest.raises(Unreadable, match=reason) as caught:
            parse(event, body)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("number", "31", "pull_request.number is not a whole number"),
        ("number", 31.5, "pull_request.number is not a whole number"),
        ("number", True, "pull_request.number is not a whole number"),
        ("number", -1, "pull_request.number is not between 0 and 2147483647"),
        ("number", 2**31, "pull_request.number is not between 0 and 2147483647"),
        ("additions", 2**70, "pull_request.additions is not a whole number"),
        ("title", {"a": 1}, "pull_request.title is not text"),
        ("draft", "no", "pull_request.draft is neither true nor false"),
        ("labels", {"name": "x"}, "pull_request.labels is not a list"),
        ("labels", ["x"], r"pull_request.labels\[0\] is not an object"),
        ("head", "main", "pull_request.head is not an object"),
        ("updated_at", ["2026"], "pull_request.updated_at is not a time"),
        ("updated_at", True, "pull_request.updated_at is not a time"),
        ("user", {"login": "x" * 121, "id": 1}, "pull_request.user.login is longer than 120 characters"),
        ("user", {"login": "x", "id": 2**63}, "pull_request.user.id is not between"),
    ],
)
def test_a_wrong_type_is_unreadable_with_the_fields_name(name: str, value: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse("pull_request", made.delivery(action="opened", pull_request=made.pull_request(**{name: value})))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"\ude00 cut", "\ufffd cut"),
        (r"\ud83d\ude00\ud83d", "😀\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
    ],
)
def test_a_text_that_was_cut_in_a_character_hides_nothing(written: str, read: str) -> None:
    """Whoever cuts texts by UTF-16 leaves half an emoji at their end."""
    body = made.delivery(action="opened", pull_request=made.pull_request(title="CUT")).replace(b"CUT", written.encode())

    (fact,) = parse("pull_request", body).facts

    assert isinstance(fact, PullRequestReported)
    assert fact.title == read
    assert Answer(what="GET /x", status=200, headers={}, body=b'["%b"]' % written.encode()).json() == [read]


def test_a_word_that_is_longer_than_all_that_are_known_is_cut_in_sight() -> None:
    run = made.check_run(conclusion="required_by_a_robot_of_tomorrow", app={"name": "App " * 40})
    (fact,) = parse("check_run", made.delivery(action="completed", check_run=run)).facts

    assert isinstance(fact, CheckReported)
    assert (fact.conclusion, len(fact.app or "")) == ("required_by_a_robot…", 120)
    with pytest.raises(Unreadable, match=r"check_run\.status is not text"):
        parse("check_run", made.delivery(action="completed", check_run=made.check_run(status=7)))
    assert (
        parse("check_run", made.delivery(action="completed", check_run=made.check_run(status=""))).note
        == "check_run.status is empty"
    )


@pytest.mark.parametrize("name", ["web", "northwind/", "/web", "a/b/c"])
def test_a_repository_is_named_by_owner_and_name(name: str) -> None:
    body = made.delivery(action="opened", pull_request=made.pull_request(), repository={**made.REPOSITORY, "full_name": name})

    assert parse("pull_request", body).note == "repository.full_name is no owner/name"


@pytest.mark.parametrize(
    "odd", [{"repository": {"full_name": 7, "id": "x"}}, {"sender": {"id": "x"}, "repository": None}, {"action": 3}]
)
def test_an_event_that_is_not_used_is_not_looked_at(odd: dict[str, Any]) -> None:
    body = json.dumps({"action": "created", "star": 1, "repository": made.REPOSITORY, **odd}).encode()

    for reading, event in ((parse, "star"), (parse_gitea, "star"), (parse_gitlab, "Star Hook")):
        parsed = reading(event, body)
        assert (parsed.kind, parsed.facts, parsed.note) == ("unknown", (), f"Countersign does not use {event!r} events")


def test_text_is_made_safe_in_sight() -> None:
    body = made.delivery(action="opened", pull_request=made.pull_request(title="a\x00b", labels=[{"name": "\x00"}]))

    (fact,) = parse("pull_request", body).facts

    assert (fact.title, fact.labels) == ("a␀b", ("␀",))
    assert clean(text="a\ud800b\x00ü") == "a�b␀ü"


def test_detail_is_made_safe_whole_and_never_deep() -> None:
    deep: Any = "bottom"
    for _ in range(300):
        deep = [deep]

    assert clean_json(value={"a\x00": ["\x00", 1, None, True, 1.5], "\ud800": {}}) == {"a␀": ["␀", 1, None, True, 1.5], "�": {}}
    assert json.dumps(clean_json(value=deep)).count("[") == 12
    assert clean_json(value=object).startswith("<class")


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("2026-02-10T10:00:00Z", "2026-02-10T10:00:00+00:00"),
        ("2021-08-19T12:16:32.000-04:00", "2021-08-19T16:16:32+00:00"),
        (1557933657, "2019-05-15T15:20:57+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        ("example", None),
        ("", None),
        ("2026-02-10T10:00:00", None),
        ("2026-02-10", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("1969-12-31T23:59:59Z", None),
        (-1, None),
        (10**18, None),
        (10**400, None),
    ],
)
def test_a_time_is_utc_or_nothing(said: str | int, known: str | None) -> None:
    found = moment(value=said)

    assert (found.isoformat() if found else None) == known


MADE = {
    "pull_request": made.delivery(action="opened", number=31, pull_request=made.pull_request()),
    "pull_request_review": made.delivery(action="submitted", review=made.review(), pull_request=made.pull_request()),
    "check_run": made.delivery(action="completed", check_run=made.check_run()),
    "push": made.push(),
    "deployment_status": made.delivery(deployment=made.deployment(), deployment_status={"id": 9, "state": "success"}),
    "branch_protection_rule": made.delivery(action="edited", rule=made.RULE, changes={"admin_enforced": {"from": False}}),
    "repository_ruleset": made.delivery(
        action="edited",
        repository_ruleset={"id": 1, "name": "guard", "source": "northwind/web", "enforcement": "active"},
        changes={"rules": {"updated": [{"rule": {"type": "x"}, "changes": {"configuration": {"from": "{}"}}}]}},
    ),
    "member": made.delivery(action="edited", member=made.SENDER, changes={"old_permission": {"from": "read"}}),
    "membership": made.delivery(
        action="added", scope="team", member=made.SENDER, team={"id": 7, "name": "Core"}, organization={"login": "northwind"}
    ),
    "team": made.delivery(
        action="edited",
        team={"id": 7, "name": "Core", "parent": {"id": 6}},
        organization={"login": "northwind"},
        changes={"repository": {"permissions": {"from": {"pull": True, "push": False}}}},
    ),
    "repository": made.delivery(action="renamed", changes={"repository": {"name": {"from": "x"}}}),
}


def corpus(bodies: list[tuple[str, bytes]]) -> list[tuple[str, Any, list[tuple]]]:
    """(event, body, the places in it that are worth damaging)."""
    decoded = [(event, json.loads(body)) for event, body in bodies]
    return [(event, body, near(body)) for event, body in decoded]


def near(body: Any) -> list[tuple]:
    """The upper levels, where the fields are that we read, without the insides of what stands around every event."""
    around = {"organization", "_links", "workflow", "workflow_run", "enterprise", "license", "head_repository"}
    return [place for place in places(body) if len(place) <= 6 and not around & set(place[:-1])]


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """The way to every value inside, the whole included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


HERE = corpus(list(MADE.items()))
RECORDED = (
    corpus(
        [
            (vendor_data.event_of(path), path.read_bytes())
            for path in vendor_data.deliveries()
            if vendor_data.event_of(path) in EVENTS
        ]
    )
    or HERE
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**31, max_value=2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", "\x00", "x" * 300, "2026-02-10T10:00:00Z", "refs/heads/prod", "a" * 40, "edited", "deleted", "[bot]"]),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers()), max_size=3),
    st.dictionaries(
        st.sampled_from(["from", "to", "login", "id", "name", "ref", "sha"]), st.one_of(st.none(), st.text(max_size=3)), max_size=3
    ),
)


def changed(value: Any, path: tuple, new: Any, *, drop: bool) -> Any:
    """A copy with another value at the end of ``path``, or without it."""
    if not path:
        return new
    key, *rest = path
    if not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        if drop and not rest:
            return {name: one for name, one in value.items() if name != key}
        return {name: changed(one, tuple(rest), new, drop=drop) if name == key else one for name, one in value.items()}
    return [changed(one, tuple(rest), new, drop=drop) if at == key else one for at, one in enumerate(value)]


@pytest.mark.parametrize("bodies", [HERE, RECORDED], ids=["made here", "recorded"])
def test_a_damaged_payload_never_raises_anything_else(bodies: list) -> None:
    @settings(max_examples=800, deadline=None)
    @given(data=st.data())
    def damaged(data: st.DataObject) -> None:
        event, body, known = data.draw(st.sampled_from(bodies))
        for where in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)):
            body = changed(body, where, data.draw(ODD), drop=data.draw(st.booleans()))
        check_outcome(event, json.dumps(body).encode())

    damaged()


@settings(max_examples=300, deadline=None)
@given(event=st.sampled_from(sorted(EVENTS)), body=st.binary(max_size=200))
def test_bytes_at_random_never_raise_anything_else(event: str, body: bytes) -> None:
    check_outcome(event, body)


def check_outcome(event: str, body: bytes) -> None:
    parsed = outcome(event, body)
    if isinstance(parsed, str):
        assert parsed
        return
    assert parsed.kind in ("known", "unknown", "incomplete")
    assert parsed.note or parsed.kind == "known"
    check_storable(parsed)


def outcome(event: str, body: bytes) -> Parsed | str:
    """What was read, or the reason why nothing was."""
    try:
        return parse(event, body)
    except (Unreadable, Disagrees) as reason:
        return str(reason)


def check_storable(parsed: Parsed) -> None:
    """PostgreSQL takes every value: no NUL, no half surrogate, no number that overflows, JSON that is JSON."""
    for fact in (parsed, *parsed.facts):
        for each in fields(fact):
            value = getattr(fact, each.name)
            stored = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            text = json.dumps(stored, default=str, allow_nan=False, ensure_ascii=False)
            assert "\\u0000" not in text
            text.encode()
            assert not isinstance(value, int) or abs(value) < 2**63

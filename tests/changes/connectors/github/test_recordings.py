"""Every recording of GitHub's parses, as the event that it is and with a right reason where it is of no use."""

import json

import pytest

from changes.connectors.github.payloads import EVENTS, Disagrees, Parsed, parse
from changes.connectors.github.shapes import SHAPES, events_of
from changes.delivery.facts import RuleEventReported
from tests.changes.connectors.github import vendor_data

pytestmark = vendor_data.needed

INCOMPLETE = {
    "derived/deployment_status/created": "deployment_status.state is none that GitHub documents",
    "derived/pull_request_review/edited": "review.state is none that GitHub documents",
}
WITHOUT_FACTS = {
    *("derived/deployment_protection_rule/requested", "octokit/organization/member_invited", "octokit/ping/payload"),
    *("octokit/push/1", "octokit/push/payload"),
}
STORIES = ["standard-change", "violations", "emergency-with-rollback"]


def all_deliveries() -> list:
    return [pytest.param(path, id=vendor_data.told(path)) for path in vendor_data.deliveries()]


@pytest.mark.parametrize("path", all_deliveries())
def test_every_recorded_delivery_parses_with_a_right_reason(path) -> None:
    event, name = vendor_data.event_of(path), vendor_data.told(path)

    parsed = parse(event, path.read_bytes())

    if event not in EVENTS:
        assert (parsed.kind, parsed.note, parsed.facts) == ("unknown", f"Countersign does not use {event!r} events", ())
    elif name in INCOMPLETE:
        assert (parsed.kind, parsed.note) == ("incomplete", INCOMPLETE[name])
        assert len(parsed.facts) == 1
    else:
        assert parsed.kind == "known"
        assert bool(parsed.facts) is (name not in WITHOUT_FACTS)


@pytest.mark.parametrize("path", all_deliveries())
def test_every_recorded_delivery_has_one_shape(path) -> None:
    event = vendor_data.event_of(path)

    assert events_of(body=json.loads(path.read_bytes())) == ((event,) if event in SHAPES else ())


@pytest.mark.parametrize("path", all_deliveries())
def test_a_recorded_delivery_under_another_header_is_never_taken_for_it(path) -> None:
    event, body = vendor_data.event_of(path), path.read_bytes()

    for other in sorted({*SHAPES, "made_up"} - {event}):
        if event in SHAPES:
            with pytest.raises(Disagrees, match=f"the body is {event}"):
                parse(other, body)
        elif other in SHAPES:
            assert parse(other, body).kind == "incomplete"
            assert parse(other, body).facts == ()


@pytest.mark.parametrize("name", STORIES)
def test_every_delivery_of_a_story_is_known(name: str) -> None:
    for delivery in vendor_data.story(name)["deliveries"]:
        parsed = parse(delivery["event"], delivery["body_raw"].encode())

        assert (parsed.kind, parsed.note) == ("known", "")
        assert parsed.repository is not None
        assert parsed.repository.name == "acme/web"
        assert parsed.facts


def rule_events(parsed: Parsed) -> list[tuple]:
    return [
        (fact.kind, fact.action, fact.subject, fact.weakens, fact.actor_login)
        for fact in parsed.facts
        if isinstance(fact, RuleEventReported)
    ]


def test_the_violations_story_weakens_prod_grants_access_and_drops_a_ruleset() -> None:
    found = []
    for delivery in vendor_data.story("violations")["deliveries"]:
        found += rule_events(parse(delivery["event"], delivery["body_raw"].encode()))

    assert found == [
        ("protection", "edited", "prod", True, "mallory-ops"),
        ("member", "added", "example", True, "mallory-ops"),
        ("ruleset", "deleted", "example", True, "mallory-ops"),
    ]


def test_an_official_edit_says_what_it_loosened() -> None:
    parsed = parse("branch_protection_rule", json.dumps(vendor_data.recorded("octokit/branch_protection_rule/edited")).encode())
    (fact,) = parsed.facts

    assert isinstance(fact, RuleEventReported)
    assert fact.detail["reasons"] == [
        "linear_history_requirement_enforcement_level went from 'everyone' to 'off'",
        "required_approving_review_count went from 2 to 1",
        "dismiss_stale_reviews_on_push went from True to False",
        "require_code_owner_review went from True to False",
        "signature_requirement_enforcement_level went from 'non_admins' to 'off'",
    ]

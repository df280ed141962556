"""What the forge sent: round which times it is looked for, and whether it is about a pull request."""

import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from audits.samples.raw import ROUND, Deliveries, is_about, windows_round
from changes.connectors.models import Delivery, Source
from changes.delivery.models import Push, Repository

AT, MINUTE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC), timedelta(minutes=1)
REQUEST = {"number": 17, "head_sha": "a" * 40, "merge_sha": "b" * 40}


def test_times_near_to_each_other_are_looked_round_once():
    found = windows_round({AT, AT + 20 * MINUTE, AT + 40 * MINUTE, AT + 99 * MINUTE})

    late = AT + 99 * MINUTE
    assert found == [(late - ROUND, late + ROUND, 1), (AT - ROUND, AT + 40 * MINUTE + ROUND, 3)]
    assert windows_round([]) == []


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({"pull_request": {"number": 17}}, True),
        ({"pull_request": {"number": 18}, "after": "a" * 40}, False),
        ({"object_kind": "merge_request", "object_attributes": {"iid": 17, "id": 9}}, True),
        ({"object_kind": "merge_request", "object_attributes": {"iid": 9, "id": 17}}, False),
        ({"object_kind": "pipeline", "object_attributes": {"id": 17, "sha": "a" * 40}}, True),
        ({"object_kind": "pipeline", "object_attributes": {"id": 17, "sha": "c" * 40}}, False),
        (["a" * 40], False),
    ],
)
def test_a_delivery_is_about_a_pull_request_of_github_gitea_or_gitlab(body, about):
    assert is_about(REQUEST, json.dumps(body)) is about


def test_what_is_no_json_is_about_nothing():
    assert is_about(REQUEST, "a" * 40) is False


@pytest.mark.django_db
def test_a_delivery_whose_body_was_let_go_is_not_given():
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    Push.objects.create(repository=repository, branch="main", before="a" * 40, after="b" * 40, reported_at=AT, pushed_at=AT)
    source = Source.objects.create(name="github", kind="github", api_url="https://api.github.com", connected_at=AT)
    for name, body in (("gone", b""), ("kept", zlib.compress(json.dumps({"after": "b" * 40}).encode()))):
        Delivery.objects.create(
            source=source, delivery_id=name, event="push", body=body, body_size=9, received_at=AT, repository_name="acme/web"
        )

    [found] = Deliveries().about({"repository": "acme/web", "commit": "b" * 40}, ["push"])

    assert (found.name, found.text) == ("push kept", json.dumps({"after": "b" * 40}))

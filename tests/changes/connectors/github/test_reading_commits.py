"""A commit's pull request that Git showed before any delivery told of it is read whole, once for each of its versions."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from changes.connectors.github.reading import read_commit
from changes.connectors.models import Reading, Source
from changes.delivery.facts import PullRequestReported
from changes.delivery.models import Repository

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_what_git_shows_first_is_read_before_it_is_judged():
    source = Source.objects.create(
        name="github", kind="github", api_url="https://api.github.com", connected_at=AT, token_encrypted=b"x"
    )
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)

    def seen(updated):
        line = {"number": 7, "title": "Work", "state": "merged", "head_ref": "work", "head_sha": "a" * 40, "base_ref": "main"}
        fact = PullRequestReported(**line, merge_sha="b" * 40, merged_at=AT, vendor_updated_at=updated)
        client = SimpleNamespace(source=source, commit_pulls=lambda sha: [fact])
        Reading.objects.all().delete()
        read_commit(client, repository, "b" * 40, updated)
        return list(Reading.objects.values_list("subject", flat=True))

    assert seen(AT) == ["pull_request:7"]
    assert seen(AT) == []
    assert seen(AT + timedelta(minutes=1)) == ["pull_request:7"]

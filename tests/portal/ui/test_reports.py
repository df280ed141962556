"""Reports of browsers on what the policy forbids: one short line each, whatever is sent and however often."""

import json

import pytest
import structlog

from portal.ui import reports
from portal.ui.headers import POLICY

pytestmark = pytest.mark.django_db
ADDRESS = "/csp-report/"


@pytest.fixture
def lines(monkeypatch):
    monkeypatch.setattr(reports, "_window", [0.0, 0])
    with structlog.testing.capture_logs() as kept:
        monkeypatch.setattr(reports, "log", structlog.get_logger("portal.reports.test"))
        yield kept


def sent(client, said):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return client.post(ADDRESS, body, content_type="application/csp-report").status_code


def test_a_report_is_a_line_with_the_place_and_without_queries(client, lines):
    told = {
        "document-uri": "https://portal.example/changes/?q=secret",
        "blocked-uri": "https://evil.example/x.js?from=us",
        "effective-directive": "script-src",
        "script-sample": "steal()",
    }

    assert sent(client, {"csp-report": told}) == 204

    [line] = [each for each in lines if each["event"] == "policy.violated"]
    assert (line["page"], line["wanted"], line["directive"]) == ("portal.example/changes/", "evil.example/x.js", "script-src")
    assert "secret" not in str(line)
    assert "steal" not in str(line)
    assert POLICY.endswith(f"report-uri {ADDRESS}")


def test_whatever_is_sent_is_answered_alike_and_no_more_than_some_are_written_down(client, lines):
    for said in (b"", b"{", b"[]", b'{"csp-report": 1}', b"[" * 9000, b'{"csp-report": {"x": "' + b"x" * 20_000 + b'"}}'):
        assert sent(client, said) == 204
    assert lines == []

    for _ in range(reports.AT_MOST + 5):
        sent(client, {"csp-report": {"blocked-uri": "http://[", "document-uri": 7}})

    assert len(lines) == reports.AT_MOST
    assert client.get(ADDRESS).status_code == 405

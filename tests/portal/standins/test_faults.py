"""Bad days that can be switched on."""

import time

import httpx
import pytest

from tests.portal.standins.asking import ask
from tests.portal.standins.life import WEB


def switch(github, fault, **more):
    github.faults.switch({"rules": [{"fault": fault, **more}]})


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [
        ("primary-403", 403, "x-ratelimit-reset"),
        ("primary-429", 429, "x-ratelimit-reset"),
        ("secondary-403", 403, "retry-after"),
        ("secondary-429", 429, "retry-after"),
        ("500", 500, None),
        ("502", 502, None),
        ("503", 503, None),
        ("redirect", 302, "location"),
    ],
)
def test_a_fault_is_answered_with_its_status(northwind, fault, status, header):
    switch(northwind, fault)

    answer = ask(northwind, f"/repos/{WEB}")

    assert answer.status_code == status
    assert header is None or header in answer.headers


def test_a_fault_ends_after_its_times_and_keeps_to_its_path(northwind):
    switch(northwind, "503", path="/pulls$", times=2)

    codes = [ask(northwind, f"/repos/{WEB}{path}").status_code for path in ("", "/pulls", "/pulls", "/pulls")]

    assert codes == [200, 503, 503, 200]


def test_html_comes_where_json_is_expected(northwind):
    switch(northwind, "html")

    answer = ask(northwind, f"/repos/{WEB}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    with pytest.raises(ValueError):
        answer.json()


def test_json_can_end_too_early(northwind):
    switch(northwind, "broken-json")

    with pytest.raises(ValueError):
        ask(northwind, f"/repos/{WEB}").json()


def test_without_etags_everything_is_sent_again(northwind):
    etag = ask(northwind, f"/repos/{WEB}").headers["ETag"]
    switch(northwind, "no-etag")

    answer = ask(northwind, f"/repos/{WEB}", headers={"If-None-Match": etag})

    assert (answer.status_code, "ETag" in answer.headers) == (200, False)


def test_a_slow_answer_is_late(northwind):
    switch(northwind, "slow", seconds=0.3)
    began = time.monotonic()

    assert ask(northwind, f"/repos/{WEB}").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_dripping_answer_never_ends_in_time(northwind):
    switch(northwind, "drip", seconds=0.05)
    northwind.token_of("rex")
    began = time.monotonic()

    with httpx.stream(
        "GET", f"{northwind.api_url}/repos/{WEB}", headers={"Authorization": f"Bearer {northwind.token_of('rex')}"}
    ) as answer:
        pieces = answer.iter_raw()
        got = [next(pieces) for _ in range(5)]

    assert all(len(piece) < 5 for piece in got)
    assert time.monotonic() - began >= 0.15


def test_a_truncated_answer_breaks_off(northwind):
    switch(northwind, "truncated")

    with pytest.raises(httpx.RemoteProtocolError):
        ask(northwind, f"/repos/{WEB}")


def test_a_half_open_connection_never_answers(northwind):
    switch(northwind, "half-open", seconds=5.0)

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{northwind.api_url}/repos/{WEB}", timeout=0.3)


def test_unknown_faults_are_refused(northwind):
    with pytest.raises(ValueError, match="gremlins"):
        switch(northwind, "gremlins")

    assert northwind.faults.shown()["rules"] == []

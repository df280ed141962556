"""Passwords from other people's break-ins: a sorted file, looked up by halves."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal.access.breached import digest_of
from portal.runtime.doctor.finding import Level
from portal.runtime.doctor.surroundings import passwords

KNOWN = [f"quiet otters drum {number}" for number in range(200)]


@pytest.fixture(params=[b":%d\r\n", b"\n"], ids=["with counts", "digests alone"])
def known(request, settings, tmp_path):
    """The file of the known ones, as it is offered: the counts make lines of different lengths."""
    digests = sorted(digest_of(password) for password in KNOWN)
    ends = [request.param % (7**place) if b"%d" in request.param else request.param for place in range(len(digests))]
    path = tmp_path / "breached"
    path.write_bytes(b"".join(digest + end for digest, end in zip(digests, ends, strict=True)))
    settings.BREACHED_PASSWORDS = str(path)
    return path


def refused(password):
    try:
        validate_password(password)
    except ValidationError as problem:
        return [one.code for one in problem.error_list]
    return []


def test_every_known_password_is_refused_and_no_other(known):
    assert [password for password in KNOWN if refused(password) != ["password_breached"]] == []
    assert [number for number in range(200, 300) if refused(f"quiet otters drum {number}")] == []
    assert [(finding.level, finding.text) for finding in passwords()] == [
        (Level.GOOD, "passwords known from break-ins are refused")
    ]


@pytest.mark.parametrize("content", [b"", b"quiet otters drum 1\n", None])
def test_a_file_that_is_none_is_told_by_the_doctor_and_keeps_nobody_out(settings, tmp_path, content):
    settings.BREACHED_PASSWORDS = str(tmp_path / "breached")
    if content is not None:
        (tmp_path / "breached").write_bytes(content)

    assert refused(KNOWN[1]) == []
    assert [finding.level for finding in passwords()] == [Level.BAD]


def test_without_the_setting_nothing_is_asked():
    assert refused(KNOWN[1]) == []
    assert list(passwords()) == []

"""E-mail as an effect."""

import smtplib

import pytest
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend

from portal.outbox.delivery import deliver_due
from portal.outbox.mail import message_id_of, send_mail
from portal.outbox.models import Effect
from tests.portal.outbox.conftest import START

pytestmark = pytest.mark.django_db


def test_a_mail_goes_out_with_its_key_as_message_id(clock):
    send_mail(key="invite:7", to=["ann@northwind.example"], subject="Welcome", text="Hello", html="<p>Hello</p>", at=START)

    deliver_due(now=clock)

    (message,) = outgoing.outbox
    assert (message.to, message.subject, message.body) == (["ann@northwind.example"], "Welcome", "Hello")
    assert message.message()["Message-ID"] == message_id_of(key="invite:7")
    assert Effect.objects.get().result == {"message_id": message_id_of(key="invite:7")}


def test_a_mail_without_a_second_form_is_plain_text(clock):
    send_mail(key="invite:8", to=["ann@northwind.example"], subject="Welcome", text="Hello", at=START)

    deliver_due(now=clock)

    assert outgoing.outbox[0].message().get_content_type() == "text/plain"


def test_an_invitation_goes_along_as_a_form_that_programs_answer_and_as_a_file(clock):
    text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Zoë\r\nEND:VCALENDAR\r\n"
    given = {"to": ["ann@northwind.example"], "subject": "Invitation", "text": "Come", "at": START}
    send_mail(key="meeting:1", calendar={"text": text, "method": "REQUEST"}, **given)

    deliver_due(now=clock)

    parts = [part for part in outgoing.outbox[0].message().walk() if not part.is_multipart()]
    assert [(part.get_content_type(), part.get_filename()) for part in parts] == [
        ("text/plain", None),
        ("text/calendar", None),
        ("application/ics", "meeting.ics"),
    ]
    assert parts[1].get_param("method") == "REQUEST"
    assert parts[1].get_content_charset() == "utf-8"
    assert parts[1].get_payload(decode=True).decode().replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert parts[2].get_payload(decode=True).decode().splitlines() == text.splitlines()


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"no such person")}), "quarantined"),
        (smtplib.SMTPServerDisconnected("gone"), "waiting"),
        (ConnectionRefusedError("nobody listens"), "waiting"),
    ],
)
def test_a_refused_mail_is_permanent_and_a_missing_server_is_passing(monkeypatch, clock, problem, state):
    def refuse(self, messages):
        raise problem

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    send_mail(key="invite:9", to=["ann@northwind.example"], subject="Welcome", text="Hello", at=START)

    deliver_due(now=clock)

    assert Effect.objects.get().state == state


def test_a_header_with_a_line_break_is_permanent(clock):
    send_mail(key="invite:10", to=["ann@northwind.example"], subject="Hi\nBcc: all@northwind.example", text="Hello", at=START)

    deliver_due(now=clock)

    assert Effect.objects.get().state == "quarantined"
    assert outgoing.outbox == []

"""Mail to a real server: read from one address, sent encrypted, judged by the doctor, and no password anywhere."""

from urllib.parse import quote

import pytest
from django.core import mail as django_mail
from django.core.management import call_command

from portal.environment import THIS_MACHINE, Misconfigured
from portal.mail_server import mail_from
from portal.outbox.errors import Passing, Permanent
from portal.outbox.mail import deliver_mail
from portal.runtime.doctor import mail
from portal.runtime.doctor.finding import Level
from tests.changes.connectors.http.test_answers import self_signed
from tests.mail import Post, post_office

PASSWORD = "right horse/#?"
ADDRESS = f"portal:{quote(PASSWORD, safe='')}"
MAIL = {"key": "k", "to": ["ann@northwind.example"], "subject": "Hello", "text": "It is decided."}


def found(url, sender="portal@northwind.example"):
    return mail_from({"EMAIL_URL": url, "COUNTERSIGN_EMAIL_FROM": sender})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"smtp://{ADDRESS}@post.example", ("post.example", 587, "portal", PASSWORD, True, False)),
        (f"smtps://{ADDRESS}@post.example", ("post.example", 465, "portal", PASSWORD, False, True)),
        ("smtp+plain://post.example", ("post.example", 25, "", "", False, False)),
        (f"smtp+plain://{ADDRESS}@localhost:2525", ("localhost", 2525, "portal", PASSWORD, False, False)),
    ],
)
def test_one_address_says_where_mail_goes_and_how(url, expected):
    made = found(url)

    assert (made.host, made.port, made.user, made.password, made.starttls, made.tls) == expected
    assert made.backend.endswith("smtp.EmailBackend")
    assert PASSWORD not in repr(made)


def test_without_an_address_mail_is_printed():
    assert mail_from({}).backend.endswith("console.EmailBackend")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("post.example:587", "begins with none of smtp://HOST, smtps://HOST"),
        ("https://post.example", "begins with none of"),
        ("smtp://", "begins with none of"),
        (f"smtp://{ADDRESS}@post.example:no", "cannot be read"),
        (f"smtp://portal:{PASSWORD}@post.example", r"cannot be read|ends after the port"),
        ("smtp://portal@post.example", "a name without a password"),
        (f"smtp+plain://{ADDRESS}@post.example", "a password in the clear"),
    ],
)
def test_an_address_that_means_nothing_is_refused_and_not_repeated(url, words):
    with pytest.raises(Misconfigured, match=words) as refused:
        found(url)

    assert "horse" not in str(refused.value)


def test_a_sender_that_is_no_address_is_refused():
    with pytest.raises(Misconfigured, match="COUNTERSIGN_EMAIL_FROM"):
        found("smtps://post.example", sender="portal")


@pytest.fixture
def office(settings, tmp_path, monkeypatch):
    """Factory: our settings lead to a server that behaves as said, by this scheme."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])

    def lead_to(post, scheme="smtp", password=PASSWORD):
        made = found(f"{scheme}://portal:{quote(password, safe='')}@127.0.0.1:{post.port}")
        settings.EMAIL_BACKEND, settings.DEFAULT_FROM_EMAIL = made.backend, made.sender
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = made.host, made.port, 2
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = made.user, made.password
        settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = made.starttls, made.tls

    lead_to.certificate = certificate
    return lead_to


def post_of(office, **behaviour):
    return Post(certificate=office.certificate, takes=("portal", PASSWORD), **behaviour)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_goes_out_encrypted_before_the_password_is_said(office, scheme):
    with post_office(post_of(office, tls=scheme == "smtps")) as post:
        office(post, scheme)
        deliver_mail(MAIL)

        assert post.signed_in == [True]
        assert "Subject: Hello" in post.mails[0]
        assert "From: portal@northwind.example" in post.mails[0]
        assert [finding.text for finding in mail.mail()] == [f"the mail server 127.0.0.1:{post.port} answers, encrypted"]
        assert len(post.mails) == 1, "the doctor sends nothing unless it is asked to"


def test_what_the_server_refuses_is_told_without_its_words(office, capsys, monkeypatch, caplog):
    with post_office(post_of(office, refuses="bob@")) as post:
        office(post)
        call_command_fails("doctor", "--mail", "bob@northwind.example")
        with pytest.raises(Permanent):
            deliver_mail({**MAIL, "to": ["bob@northwind.example"]})
        office(post, password="wrong horse")
        refused = next(mail.mail())
        with pytest.raises(Passing):
            deliver_mail(MAIL)
        post.starttls = False
        unoffered = next(mail.mail())
        monkeypatch.delenv("SSL_CERT_FILE")
        post.starttls = True
        untrusted = next(mail.mail())
    gone = next(mail.mail())

    assert [one.level for one in (refused, unoffered, untrusted, gone)] == [Level.BAD] * 4
    assert "refuses our name or password (535)" in refused.text
    assert "does not offer" in unoffered.text
    assert "cannot be trusted: CERTIFICATE_VERIFY_FAILED" in untrusted.text
    assert "ConnectionRefusedError" in gone.text
    assert post.signed_in == [True] * 4, "without TLS nobody says a password"
    said = capsys.readouterr()
    assert "SMTPRecipientsRefused" in said.out
    told = said.out + said.err + caplog.text + "".join(one.text + one.mend for one in (refused, unoffered, untrusted, gone))
    assert "horse" not in told


def call_command_fails(*words):
    with pytest.raises(SystemExit) as end:
        call_command(*words)
    assert end.value.code == 1


def test_a_test_mail_is_sent_when_somebody_asks(office, capsys, settings):
    with post_office(post_of(office)) as post:
        office(post)
        with pytest.raises(SystemExit) as end:
            call_command("doctor", "--mail", "ann@northwind.example")
        call_command_fails("doctor", "--mail", "ann")

    assert end.value.code == 0
    assert "To: ann@northwind.example" in post.mails[0]
    assert settings.BASE_URL in post.mails[0]
    assert "the mail server took a mail for ann@northwind.example" in capsys.readouterr().out
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    call_command_fails("doctor", "--mail", "ann@northwind.example")
    assert django_mail.outbox == []


def test_mail_that_is_only_printed_or_comes_from_nowhere_is_worth_a_word(settings):
    settings.EMAIL_BACKEND, settings.DEMO = "django.core.mail.backends.console.EmailBackend", False
    assert [finding.level for finding in mail.mail()] == [Level.NOTE]
    settings.DEMO = True
    assert list(mail.mail()) == []

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = mail_from({}).sender
    assert settings.DEFAULT_FROM_EMAIL.rpartition("@")[2] in THIS_MACHINE
    assert [finding.level for finding in mail.mail()] == [Level.NOTE, Level.GOOD]

"""Mail handed in over TLS, to a server that speaks it: letter and password go to nobody else."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest

from services.notify.exchange import Failure
from services.notify.mail import MailServer, Security, send_mail
from services.notify.message import Message
from tests.receivers import MailSink, own_certificate

MESSAGE = Message("[严重 critical] 告警 firing", "铸造车间超限\nfoundry over its limit")
KEY = UUID("00000000-0000-0000-0000-000000000001")
PASSWORD = "of-the-centre"
AT = datetime(2026, 11, 26, 2, tzinfo=UTC)
Encrypted = Literal["tls", "starttls"]


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    return own_certificate(tmp_path / "tls", "localhost")


@pytest.fixture
def trusting(tmp_path: Path, certificate: ssl.SSLContext) -> ssl.SSLContext:
    """Return a context that trusts the server's certificate, as one of a known authority."""
    del certificate
    return ssl.create_default_context(cafile=str(tmp_path / "tls" / "cert.pem"))


@pytest.fixture(params=["tls", "starttls"])
def security(request: pytest.FixtureRequest) -> Encrypted:
    security: Encrypted = request.param
    return security


@pytest.fixture
def sink(certificate: ssl.SSLContext, security: Encrypted) -> Iterator[MailSink]:
    with MailSink(
        tls=certificate, password=PASSWORD, is_implicit=security == "tls"
    ).running() as it:
        yield it


def hand_in(
    port: int,
    security: Security,
    context: ssl.SSLContext | None,
    *,
    host: str = "localhost",
    password: str = PASSWORD,
) -> Failure | None:
    server = MailServer(host, port, security, "centre@example.com", "nengtan", password, context)
    sending = send_mail(server, MESSAGE, to=["a@example.com"], key=KEY, at=AT, timeout_s=30.0)
    return asyncio.run(sending)


def test_is_handed_in_over_tls(
    sink: MailSink, security: Encrypted, trusting: ssl.SSLContext
) -> None:
    assert hand_in(sink.port, security, trusting) is None
    [mail] = sink.mails
    assert mail["Subject"] == MESSAGE.subject
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()
    assert mail["Message-ID"] == f"<{KEY}@nengtan>"
    assert sink.recipients == [["a@example.com"]]
    assert (sink.was_encrypted, sink.logins) == ([True], ["nengtan"])
    # Before that nothing was said but the greeting.
    assert sink.clear_words == ([] if security == "tls" else ["EHLO", "STARTTLS"])


def test_is_not_handed_to_a_stranger(sink: MailSink, security: Encrypted) -> None:
    failure = hand_in(sink.port, security, None)
    assert failure is not None
    assert failure.is_permanent
    assert "TLS failed: CERTIFICATE_VERIFY_FAILED" in failure.en
    assert (sink.mails, sink.logins) == ([], [])


def test_is_not_handed_to_a_server_of_another_name(
    sink: MailSink, security: Encrypted, trusting: ssl.SSLContext
) -> None:
    failure = hand_in(sink.port, security, trusting, host="127.0.0.1")
    assert failure is not None
    assert failure.is_permanent
    assert (sink.mails, sink.logins) == ([], [])


def test_says_that_the_login_is_refused(
    sink: MailSink, security: Encrypted, trusting: ssl.SSLContext
) -> None:
    failure = hand_in(sink.port, security, trusting, password="wrong")
    assert failure is not None
    assert failure.is_permanent
    assert failure.en == "the mail server refuses the login"
    assert sink.mails == []


def test_is_not_handed_in_where_encryption_is_not_offered(
    security: Encrypted, trusting: ssl.SSLContext
) -> None:
    """Whoever is between may leave the offer out: then nothing is said in the clear."""
    with MailSink().running() as sink:
        failure = hand_in(sink.port, security, trusting)
    assert failure is not None
    assert (sink.mails, sink.logins) == ([], [])
    assert "AUTH" not in sink.clear_words

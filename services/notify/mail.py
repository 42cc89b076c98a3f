"""Mail, by the server that the operator of the installation names: tenants name recipients only."""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from typing import Literal
from uuid import UUID

import structlog

from services.notify.exchange import Failure
from services.notify.message import Message

_log = structlog.get_logger()

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in."""

    host: str
    port: int
    security: Security
    sender: str
    username: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


async def send_mail(
    server: MailServer,
    message: Message,
    *,
    to: Sequence[str],
    key: UUID,
    at: datetime,
    timeout_s: float,
) -> Failure | None:
    """Hand a mail in; return None if the server took it for any recipient.

    Copies of one message have the same Message-ID, so that mailboxes show them once.
    """
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = server.sender
    letter["To"] = ", ".join(to)
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{key}@nengtan>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    hand_in = partial(_hand_in, server, letter, list(to), timeout_s)
    try:
        refused = await asyncio.to_thread(hand_in)
    except (OSError, smtplib.SMTPException) as error:
        return _why(error)
    if refused:
        # The others have it, and must not get it again and again.
        _log.warning("notify.mail.refused", to=sorted(refused))
    return None


def _hand_in(
    server: MailServer, letter: EmailMessage, to: Sequence[str], timeout_s: float
) -> dict[str, tuple[int, bytes]]:
    context = server.context or ssl.create_default_context()
    if server.security == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=timeout_s, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
    with client:
        if server.security == "starttls":
            client.starttls(context=context)
        if server.username is not None:
            client.login(server.username, server.password or "")
        return client.send_message(letter, to_addrs=to)


def _why(error: Exception) -> Failure:
    match error:
        case smtplib.SMTPAuthenticationError():
            found = Failure(
                "邮件服务器拒绝登录", "the mail server refuses the login", is_permanent=True
            )
        case smtplib.SMTPRecipientsRefused():
            names = ", ".join(sorted(error.recipients))
            is_lasting = all(code >= 500 for code, _ in error.recipients.values())
            found = Failure(
                f"收件人被拒 {names}", f"recipients refused: {names}", is_permanent=is_lasting
            )
        case smtplib.SMTPResponseException():
            said = error.smtp_error
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            shown = f"{error.smtp_code} {' '.join(text.split())[:200]}"
            found = Failure(f"邮件服务器应答 {error.smtp_code}", f"the mail server answers {shown}")
        case ssl.SSLError():
            found = Failure(
                "邮件服务器证书或 TLS 无效", f"TLS failed: {error.reason}", is_permanent=True
            )
        case TimeoutError():
            found = Failure("邮件服务器超时", "the mail server does not answer in time")
        case smtplib.SMTPNotSupportedError():
            found = Failure(
                "邮件服务器不支持", f"the mail server cannot: {error}", is_permanent=True
            )
        case _:
            found = Failure("邮件服务器无法连接", f"the mail server cannot be reached: {error}")
    return found

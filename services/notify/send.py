"""One message through one channel, whatever its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.json_values import iso_utc
from services.notify import alertmanager, event
from services.notify.chat import send_chat
from services.notify.exchange import Failure, Line, Request, exchange
from services.notify.mail import MailServer, send_mail
from services.notify.message import Message, compose
from services.notify.policy import Channel
from services.store.notices import DueRow

_NO_MAIL_SERVER = Failure(
    "本系统未配置邮件服务器：请设置 NENGTAN_MAIL_HOST",
    "this installation has no mail server: set NENGTAN_MAIL_HOST",
    is_permanent=True,
)
# Of a channel without its key: a message must not go unsigned.
_NO_SECRET = Failure(
    "尚未存入该通道的密钥", "the secret of the channel is not stored", is_permanent=True
)
_TEST_ENDS_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Means:
    """With what messages are sent.

    Attributes
    ----------
    line : Line
    mail : MailServer or None
    public_url : str
        Where people reach the page; empty if unknown.
    """

    line: Line
    mail: MailServer | None = None
    public_url: str = ""


async def send(
    means: Means,
    channel: Channel,
    rows: Sequence[DueRow],
    *,
    secret: str | None,
    at: datetime,
) -> Failure | None:
    """Send messages as one; return None if the channel took it.

    Parameters
    ----------
    means : Means
    channel : Channel
    rows : sequence of DueRow
        Of one kind and, for people, of one group. A webhook gets them one by one; an Alertmanager
        takes any.
    secret : str or None
        Stored key of the channel.
    at : datetime
        Now.
    """
    if channel.secret is not None and secret is None:
        return _NO_SECRET
    first = rows[0]
    match channel.kind:
        case "webhook":
            return await exchange(_webhook(channel, first, secret, at), means.line, at=at)
        case "alertmanager":
            alerts = [_alert(row, means, at) for row in rows]
            request = alertmanager.push(channel.url or "", alerts, secret=secret)
            return await exchange(request, means.line, at=at)
        case "mail":
            if means.mail is None:
                return _NO_MAIL_SERVER
            return await send_mail(
                means.mail,
                _message(means, rows),
                to=channel.to,
                key=first.idempotency_key,
                at=at,
                timeout_s=means.line.timeout_s,
            )
        case robot:
            message = _message(means, rows)
            return await send_chat(robot, message, means.line, secret=secret or "", at=at)


async def repeat(
    means: Means,
    channel: Channel,
    payloads: Sequence[Mapping[str, Any]],
    *,
    secret: str | None,
    at: datetime,
) -> Failure | None:
    """Tell an Alertmanager again what fires; return None if it took that."""
    if channel.secret is not None and secret is None:
        return _NO_SECRET
    alerts = [
        alertmanager.alert_of(payload, at=at, public_url=means.public_url) for payload in payloads
    ]
    request = alertmanager.push(channel.url or "", alerts, secret=secret)
    return await exchange(request, means.line, at=at)


def _webhook(channel: Channel, row: DueRow, secret: str | None, at: datetime) -> Request:
    key = row.idempotency_key
    body = event.cloud_event(kind=row.kind, key=key, payload=row.payload, time=row.created_at)
    headers = event.signed(key=key, body=body, at=at, secret=secret)
    return Request(channel.url or "", {"Content-Type": event.MEDIA_TYPE, **headers}, body)


def _alert(row: DueRow, means: Means, at: datetime) -> Mapping[str, Any]:
    if row.kind != "test":
        return alertmanager.alert_of(row.payload, at=at, public_url=means.public_url)
    return {
        "labels": {"alertname": "NengtanTest", "severity": "info", "tenant": row.payload["tenant"]},
        "annotations": {"summary": "测试 / test"},
        "startsAt": iso_utc(at),
        "endsAt": iso_utc(at + _TEST_ENDS_AFTER),
    }


def _message(means: Means, rows: Sequence[DueRow]) -> Message:
    payloads = [row.payload for row in rows]
    return compose(rows[0].kind, payloads, public_url=means.public_url)

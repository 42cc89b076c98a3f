"""A small HTTP client for messages that go out: one request, one answer, nothing else.

It connects to the address that was checked, follows nothing, verifies certificates, waits a
bounded time, and reads a bounded part of the answer.
"""

import asyncio
import math
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address

import h11

from services.notify.address import Url, UrlRefused, read_url, resolve
from services.provenance import VERSION
from services.settings import Network

ANSWER_BYTES_MAX = 64 * 1024
_HEAD_BYTES_MAX = 32 * 1024
_READ_BYTES = 16 * 1024
# What a receiver says after its status seldom decides anything: it is not waited for long.
_BODY_TIMEOUT_S = 2.0
_RETRY_AFTER_S_MAX = 3600.0
_SHOWN_LENGTH = 200
# The request will not be taken as it is addressed: somebody has to change the policy.
_PERMANENT = frozenset({401, 403, 404, 405, 407, 410, 501})
# What is wrong is the one message; the channel may take others.
_OF_MESSAGE = frozenset({400, 409, 411, 413, 414, 415, 422, 431})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not taken.

    Attributes
    ----------
    zh, en : str
        What went wrong, for the story of the alert.
    is_permanent : bool
        Whether it looks as if it will not pass by itself; it is tried again all the same.
    is_of_message : bool
        Whether other messages of the channel may be taken nevertheless.
    retry_after_s : float
        How long the receiver asked to be left alone. [s]
    """

    zh: str
    en: str
    is_permanent: bool = False
    is_of_message: bool = False
    retry_after_s: float = 0.0

    def __str__(self) -> str:
        """Return both texts."""
        return f"{self.zh} / {self.en}"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent where."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Line:
    """How messages leave: networks that may be reached, patience, and whose certificates hold."""

    allowed: Sequence[Network] = ()
    timeout_s: float = 10.0
    context: ssl.SSLContext | None = None


async def exchange(
    request: Request,
    line: Line,
    *,
    at: datetime,
    refusal: Callable[[bytes], Failure | None] | None = None,
) -> Failure | None:
    """Send a request; return None if it was answered with 2xx, else why it was not taken.

    Parameters
    ----------
    request : Request
    line : Line
    at : datetime
        Now; dates of Retry-After are counted from it.
    refusal : callable or None
        Reads what was said with a 2xx, of a receiver that refuses with one too.
    """
    deadline_s = asyncio.get_running_loop().time() + line.timeout_s
    try:
        async with asyncio.timeout_at(deadline_s):
            url = read_url(request.url, allowed=line.allowed)
            addresses = await resolve(url, allowed=line.allowed)
            reader, writer = await _connect(url, addresses, line)
        try:
            async with asyncio.timeout_at(deadline_s):
                connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
                writer.write(_bytes_of(connection, url, request))
                await writer.drain()
                head = await _head(connection, reader)
            said = await _body(connection, reader)
        finally:
            # Not closed in order: an answer without end would be waited for.
            writer.transport.abort()
    except (UrlRefused, OSError, h11.RemoteProtocolError) as error:
        return _why(error, line)
    outcome = _outcome(head, said, at=at)
    return refusal(said) if outcome is None and refusal is not None else outcome


def _why(error: Exception, line: Line) -> Failure:
    """Return what an exchange ended with before there was an answer."""
    match error:
        case UrlRefused():
            return Failure(error.zh, str(error), is_permanent=True)
        case TimeoutError():
            return Failure("超时", f"no answer within {line.timeout_s:g} s")
        case ssl.SSLCertVerificationError():
            text = f"invalid certificate: {error.verify_message}"
            return Failure("证书无效", text, is_permanent=True)
        case ssl.SSLError():
            return Failure("TLS 失败", f"TLS failed: {error.reason}", is_permanent=True)
        case OSError():
            return Failure("无法连接", f"cannot be reached: {error.strerror or error}")
        case _:
            return Failure("应答不是 HTTP 或中断", f"no whole HTTP answer: {error}")


async def _connect(
    url: Url, addresses: Sequence[IPv4Address | IPv6Address], line: Line
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    last: OSError = OSError("the name has no address")
    for address in addresses:
        try:
            if url.scheme == "http":
                return await asyncio.open_connection(str(address), url.port)
            return await asyncio.open_connection(
                str(address),
                url.port,
                ssl=line.context or _trust(),
                # The certificate is of the name, whatever its address.
                server_hostname=url.host,
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            last = error
    raise last


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _bytes_of(connection: h11.Connection, url: Url, request: Request) -> bytes:
    headers = {
        "Host": url.authority,
        "User-Agent": f"nengtan/{VERSION}",
        "Accept": "*/*",
        "Connection": "close",
        **request.headers,
    }
    if request.method != "GET":
        headers["Content-Length"] = str(len(request.body))
    head = h11.Request(method=request.method, target=url.path, headers=list(headers.items()))
    parts = [connection.send(head)]
    if request.body:
        parts.append(connection.send(h11.Data(data=request.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _head(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    received = 0
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            data = await reader.read(_READ_BYTES)
            received += len(data)
            # Interim answers without end are no answer.
            if received > _HEAD_BYTES_MAX + ANSWER_BYTES_MAX:
                raise h11.RemoteProtocolError("the answer begins without a status")
            connection.receive_data(data)
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("closed without an answer")


async def _body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """Return the begin of what the receiver says; what happens here is no failure by itself."""
    said = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            while len(said) < ANSWER_BYTES_MAX:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(_READ_BYTES))
                elif isinstance(event, h11.Data):
                    said += event.data
                else:
                    break
    except (OSError, h11.RemoteProtocolError):  # a timeout is an OSError
        return bytes(said)
    return bytes(said[:ANSWER_BYTES_MAX])


def _outcome(head: h11.Response, said: bytes, *, at: datetime) -> Failure | None:
    status = head.status_code
    if 200 <= status < 300:
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    if 300 <= status < 400:
        target = headers.get("location", "")[:_SHOWN_LENGTH]
        return Failure(
            f"重定向（{status}）不予跟随",
            f"redirected ({status}) to {target!r}, which is not followed",
            is_permanent=True,
        )
    shown = " ".join(said[:_SHOWN_LENGTH].decode("utf-8", "replace").split())
    return Failure(
        f"应答 {status}",
        f"answered {status}" + (f": {shown}" if shown else ""),
        is_permanent=status in _PERMANENT,
        is_of_message=status in _OF_MESSAGE,
        retry_after_s=_retry_after_s(headers.get("retry-after", ""), at=at),
    )


def _retry_after_s(text: str, *, at: datetime) -> float:
    if text.strip().isdecimal() and len(text) < 10:
        return min(float(text), _RETRY_AFTER_S_MAX)
    try:
        wait_s = (parsedate_to_datetime(text) - at).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(wait_s, 0.0), _RETRY_AFTER_S_MAX) if math.isfinite(wait_s) else 0.0

"""The client of webhooks beside receivers that misbehave: B100 and B128."""

import asyncio
import base64
import hmac
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notify import exchange as client
from services.notify.event import signed
from services.notify.exchange import Failure, Line, Request, exchange
from services.notify.retry import is_given_up, retry_at
from tests.receivers import Receiver, own_certificate

AT = datetime(2026, 11, 26, tzinfo=UTC)
LOOPBACK = Line(allowed=[ip_network("127.0.0.0/8")], timeout_s=5.0)
IMPATIENT = Line(LOOPBACK.allowed, timeout_s=0.4)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


def post(url: str, line: Line = LOOPBACK, body: bytes = b"{}") -> Failure | None:
    return asyncio.run(exchange(Request(url, {"Idempotency-Key": "k"}, body), line, at=AT))


class TestExchange:
    def test_sends_the_request_as_it_is(self, receiver: Receiver) -> None:
        assert post(f"{receiver.url}?a=b", body=b'{"x":1}') is None
        [got] = receiver.received
        assert (got.method, got.target, got.body) == ("POST", "/hook?a=b", b'{"x":1}')
        assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert got.headers["user-agent"].startswith("nengtan/")
        assert got.key == "k"

    @pytest.mark.parametrize(
        ("behaviour", "said", "is_permanent", "is_of_message"),
        [
            ("200", None, False, False),
            ("204", None, False, False),
            ("slow", None, False, False),
            ("500", "answered 500: said", False, False),
            ("503", "answered 503: said", False, False),
            ("400", "answered 400: said", False, True),
            ("413", "answered 413: said", False, True),
            ("401", "answered 401: said", True, False),
            ("410", "answered 410: said", True, False),
            ("redirect", "which is not followed", True, False),
            ("close", "no whole HTTP answer", False, False),
            ("cut", "no whole HTTP answer", False, False),
            ("junk", "no whole HTTP answer", False, False),
            ("hang", "no answer within 0.4 s", False, False),
        ],
    )
    def test_says_what_became_of_it(
        self,
        receiver: Receiver,
        behaviour: str,
        monkeypatch: pytest.MonkeyPatch,
        *,
        said: str | None,
        is_permanent: bool,
        is_of_message: bool,
    ) -> None:
        monkeypatch.setattr(client, "_BODY_TIMEOUT_S", 0.2)
        receiver.script = [behaviour]
        failure = post(receiver.url, IMPATIENT if behaviour == "hang" else LOOPBACK)
        assert len(receiver.received) == 1
        if said is None:
            assert failure is None
        else:
            assert failure is not None
            assert said in failure.en
            assert failure.zh
            assert (failure.is_permanent, failure.is_of_message) == (is_permanent, is_of_message)

    @pytest.mark.parametrize(
        ("wait", "expected_s"),
        [
            ("7", 7.0),
            ("99999999", 3600.0),
            ("-1", 0.0),
            ("soon", 0.0),
            ("Thu, 26 Nov 2026 00:01:00 GMT", 60.0),
            ("Thu, 26 Nov 2020 00:01:00 GMT", 0.0),
        ],
    )
    def test_hears_when_to_come_back(
        self, receiver: Receiver, wait: str, expected_s: float
    ) -> None:
        receiver.script = [f"429:{wait}"]
        failure = post(receiver.url)
        assert failure is not None
        assert failure.retry_after_s == expected_s

    def test_says_that_nobody_is_there(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            failure = post(f"http://127.0.0.1:{unused.getsockname()[1]}/")
        assert failure is not None
        assert "cannot be reached" in failure.en

    def test_cuts_an_answer_of_10_gb(self, receiver: Receiver) -> None:
        """B128: 64 KB are read, the rest is not waited for."""
        receiver.script = ["endless"]
        begun_s = time.monotonic()
        assert post(receiver.url) is None
        assert time.monotonic() - begun_s < 1.0
        # What was on its way in the buffers of both sides, and no more.
        assert receiver.sent_bytes < 20_000_000

    def test_gives_up_interim_answers_without_end(self) -> None:
        def serve(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                try:
                    while True:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
                except OSError:
                    return

        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(5)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

            async def both() -> Failure | None:
                serving = asyncio.to_thread(serve, listener)
                failure, _ = await asyncio.gather(
                    exchange(Request(url, {}), LOOPBACK, at=AT), serving
                )
                return failure

            failure = asyncio.run(both())
        assert failure is not None


class TestTls:
    """B128: a certificate that is not of the name, or of nobody known, is refused."""

    @pytest.fixture
    def receiver(self, tmp_path: Path) -> Iterator[Receiver]:
        with Receiver(tls=own_certificate(tmp_path / "tls", "hook.example.com")).running() as it:
            yield it

    def resolved(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
        """Have every name resolve to addresses; return the list of names that were asked for."""
        asked: list[str] = []
        original = asyncio.BaseEventLoop.getaddrinfo

        async def getaddrinfo(loop: Any, host: str, port: int, **more: Any) -> Any:
            if host.endswith("example.com"):
                asked.append(host)
                address = addresses[min(len(asked), len(addresses)) - 1]
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]
            return await original(loop, host, port, **more)

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        return asked

    def test_of_a_stranger_is_refused(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.resolved(monkeypatch, "127.0.0.1")
        failure = post(f"https://hook.example.com:{receiver.port}/")
        assert failure is not None
        assert "invalid certificate: self-signed" in failure.en
        assert failure.is_permanent
        assert receiver.received == []

    def test_of_another_name_is_refused(
        self, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.resolved(monkeypatch, "127.0.0.1")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "tls" / "cert.pem"))
        line = Line(LOOPBACK.allowed, LOOPBACK.timeout_s, trusting)
        failure = post(f"https://other.example.com:{receiver.port}/", line)
        assert failure is not None
        assert "invalid certificate: Hostname mismatch" in failure.en
        assert receiver.received == []

    def test_that_is_right_is_taken_at_the_address_that_was_checked(
        self, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """B100: a name that points elsewhere the second time it is asked for is not asked twice."""
        asked = self.resolved(monkeypatch, "127.0.0.1", "169.254.169.254")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "tls" / "cert.pem"))
        line = Line(LOOPBACK.allowed, LOOPBACK.timeout_s, trusting)
        assert post(f"https://hook.example.com:{receiver.port}/x", line) is None
        assert asked == ["hook.example.com"]
        assert receiver.received[0].headers["host"] == f"hook.example.com:{receiver.port}"

    @pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1"])
    def test_a_name_that_points_inside_is_refused(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, inside: str
    ) -> None:
        self.resolved(monkeypatch, inside)
        failure = post(f"https://hook.example.com:{receiver.port}/", Line(timeout_s=5.0))
        assert failure is not None
        assert failure.is_permanent
        assert f"hook.example.com ({inside}) is not a public address" in failure.en
        assert receiver.received == []


class TestLiterals:
    @pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "localhost", "0"])
    def test_other_spellings_of_loopback_are_refused(self, receiver: Receiver, host: str) -> None:
        """B100: what only the resolver understands is checked after it did."""
        failure = post(f"http://{host}:{receiver.port}/", Line(timeout_s=5.0))
        assert failure is not None
        assert receiver.received == []


class TestSigned:
    def test_as_standard_webhooks_say(self) -> None:
        key = UUID("00000000-0000-0000-0000-000000000001")
        raw = bytes(range(24))
        secret = "whsec_" + base64.b64encode(raw).decode()
        headers = signed(key=key, body=b"{}", at=AT, secret=secret)
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + b"{}"
        expected = base64.b64encode(hmac.new(raw, content, sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert headers["Idempotency-Key"] == headers["webhook-id"] == str(key)
        assert headers["webhook-timestamp"] == str(int(AT.timestamp()))

    def test_not_without_a_secret(self) -> None:
        headers = signed(key=UUID(int=1), body=b"{}", at=AT, secret=None)
        assert "webhook-signature" not in headers


class TestRetry:
    @pytest.mark.parametrize(
        ("attempt_count", "retry_after_s", "wait_s"),
        [(1, 0, 5), (2, 0, 10), (3, 0, 20), (8, 0, 600), (500, 0, 600), (1, 7, 7), (9, 3600, 3600)],
    )
    def test_waits_longer_and_longer(
        self, attempt_count: int, retry_after_s: float, wait_s: float
    ) -> None:
        at = retry_at(attempt_count, at=AT, retry_after_s=retry_after_s)
        assert at - AT == timedelta(seconds=wait_s)

    def test_ends_after_a_day(self) -> None:
        day = timedelta(hours=24)
        assert not is_given_up(None, at=AT)
        assert not is_given_up(AT, at=AT + day - timedelta(seconds=1))
        assert is_given_up(AT, at=AT + day)

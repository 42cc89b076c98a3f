"""Robots of chats: what leaves for them is received by a real server, which answers as they do."""

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest

from services.notify.chat import ROBOTS, RobotKind, send_chat
from services.notify.exchange import Failure, Line
from services.notify.message import Message
from tests.receivers import Receiver

AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
LINE = Line(allowed=[ip_network("127.0.0.0/8")], timeout_s=20)
MESSAGE = Message("[严重 critical] 告警 firing", "hall 超限 / hall over its limit")
TOKEN = "0123456789abcdef" * 4
KEY = f"SEC{TOKEN}"
TAKEN = {
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "feishu": b'{"code":0,"msg":"success","data":{}}',
}
SECRETS: list[tuple[RobotKind, str]] = [
    ("wecom", "693axxx6-7aoc-4bc4"),
    ("dingtalk", TOKEN),
    ("dingtalk", f"{TOKEN} {KEY}"),
    ("feishu", "a-b-c-d-0123"),
    ("feishu", "a-b-c-d-0123 abcdefgh"),
]
KINDS: list[RobotKind] = list(ROBOTS)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Give a server in the place of all three services: only the host is another."""
    with Receiver().running() as receiver:
        for kind, robot in ROBOTS.items():
            parts = urlsplit(robot.url)
            place = robot.url.removeprefix(f"https://{parts.netloc}")
            url = receiver.url.removesuffix("/hook") + place
            monkeypatch.setitem(ROBOTS, kind, replace(robot, url=url))
        yield receiver


async def told(kind: RobotKind, secret: str, message: Message = MESSAGE) -> Failure | None:
    return await send_chat(kind, message, LINE, secret=secret, at=AT)


def text_of(kind: RobotKind, body: bytes) -> str:
    document = json.loads(body)
    return str(document["content"]["text"] if kind == "feishu" else document["text"]["content"])


class TestRobots:
    def test_have_hosts_of_their_own(self) -> None:
        assert {kind: urlsplit(robot.url).netloc for kind, robot in ROBOTS.items()} == {
            "wecom": "qyapi.weixin.qq.com",
            "dingtalk": "oapi.dingtalk.com",
            "feishu": "open.feishu.cn",
        }
        assert all(robot.url.startswith("https://") for robot in ROBOTS.values())


class TestSendChat:
    @pytest.mark.parametrize(("kind", "secret"), SECRETS)
    async def test_tells_the_robot(self, receiver: Receiver, kind: RobotKind, secret: str) -> None:
        receiver.said = TAKEN[kind]
        assert await told(kind, secret) is None
        [one] = receiver.received
        assert one.method == "POST"
        assert one.headers["content-type"].startswith("application/json")
        assert text_of(kind, one.body) == f"{MESSAGE.subject}\n\n{MESSAGE.text}"
        assert json.loads(one.body)["msg_type" if kind == "feishu" else "msgtype"] == "text"
        token = secret.partition(" ")[0]
        assert one.target.startswith(f"{urlsplit(ROBOTS[kind].url).path}")
        assert token in one.target

    async def test_signs_for_dingtalk_by_the_clock(self, receiver: Receiver) -> None:
        receiver.said = TAKEN["dingtalk"]
        assert await told("dingtalk", f"{TOKEN} {KEY}") is None
        asked = parse_qs(urlsplit(receiver.received[0].target).query)
        assert asked["timestamp"] == [str(int(AT.timestamp()) * 1000)]
        text = f"{asked['timestamp'][0]}\n{KEY}".encode()
        expected = base64.b64encode(hmac.new(KEY.encode(), text, sha256).digest()).decode()
        assert asked["sign"] == [expected]
        assert asked["access_token"] == [TOKEN]

    async def test_signs_for_feishu_by_the_clock(self, receiver: Receiver) -> None:
        receiver.said = TAKEN["feishu"]
        assert await told("feishu", "a-b-c-d-0123 abcdefgh") is None
        document = json.loads(receiver.received[0].body)
        assert document["timestamp"] == str(int(AT.timestamp()))
        text = f"{document['timestamp']}\nabcdefgh".encode()
        assert document["sign"] == base64.b64encode(hmac.new(text, b"", sha256).digest()).decode()

    @pytest.mark.parametrize("kind", KINDS)
    async def test_is_not_taken_in_by_200_with_a_code(
        self, receiver: Receiver, kind: RobotKind
    ) -> None:
        robot = ROBOTS[kind]
        words = "msg" if kind == "feishu" else "errmsg"
        for code in (robot.too_many, *robot.not_as_set_up, 77):
            receiver.said = json.dumps({robot.code: code, words: "频率限制 no"}).encode()
            failure = await told(kind, TOKEN)
            assert failure is not None
            assert str(code) in failure.zh
            assert str(code) in failure.en
            assert "频率限制 no" in failure.en
            assert failure.is_permanent == (code in robot.not_as_set_up)
            assert (failure.retry_after_s > 0) == (code == robot.too_many)

    @pytest.mark.parametrize("said", [b"", b"said", b"[]", b"null", b'{"errcode":"0"}', b"{", b"7"])
    @pytest.mark.parametrize("kind", KINDS)
    async def test_asks_again_where_the_robot_said_nothing(
        self, receiver: Receiver, kind: RobotKind, said: bytes
    ) -> None:
        receiver.said = said
        failure = await told(kind, TOKEN)
        assert failure is not None
        assert not failure.is_permanent

    async def test_says_what_the_service_answered(self, receiver: Receiver) -> None:
        receiver.then = "500"
        failure = await told("wecom", TOKEN)
        assert failure is not None
        assert "500" in failure.en

    @pytest.mark.parametrize("kind", KINDS)
    async def test_cuts_what_is_too_long_between_characters(
        self, receiver: Receiver, kind: RobotKind
    ) -> None:
        receiver.said = TAKEN[kind]
        limit = ROBOTS[kind].text_bytes_max
        for more in range(3):
            assert await told(kind, TOKEN, Message("x" * more, "表" * limit)) is None
            text = text_of(kind, receiver.received[-1].body)
            assert limit - 3 <= len(text.encode()) <= limit
            assert text.endswith("the rest is on the page")
            assert "\ufffd" not in text

    @pytest.mark.parametrize(
        ("kind", "secret"),
        [
            # A secret chooses the robot and nothing else: no host, no path, no parameter.
            ("wecom", "evil.example/key"),
            ("wecom", "12345678?x=y"),
            ("wecom", "12345678 abcdefgh"),
            ("dingtalk", f"{TOKEN}@127.0.0.1"),
            ("dingtalk", f"{TOKEN} {TOKEN}"),
            ("feishu", "../../../x"),
            ("feishu", "no!"),
            ("feishu", ""),
        ],
    )
    async def test_refuses_a_secret_that_is_none(
        self, receiver: Receiver, kind: RobotKind, secret: str
    ) -> None:
        failure = await told(kind, secret)
        assert failure is not None
        assert failure.is_permanent
        assert receiver.received == []

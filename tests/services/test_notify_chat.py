"""Robots of chats: what secrets are taken, and what leaves through Apprise where it is there."""

import importlib.util
import json
import sys
from typing import Any

import pytest

from services.notify.chat import robot_url, send_chat
from services.notify.message import Message
from services.notify.policy import ChannelKind

MESSAGE = Message("[严重 critical] 告警 firing", "hall 超限 / hall over its limit")
TOKEN = "0123456789abcdef" * 4


class TestRobotUrl:
    @pytest.mark.parametrize(
        ("kind", "secret", "url"),
        [
            ("wecom", "693axxx6-7aoc-4bc4", "wecombot://693axxx6-7aoc-4bc4/"),
            ("dingtalk", TOKEN, f"dingtalk://{TOKEN}/"),
            ("dingtalk", f"{TOKEN} SEC{TOKEN}", f"dingtalk://SEC{TOKEN}@{TOKEN}/"),
            ("feishu", "a-b-c-d-0123", "feishu://a-b-c-d-0123/"),
            # A secret chooses the robot and nothing else: no host, no path, no parameter.
            ("wecom", "evil.example/key", None),
            ("wecom", "12345678?x=y", None),
            ("dingtalk", f"{TOKEN}@127.0.0.1", None),
            ("feishu", "../../../x", None),
            ("feishu", "", None),
        ],
    )
    def test_is_of_the_service_alone(self, kind: ChannelKind, secret: str, url: str | None) -> None:
        assert robot_url(kind, secret) == url


class TestSendChat:
    async def test_says_what_to_install_where_apprise_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "apprise", None)
        failure = await send_chat("wecom", MESSAGE, secret="12345678")
        assert failure is not None
        assert failure.is_permanent
        assert "nengtan[notify]" in failure.en
        assert "nengtan[notify]" in failure.zh

    async def test_refuses_a_secret_that_is_none(self) -> None:
        failure = await send_chat("feishu", MESSAGE, secret="no!")
        assert failure is not None
        assert failure.is_permanent

    @pytest.mark.skipif(
        importlib.util.find_spec("apprise") is None, reason="apprise is absent: an extra"
    )
    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize(
        ("kind", "secret", "host"),
        [
            ("wecom", "12345678-abcd", "https://qyapi.weixin.qq.com/"),
            ("dingtalk", f"{TOKEN} SEC{TOKEN}", "https://oapi.dingtalk.com/"),
            ("feishu", "a-b-c-d-0123", "https://open.feishu.cn/"),
        ],
    )
    async def test_tells_the_robot_by_its_service(
        self, kind: ChannelKind, secret: str, host: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        requests: Any = importlib.import_module("requests")
        sent: list[tuple[str, str]] = []
        status = 200

        def post(url: str, data: Any = None, **_: Any) -> Any:
            sent.append((url, data.decode() if isinstance(data, bytes) else str(data)))
            answer = requests.Response()
            answer.status_code = status
            answer._content = b'{"errcode":0,"code":0,"StatusCode":0}'
            return answer

        monkeypatch.setattr(requests, "post", post)
        assert await send_chat(kind, MESSAGE, secret=secret) is None
        [(url, body)] = sent
        assert url.startswith(host)
        assert "hall over its limit" in json.dumps(json.loads(body))
        status = 500
        failure = await send_chat(kind, MESSAGE, secret=secret)
        assert failure is not None

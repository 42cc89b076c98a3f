"""Robots of chats: what secrets are taken, and what leaves through Apprise where it is there."""

import importlib.util
import json
import sys

import pytest

from services.notify.chat import robot_url, send_chat
from services.notify.message import Message
from services.notify.policy import ChannelKind
from tests.receivers import Receiver

MESSAGE = Message("[严重 critical] 告警 firing", "hall 超限 / hall over its limit")
HOSTS = {
    "wecom": "qyapi.weixin.qq.com",
    "dingtalk": "oapi.dingtalk.com",
    "feishu": "open.feishu.cn",
}
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
        ("kind", "secret", "plugin", "template"),
        [
            ("wecom", "12345678-abcd", "wecombot.NotifyWeComBot", "?key={key}"),
            ("dingtalk", f"{TOKEN} SEC{TOKEN}", "dingtalk.NotifyDingTalk", "?access_token={token}"),
            ("feishu", "a-b-c-d-0123", "feishu.NotifyFeishu", "/{token}"),
        ],
    )
    async def test_tells_the_robot_by_its_service(
        self,
        kind: ChannelKind,
        secret: str,
        plugin: str,
        template: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What Apprise sends is received by a real server: only the address is another."""
        module, _, name = plugin.partition(".")
        robot = getattr(importlib.import_module(f"apprise.plugins.{module}"), name)
        assert robot.notify_url.startswith(f"https://{HOSTS[kind]}/")
        with Receiver().running() as receiver:
            monkeypatch.setattr(robot, "notify_url", receiver.url + template)
            assert await send_chat(kind, MESSAGE, secret=secret) is None
            receiver.then = "500"
            failure = await send_chat(kind, MESSAGE, secret=secret)
        assert failure is not None
        assert not failure.is_permanent
        first = receiver.received[0]
        assert first.method == "POST"
        key = secret.partition(" ")[0]
        assert first.target.startswith("/hook" + template.format(key=key, token=key))
        assert ("sign=" in first.target) == (kind == "dingtalk")
        text = json.dumps(json.loads(first.body), ensure_ascii=False)
        assert "hall 超限 / hall over its limit" in text
        assert len(receiver.received) == 2

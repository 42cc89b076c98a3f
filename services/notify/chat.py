"""Robots of WeCom, DingTalk and Feishu, through Apprise: an extra, loaded when first needed."""

import asyncio
import importlib
import re
from typing import Any
from urllib.parse import quote

from services.notify.exchange import Failure
from services.notify.message import Message
from services.notify.policy import ChannelKind

# What the secret of a robot looks like; a DingTalk robot that signs has `token secret`.
_SECRETS = {
    "wecom": re.compile(r"[A-Za-z0-9-]{8,64}"),
    "dingtalk": re.compile(r"[A-Za-z0-9]{16,128}(?: SEC[A-Za-z0-9]{16,128})?"),
    "feishu": re.compile(r"[A-Za-z0-9-]{8,64}"),
}
_EXTRA_MISSING = Failure(
    "服务器未安装 Apprise：请安装 nengtan[notify]",
    "Apprise is not installed on this server: install nengtan[notify]",
    is_permanent=True,
)
_TIMEOUT_S = 30.0


def robot_url(kind: ChannelKind, secret: str) -> str | None:
    """Return what Apprise calls a robot, None if the secret is none of its kind.

    The hosts are those that Apprise knows: a secret chooses the robot and nothing else.
    """
    if not _SECRETS[kind].fullmatch(secret):
        return None
    token, _, signing = secret.partition(" ")
    match kind:
        case "wecom":
            return f"wecombot://{quote(token)}/"
        case "dingtalk":
            return (
                f"dingtalk://{quote(signing)}@{quote(token)}/"
                if signing
                else (f"dingtalk://{quote(token)}/")
            )
        case _:
            return f"feishu://{quote(token)}/"


async def send_chat(kind: ChannelKind, message: Message, *, secret: str) -> Failure | None:
    """Tell a robot; return None if its service took the message."""
    url = robot_url(kind, secret)
    if url is None:
        return Failure(
            f"密钥不是 {kind} 机器人的 key 或 token",
            f"the secret is not that of a {kind} robot",
            is_permanent=True,
        )
    try:
        apprise: Any = await asyncio.to_thread(importlib.import_module, "apprise")
    except ImportError:
        return _EXTRA_MISSING
    robots = apprise.Apprise()
    if not robots.add(url):
        return Failure(
            "Apprise 不接受该密钥", "Apprise does not take the secret", is_permanent=True
        )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            taken = await robots.async_notify(title=message.subject, body=message.text)
    except TimeoutError:
        return Failure("超时", f"no answer within {_TIMEOUT_S:g} s")
    return None if taken else Failure("机器人拒收或无法连接", "the robot did not take it")

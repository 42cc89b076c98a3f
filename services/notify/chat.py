"""Robots of WeCom, DingTalk and Feishu: one text to one chat.

Each takes a small JSON document and answers 200 whether it took it or not: what its `errcode` (of
Feishu, `code`) says is the answer, and one that says nothing may not have taken the message. A
robot takes 20 messages a minute from WeCom and DingTalk, 100 from Feishu; what is more is refused.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

from services.notify.exchange import Failure, Line, Request, exchange
from services.notify.message import Message

RobotKind = Literal["wecom", "dingtalk", "feishu"]
_RATE_PAUSE_S = 60.0
_SAID_LENGTH_MAX = 200
_CUT = "\n…… 其余见告警页 / the rest is on the page"


@dataclass(frozen=True, slots=True)
class _Robot:
    """How a service is spoken to.

    Attributes
    ----------
    url : str
        Its own host, whatever the secret; the token comes behind it.
    secret : pattern
        A token and, behind a space, the key of a robot that asks for signatures.
    text_bytes_max : int
        Of a text, in UTF-8.
    code : str
        Where its answer says what came of the message; 0 is taken.
    too_many : int
        The code that refuses more messages for now.
    not_as_set_up : frozenset of int
        Codes of a token that is none, and of what the robot's own settings refuse.
    """

    url: str
    secret: re.Pattern[str]
    text_bytes_max: int
    code: str
    too_many: int
    not_as_set_up: frozenset[int]


# Of the services' own documentation: developer.work.weixin.qq.com/document/path/91770,
# open.dingtalk.com/document/robots/custom-robot-access, open.feishu.cn/document (custom bots).
ROBOTS: dict[RobotKind, _Robot] = {
    "wecom": _Robot(
        url="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
        secret=re.compile(r"([A-Za-z0-9-]{8,64})()"),
        text_bytes_max=2_048,
        code="errcode",
        too_many=45009,
        not_as_set_up=frozenset({93000}),
    ),
    "dingtalk": _Robot(
        url="https://oapi.dingtalk.com/robot/send?access_token=",
        secret=re.compile(r"([A-Za-z0-9]{16,128})(?: (SEC[A-Za-z0-9]{16,128}))?"),
        text_bytes_max=20_000,
        code="errcode",
        too_many=130101,
        not_as_set_up=frozenset({300001, 300005, 310000}),
    ),
    "feishu": _Robot(
        url="https://open.feishu.cn/open-apis/bot/v2/hook/",
        secret=re.compile(r"([A-Za-z0-9-]{8,64})(?: ([A-Za-z0-9]{8,64}))?"),
        text_bytes_max=18_000,
        code="code",
        too_many=11232,
        not_as_set_up=frozenset({19001, 19021, 19022, 19024}),
    ),
}


async def send_chat(
    kind: RobotKind, message: Message, line: Line, *, secret: str, at: datetime
) -> Failure | None:
    """Tell a robot; return None if its service took the message."""
    robot = ROBOTS[kind]
    found = robot.secret.fullmatch(secret)
    if found is None:
        return Failure(
            f"密钥不是 {kind} 机器人的 key 或 token",
            f"the secret is not that of a {kind} robot",
            is_permanent=True,
        )
    token, key = found[1], found[2] or ""
    text = _cut(f"{message.subject}\n\n{message.text}", robot.text_bytes_max)
    request = _request(kind, robot.url + token, key, text, at)
    return await exchange(request, line, at=at, refusal=partial(_refusal, robot))


def _request(kind: RobotKind, url: str, key: str, text: str, at: datetime) -> Request:
    document: dict[str, Any]
    if kind == "feishu":
        document = {"msg_type": "text", "content": {"text": text}}
        if key:
            seconds = str(int(at.timestamp()))
            signature = _signature(f"{seconds}\n{key}", "")
            document |= {"timestamp": seconds, "sign": signature}
    else:
        document = {"msgtype": "text", "text": {"content": text}}
        if key:
            milliseconds = str(int(at.timestamp() * 1000))
            signature = _signature(key, f"{milliseconds}\n{key}")
            url += "&" + urlencode({"timestamp": milliseconds, "sign": signature})
    body = json.dumps(document, ensure_ascii=False).encode()
    return Request(url, {"Content-Type": "application/json; charset=utf-8"}, body)


def _signature(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), sha256)).decode()


def _cut(text: str, bytes_max: int) -> str:
    """Return a text that a robot takes, whole characters of it."""
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - len(_CUT.encode())].decode(errors="ignore") + _CUT


def _refusal(robot: _Robot, said: bytes) -> Failure | None:
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    code = answer.get(robot.code) if isinstance(answer, Mapping) else None
    if code == 0:
        return None
    if not isinstance(code, int):
        return Failure("机器人未说明是否收下", "the robot did not say whether it took it")
    words = str(answer.get("errmsg") or answer.get("msg") or "")[:_SAID_LENGTH_MAX]
    return Failure(
        f"机器人拒收（{code}）：{words}",
        f"the robot refused it ({code}): {words}",
        is_permanent=code in robot.not_as_set_up,
        retry_after_s=_RATE_PAUSE_S if code == robot.too_many else 0.0,
    )

"""The alert policy of a tenant: channels, who is told first and next, duty, quiet hours.

The records hold the shape of the document; what its parts say of each other is in `read`.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.notify.hours import Hours
from services.notify.matching import Matcher
from services.plant.words import Code, Name, Part, said

SCHEMA_VERSION = "nengtan.alert-policy/1"
CODE = "policy"

ChannelKind = Literal["webhook", "alertmanager", "mail", "wecom", "dingtalk", "feishu"]
# They tell people, who sleep and who read a hundred messages as little as none.
PEOPLE: frozenset[ChannelKind] = frozenset({"mail", "wecom", "dingtalk", "feishu"})
_PER_MINUTE_PEOPLE = 20
_PER_MINUTE_MACHINES = 600

Url = Annotated[str, Field(min_length=1, max_length=1000)]
Codes = Annotated[tuple[Code, ...], Field(min_length=1, max_length=50)]


class Channel(Part):
    """A way to tell somebody."""

    code: Annotated[Code, said("编码", "Code", "本策略内唯一。", "Unique in the policy.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    kind: Annotated[
        ChannelKind,
        said(
            "类型",
            "Kind",
            "webhook 回调、alertmanager 外部 Alertmanager、mail 邮件、wecom 企业微信、"
            "dingtalk 钉钉、feishu 飞书机器人。",
            "webhook, alertmanager, mail, or a robot of WeCom, DingTalk or Feishu.",
        ),
    ]
    url: Annotated[
        Url | None,
        said(
            "地址",
            "URL",
            "webhook 的地址，或 Alertmanager 的根地址；http 或 https。",
            "Of the webhook, or the root of the Alertmanager; http or https.",
        ),
    ] = None
    secret: Annotated[
        Code | None,
        said(
            "密钥",
            "Secret",
            "已存密钥的编码：webhook 的签名密钥、机器人的 key 或 token。",
            "Code of a stored secret: what signs the webhook, or the key of the robot.",
        ),
    ] = None
    to: Annotated[
        Annotated[tuple[str, ...], Field(max_length=50)],
        said("收件人", "To", "邮件地址。", "Mail addresses."),
    ] = ()
    then: Annotated[
        Code | None,
        said(
            "后备通道",
            "Then",
            "重试 24 小时仍失败时改用的通道；通道故障也通知它。",
            "Channel used when 24 hours of retries failed; it is told that this one is broken.",
        ),
    ] = None
    alerts_per_minute: Annotated[
        Annotated[int, Field(ge=1, le=10_000)] | None,
        said(
            "每分钟上限",
            "Alerts a minute",
            "超出的合并为一条汇总；省略时对人 20、对系统 600。",
            "More become one summary; 20 for people and 600 for machines if left out.",
        ),
    ] = None

    @property
    def is_for_people(self) -> bool:
        """Whether it tells people: they have quiet hours, and get alerts of a group together."""
        return self.kind in PEOPLE

    @property
    def per_minute_max(self) -> int:
        """How many messages a minute it takes before the rest becomes a summary."""
        default = _PER_MINUTE_PEOPLE if self.is_for_people else _PER_MINUTE_MACHINES
        return default if self.alerts_per_minute is None else self.alerts_per_minute


class Shift(Part):
    """Who is on duty when (值班)."""

    code: Annotated[
        Code, said("编码", "Code", "与通道编码不重复。", "No channel has the same code.")
    ]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    hours: Annotated[
        Annotated[tuple[Hours, ...], Field(min_length=1, max_length=50)],
        said("时段", "Hours", "值班时段。", "When it is on duty."),
    ]
    channels: Annotated[
        Codes, said("通道", "Channels", "值班时通知的通道。", "Told while it is on duty.")
    ]


class Quiet(Hours):
    """Hours in which people are not told of lesser alerts (免打扰)."""

    severities: Annotated[
        Annotated[tuple[Literal["info", "warning"], ...], Field(min_length=1)],
        said(
            "级别",
            "Severities",
            "等到时段结束才通知的级别；critical 从不等待。",
            "Those that wait for the end of the hours; critical never waits.",
        ),
    ] = ("info", "warning")


class Step(Part):
    """Who is told, how long after the alert fired, unless it was acknowledged or is over."""

    after_minutes: Annotated[
        Annotated[int, Field(ge=0, le=10_080)],
        said("延迟", "After", "触发后多少分钟。", "Minutes after it fired."),
    ] = 0
    tell: Annotated[
        Codes, said("通知", "Tell", "通道或值班的编码。", "Codes of channels or shifts.")
    ]


class Route(Part):
    """To whom alerts with certain labels go; the first route that matches is taken."""

    matchers: Annotated[
        Annotated[tuple[Matcher, ...], Field(max_length=20)],
        said("匹配", "Matchers", "全部满足才匹配；空则全部。", "All must hold; none match all."),
    ] = ()
    steps: Annotated[
        Annotated[tuple[Step, ...], Field(min_length=1, max_length=10)],
        said("步骤", "Steps", "首步为通知，其后为升级。", "The first tells, later ones escalate."),
    ]
    group_by: Annotated[
        Annotated[tuple[Code, ...], Field(max_length=10)],
        said(
            "分组",
            "Group by",
            "这些标签相同的告警合为一条消息发给人。",
            "Alerts alike in these labels are told to people in one message.",
        ),
    ] = ("site", "alertname")
    group_wait_seconds: Annotated[
        Annotated[int, Field(ge=0, le=600)],
        said(
            "分组等待",
            "Group wait",
            "对人的通知等待多久，以便合并。",
            "How long messages to people wait for others of their group. [s]",
        ),
    ] = 0


class Policy(Part):
    """To whom alerts of a tenant go."""

    schema_version: Annotated[
        Literal["nengtan.alert-policy/1"],
        Field(alias="schema"),
        said("格式", "Schema", f"固定为 {SCHEMA_VERSION}。", f"Always {SCHEMA_VERSION}."),
    ]
    time_zone: Annotated[
        str, said("时区", "Time zone", "值班与免打扰的时区。", "Of shifts and quiet hours.")
    ] = "Asia/Shanghai"
    channels: Annotated[
        Annotated[tuple[Channel, ...], Field(max_length=100)],
        said("通道", "Channels", "可以通知的途径。", "Ways to tell somebody."),
    ] = ()
    shifts: Annotated[
        Annotated[tuple[Shift, ...], Field(max_length=50)],
        said("值班", "Shifts", "谁在何时值班。", "Who is on duty when."),
    ] = ()
    routes: Annotated[
        Annotated[tuple[Route, ...], Field(max_length=100)],
        said("路由", "Routes", "取第一条匹配的。", "The first that matches is taken."),
    ] = ()
    quiet_hours: Annotated[
        Annotated[tuple[Quiet, ...], Field(max_length=50)],
        said("免打扰", "Quiet hours", "次要告警等待的时段。", "When lesser alerts wait."),
    ] = ()
    heartbeat_url: Annotated[
        Url | None,
        said(
            "心跳地址",
            "Heartbeat URL",
            "规则正常运行时每分钟访问一次；外部看守据此发现本系统失效。",
            "Asked for every minute while rules are evaluated, so that an outside watcher notices"
            " when this centre is dead.",
        ),
    ] = None

    def channel(self, code: str) -> Channel | None:
        """Return the channel of a code, None if there is none."""
        return next((channel for channel in self.channels if channel.code == code), None)

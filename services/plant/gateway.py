"""What sends the readings of a plant."""

from typing import Annotated, Literal

from pydantic import Field

from services.plant.words import Code, Name, Part, said

GatewayForm = Literal["nengtan", "neuron"]
GatewayClass = Literal["receipted", "acknowledged", "best_effort"]


class Gateway(Part):
    """A device that sends readings over MQTT (通过 MQTT 上送数据的网关)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name | None, said("名称", "Name", "可省略。", "May be left out.")] = None
    form: Annotated[
        GatewayForm,
        said("报文格式", "Message form", "本系统格式或 Neuron 格式。", "Our own, or Neuron's."),
    ] = "nengtan"
    delivery_class: Annotated[
        GatewayClass,
        Field(alias="class"),
        said(
            "可靠性等级",
            "Class",
            "receipted：网关保留无回执的数据；acknowledged：QoS 1 加持久代理；其余 best_effort。",
            "receipted: keeps what has no receipt; acknowledged: QoS 1 on a durable broker; "
            "best_effort: anything less.",
        ),
    ] = "receipted"
    topic: Annotated[
        Annotated[str, Field(min_length=1, max_length=512)] | None,
        said(
            "外部主题",
            "Foreign topic",
            "仅用于 neuron 格式：网关发布的主题。",
            "For neuron only: the topic that the gateway publishes to.",
        ),
    ] = None
    signed: Annotated[
        bool,
        said(
            "报文签名",
            "Signed",
            "仅 nengtan 格式：每条报文须带该网关密钥的 HMAC-SHA256，否则隔离。",
            "Of our own form: messages carry an HMAC-SHA256 by the gateway's key; others are "
            "quarantined.",
        ),
    ] = False
    clock_ahead_seconds: Annotated[
        Annotated[int, Field(ge=1, le=120)],
        said(
            "时钟超前限值",
            "Clock ahead",
            "读数时标晚于接收时刻超过此值即列入审核；超过 120 秒者被隔离。省略时为 30 秒。",
            "Readings stamped later than they are received by more than this are shown for review; "
            "by more than 120 s they are quarantined. If left out: 30 s.",
        ),
    ] = 30
    username: Annotated[
        Code | None,
        said(
            "代理用户名",
            "Broker user name",
            "省略时为 租户.厂区.网关。",
            "tenant.site.gateway if left out.",
        ),
    ] = None

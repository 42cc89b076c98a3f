"""Topics: ours, read and built; and filters, by which foreign gateways are found.

nengtan/v1/{tenant}/{site}/{gateway}/{telemetry|status|receipt|cmd}
nengtan/v1/{tenant}/{site}/value/{node}/{quantity}
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from compute.errors import NengtanError

Channel = Literal["telemetry", "status", "receipt", "cmd"]

PREFIX = "nengtan/v1"
TOPIC_BYTES_MAX = 65_535  # MQTT 5, 1.5.4
TELEMETRY_FILTER = f"{PREFIX}/+/+/+/telemetry"
VALUE = "value"  # stands where a gateway would: no gateway has this name

_LEVEL = re.compile(r"(?!\.+\Z)[A-Za-z0-9_.:-]{1,64}")
_CHANNELS = frozenset(get_args(Channel))


class BadTopic(NengtanError):
    """A topic is not one of ours, or a part of it cannot be a level of one."""

    def __init__(self, topic: str, fault: str) -> None:
        super().__init__(f"topic {topic[:200]!r}: {fault}")
        self.topic = topic


class BadFilter(NengtanError):
    """A topic filter is not well formed."""

    def __init__(self, pattern: str, fault: str) -> None:
        super().__init__(f"topic filter {pattern[:200]!r}: {fault}")
        self.pattern = pattern


@dataclass(frozen=True, slots=True)
class Address:
    """Whose topic it is, and what it is for. Each part is proven by the broker's access list."""

    tenant: str
    site: str
    gateway: str
    channel: Channel

    def __str__(self) -> str:
        """Return the topic."""
        return f"{PREFIX}/{self.tenant}/{self.site}/{self.gateway}/{self.channel}"


def is_level(text: str) -> bool:
    """Return whether a text may be a tenant, site, gateway, node or quantity in a topic."""
    return _LEVEL.fullmatch(text) is not None


def parse(topic: str) -> Address:
    """Return whose topic this is.

    Raises
    ------
    BadTopic
        If it is not a gateway's topic of ours; it may then be a foreign gateway's.
    """
    levels = topic.split("/", maxsplit=6)
    if len(levels) != 6 or f"{levels[0]}/{levels[1]}" != PREFIX:
        raise BadTopic(topic, f"not {PREFIX}/{{tenant}}/{{site}}/{{gateway}}/{{channel}}")
    tenant, site, gateway, channel = levels[2:]
    if channel not in _CHANNELS:
        raise BadTopic(topic, f"the last level is none of {', '.join(sorted(_CHANNELS))}")
    return address(tenant, site, gateway, cast("Channel", channel))


def address(tenant: str, site: str, gateway: str, channel: Channel) -> Address:
    """Return the address of these parts, or raise `BadTopic`."""
    found = Address(tenant, site, gateway, channel)
    for level in (tenant, site, gateway):
        _check_level(str(found), level)
    if gateway == VALUE:
        raise BadTopic(str(found), f"{VALUE!r} is reserved; give the gateway another name")
    return found


def receipt_topic(tenant: str, site: str, gateway: str) -> str:
    """Return where the receipts of a gateway are published."""
    return str(address(tenant, site, gateway, "receipt"))


def receipt_topic_of(topic: str) -> str:
    """Return where the receipts for what arrives on a topic of ours are published."""
    sender = parse(topic)
    return receipt_topic(sender.tenant, sender.site, sender.gateway)


def value_topic(tenant: str, site: str, node: str, quantity: str) -> str:
    """Return where a derived value is published."""
    topic = f"{PREFIX}/{tenant}/{site}/{VALUE}/{node}/{quantity}"
    for level in (tenant, site, node, quantity):
        _check_level(topic, level)
    return topic


def channel_filter(tenant: str, site: str, channel: Channel, *, gateway: str = "+") -> str:
    """Return the filter of one channel of all gateways of a site, or of one."""
    pattern = f"{PREFIX}/{tenant}/{site}/{gateway}/{channel}"
    for level in (tenant, site, *([] if gateway == "+" else [gateway])):
        _check_level(pattern, level)
    return pattern


def check_filter(pattern: str) -> str:
    """Return a filter that is well formed and not shared, or raise `BadFilter`.

    Shared subscriptions split the messages of one meter over several receivers.
    """
    levels = pattern.split("/")
    if not pattern or len(pattern.encode(errors="surrogatepass")) > TOPIC_BYTES_MAX:
        raise BadFilter(pattern, f"has no or more than {TOPIC_BYTES_MAX} bytes")
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in pattern):
        raise BadFilter(pattern, "holds U+0000 or half a character pair; remove it")
    if levels[0] == "$share":
        raise BadFilter(pattern, "is shared; subscribe without $share")
    if "#" in levels[:-1] or any(len(x) > 1 and ("+" in x or "#" in x) for x in levels):
        raise BadFilter(pattern, "+ and # stand alone in a level, and # in the last; correct it")
    return pattern


def matches(pattern: str, topic: str) -> bool:
    """Return whether a well-formed filter takes a topic (MQTT 5, 4.7)."""
    if pattern == topic:
        return True
    if topic[:1] == "$" and pattern[:1] in {"+", "#"}:
        return False
    wanted, found = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        found = found[: len(wanted)]
    return len(wanted) == len(found) and all(
        want in {"+", level} for want, level in zip(wanted, found, strict=True)
    )


def _check_level(topic: str, level: str) -> None:
    if not is_level(level):
        raise BadTopic(
            topic, f"level {level[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ . : -; rename it"
        )

"""An alert policy from JSON: read strictly, with every fault found at once."""

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.notify.address import UrlRefused, read_url
from services.notify.policy import Channel, Policy
from services.notify.texts import TEXTS
from services.plant.findings import Finding, Nearest, Place, PlantInvalid, limited
from services.plant.read import read_document
from services.settings import Network

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_NEEDS = {
    "webhook": ("url",),
    "alertmanager": ("url",),
    "mail": ("to",),
    "wecom": ("secret",),
    "dingtalk": ("secret",),
    "feishu": ("secret",),
}
_MAY_HAVE = {"webhook": ("secret",), "alertmanager": ("secret",)}


class PolicyInvalid(PlantInvalid):
    """An alert policy cannot be taken; `findings` says everything that is wrong with it."""


def read_policy(
    content: bytes, *, allowed: Sequence[Network], secrets: Collection[str]
) -> tuple[Policy, tuple[Finding, ...]]:
    """Return the policy that a JSON document is, and the warnings about it.

    Parameters
    ----------
    content : bytes
    allowed : sequence of networks
        Private networks that webhooks may reach.
    secrets : collection of str
        Codes of the secrets that are stored.

    Raises
    ------
    PolicyInvalid
        With every finding.
    """

    def look(policy: Policy) -> Iterator[Finding]:
        return _check(policy, allowed, secrets)

    try:
        policy = read_document(content, form="json", model=Policy, check=look)
    except PlantInvalid as invalid:
        raise PolicyInvalid(invalid.findings) from invalid
    return policy, limited(list(look(policy)))


def _check(
    policy: Policy, allowed: Sequence[Network], secrets: Collection[str]
) -> Iterator[Finding]:
    try:
        ZoneInfo(policy.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield _finding("unknown_zone", ("time_zone",), policy.time_zone)
    yield from _check_codes(policy)
    for i, channel in enumerate(policy.channels):
        yield from _check_channel(policy, channel, ("channels", i), allowed, secrets)
    yield from _check_hours(policy)
    yield from _check_routes(policy)
    if policy.heartbeat_url is not None:
        yield from _check_url(policy.heartbeat_url, ("heartbeat_url",), allowed)


def _check_codes(policy: Policy) -> Iterator[Finding]:
    channels = [one.code for one in policy.channels]
    shifts = [one.code for one in policy.shifts]
    seen: set[str] = set()
    for name, codes in (("channels", channels), ("shifts", shifts)):
        for i, code in enumerate(codes):
            if code in seen:
                yield _finding("code_twice", (name, i, "code"), code)
            seen.add(code)


def _check_channel(
    policy: Policy,
    channel: Channel,
    place: Place,
    allowed: Sequence[Network],
    secrets: Collection[str],
) -> Iterator[Finding]:
    needed, kind = _NEEDS[channel.kind], channel.kind
    taken = (*needed, *_MAY_HAVE.get(kind, ()))
    for field in ("url", "secret", "to"):
        value = getattr(channel, field)
        if field in needed and not value:
            yield _finding("field_missing", place, None, kind=kind, field=field)
        if field not in taken and value:
            yield _finding("field_unused", (*place, field), value, kind=kind, field=field)
    if channel.url is not None:
        yield from _check_url(channel.url, (*place, "url"), allowed)
    for i, address in enumerate(channel.to):
        if not _ADDRESS.fullmatch(address):
            yield _finding("address_form", (*place, "to", i), address)
    if channel.secret is not None and channel.secret not in secrets:
        where = (*place, "secret")
        yield _finding("secret_unknown", where, channel.secret, secret=channel.secret)
    yield from _check_then(policy, channel, (*place, "then"))


def _check_then(policy: Policy, channel: Channel, place: Place) -> Iterator[Finding]:
    if channel.then is None:
        return
    if policy.channel(channel.then) is None:
        near = Nearest().of(channel.then, [one.code for one in policy.channels])
        yield _finding("unknown_channel", place, channel.then, nearest=near)
        return
    passed = {channel.code}
    following = policy.channel(channel.then)
    while following is not None:
        if following.code in passed:
            yield _finding("then_cycle", place, channel.then)
            return
        passed.add(following.code)
        following = None if following.then is None else policy.channel(following.then)


def _check_url(url: str, place: Place, allowed: Sequence[Network]) -> Iterator[Finding]:
    try:
        read_url(url, allowed=allowed)
    except UrlRefused as refused:
        yield _finding("url_refused", place, url, en=str(refused), zh=refused.zh)


def _check_hours(policy: Policy) -> Iterator[Finding]:
    listed = [
        *(
            (("shifts", i, "hours", j, "from"), hours)
            for i, shift in enumerate(policy.shifts)
            for j, hours in enumerate(shift.hours)
        ),
        *((("quiet_hours", i, "from"), hours) for i, hours in enumerate(policy.quiet_hours)),
    ]
    for place, hours in listed:
        if hours.start == "24:00":
            yield _finding("hours_empty", place, hours.start)
    channels = [channel.code for channel in policy.channels]
    for i, shift in enumerate(policy.shifts):
        for j, code in enumerate(shift.channels):
            if code not in channels:
                near = Nearest().of(code, channels)
                yield _finding("unknown_channel", ("shifts", i, "channels", j), code, nearest=near)


def _check_routes(policy: Policy) -> Iterator[Finding]:
    known = [*(one.code for one in policy.channels), *(one.code for one in policy.shifts)]
    everything = False
    for i, route in enumerate(policy.routes):
        if everything:
            yield _finding("route_hidden", ("routes", i))
        everything = everything or not route.matchers
        after = [step.after_minutes for step in route.steps]
        if any(b <= a for a, b in itertools.pairwise(after)):
            yield _finding("steps_order", ("routes", i, "steps"))
        for j, step in enumerate(route.steps):
            for k, code in enumerate(step.tell):
                if code not in known:
                    place: Place = ("routes", i, "steps", j, "tell", k)
                    near = Nearest().of(code, known)
                    yield _finding("unknown_target", place, code, nearest=near)
    if policy.channels and not everything:
        yield _finding("nobody_told", ("routes",))


def _finding(
    code: str,
    place: Place,
    value: str | tuple[str, ...] | None = None,
    *,
    nearest: str | None = None,
    **facts: str,
) -> Finding:
    text = TEXTS[code]
    return Finding(
        code=code,
        severity=text.severity,
        place=place,
        value="[…]" if isinstance(value, tuple) else value,
        message_zh=text.message_zh.format(**facts),
        message_en=text.message_en.format(**facts),
        remedy_zh=text.remedy_zh.format(**facts),
        remedy_en=text.remedy_en.format(**facts),
        nearest=nearest,
    )

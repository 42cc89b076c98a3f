"""Who is told of an episode and when: a pure function of policy, labels and time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.notify.hours import end_of
from services.notify.matching import matches
from services.notify.policy import Channel, Policy, Route, Step


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to one channel.

    Attributes
    ----------
    channel : str
        Code of the channel.
    kind : "firing" or "escalation"
        The first step tells that an alert fires, later ones escalate.
    step : int
        Number of the step, from 0.
    due_at : datetime
    is_held : bool
        Whether it waits for the end of quiet hours.
    """

    channel: str
    kind: Literal["firing", "escalation"]
    step: int
    due_at: datetime
    is_held: bool


def route_of(policy: Policy, labels: Mapping[str, str]) -> Route | None:
    """Return the first route whose matchers hold, None if there is none."""
    return next((route for route in policy.routes if matches(route.matchers, labels)), None)


def group_of(route: Route, labels: Mapping[str, str]) -> list[str]:
    """Return what alerts have in common that are told to people in one message."""
    return [labels.get(name, "") for name in route.group_by]


def plan(policy: Policy, *, labels: Mapping[str, str], fired_at: datetime) -> list[Planned]:
    """Return every message about an episode, the escalations that may never be sent included.

    A step tells its channels, and those of its shifts that are on duty when the message is due.
    People are not told of lesser alerts in quiet hours: the message waits for their end.
    """
    route = route_of(policy, labels)
    if route is None:
        return []
    found: list[Planned] = []
    for number, step in enumerate(route.steps):
        told: set[str] = set()
        for channel, due_at, is_held in _of_step(policy, route, step, labels, fired_at):
            if channel.code not in told:
                told.add(channel.code)
                found.append(
                    Planned(
                        channel=channel.code,
                        kind="escalation" if number else "firing",
                        step=number,
                        due_at=due_at,
                        is_held=is_held,
                    )
                )
    return found


def on_duty(policy: Policy, at: datetime) -> list[tuple[str, datetime]]:
    """Return the shifts that are on duty at an instant, each with its end."""
    zone = ZoneInfo(policy.time_zone)
    ends = ((shift.code, end_of(shift.hours, at, zone)) for shift in policy.shifts)
    return [(code, end) for code, end in ends if end is not None]


def _of_step(
    policy: Policy, route: Route, step: Step, labels: Mapping[str, str], fired_at: datetime
) -> Iterator[tuple[Channel, datetime, bool]]:
    zone = ZoneInfo(policy.time_zone)
    shifts = {shift.code: shift for shift in policy.shifts}
    severity = labels.get("severity", "")
    quiet = [hours for hours in policy.quiet_hours if severity in hours.severities]
    plain_at = fired_at + timedelta(minutes=step.after_minutes)
    waited_at = plain_at + timedelta(seconds=route.group_wait_seconds)
    quiet_until = end_of(quiet, waited_at, zone)
    for code in step.tell:
        shift = shifts.get(code)
        for channel_code in (code,) if shift is None else shift.channels:
            channel = policy.channel(channel_code)
            if channel is None:
                continue  # an old revision that no longer is whole: `read` refuses it
            due_at = (quiet_until or waited_at) if channel.is_for_people else plain_at
            if shift is None or end_of(shift.hours, due_at, zone) is not None:
                yield channel, due_at, channel.is_for_people and quiet_until is not None

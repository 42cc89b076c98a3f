"""A channel that does not take messages is an alert itself, told through the others."""

from datetime import datetime

from services import alert_events
from services.alert_rules.identity import fingerprint
from services.notify import queue
from services.notify.exchange import Failure
from services.notify.plan import plan
from services.notify.policy import Channel, Policy
from services.store import alerts, notices
from services.store.alerts import NewEpisode
from services.store.pool import Connection

GROUP = "service"
ALERT_NAME = "NotifyChannelBroken"
_SEVERITY = "warning"
_ACTOR = "notifier"
# A failure that may pass is waited for so many tries; one that will not is told at once.
TRIES_BEFORE = 3


def is_outage(failure: Failure, attempt_count: int) -> bool:
    """Return whether a failed try, the n-th, shows that the channel itself is broken."""
    return not failure.is_of_message and (failure.is_permanent or attempt_count >= TRIES_BEFORE)


async def begin(
    connection: Connection,
    *,
    tenant_id: int,
    tenant: str,
    policy: Policy,
    channel: Channel,
    failure: Failure,
    at: datetime,
) -> None:
    """Open the alert that a channel is broken, unless it is open, and tell it.

    It is told through the channel that stands in for this one, else through those that the policy
    has for such an alert.
    """
    if await notices.broken_episode(connection, tenant_id=tenant_id, channel=channel.code):
        return
    labels = {
        "alertname": ALERT_NAME,
        "severity": _SEVERITY,
        "tenant": tenant,
        "service": "notifier",
        "channel": channel.code,
    }
    opened = await alerts.open_episodes(
        connection,
        tenant_id=tenant_id,
        rows=[
            NewEpisode(
                site_id=None,
                fingerprint=fingerprint(labels),
                group_code=GROUP,
                rule=ALERT_NAME,
                revision=0,
                severity=_SEVERITY,
                labels=labels,
                texts={
                    "summary_zh": f"告警通道故障：{channel.name.zh}",
                    "summary_en": f"Alert channel broken: {channel.name.en}",
                    "description_zh": failure.zh,
                    "description_en": failure.en,
                },
                active_at=at,
                fired_at=at,
                value=None,
                limit_value=None,
                unit="",
                explanation=None,
            )
        ],
    )
    [episode_id] = opened.values()
    await alert_events.tell(
        connection,
        tenant_id=tenant_id,
        episode_id=episode_id,
        change="fired",
        actor=_ACTOR,
        at=at,
    )
    told = await notices.find_told(connection, tenant_id=tenant_id, episode_id=episode_id)
    if told is None:
        raise AssertionError("an episode that was just written is there")
    for target in _targets(policy, channel, labels, at):
        await queue.add(
            connection,
            told,
            kind="broken",
            channel=target,
            step=0,
            at=at,
            due_at=at,
            group=[ALERT_NAME],
        )
    await notices.ring(connection)


async def end(connection: Connection, *, tenant_id: int, channel: str, at: datetime) -> None:
    """Close the alert that a channel is broken, if it is open: the channel took something."""
    episode_id = await notices.broken_episode(connection, tenant_id=tenant_id, channel=channel)
    if episode_id is None:
        return
    await alerts.close_episodes(
        connection, tenant_id=tenant_id, ids=[episode_id], at=at, by="condition"
    )
    await alert_events.tell(
        connection,
        tenant_id=tenant_id,
        episode_id=episode_id,
        change="resolved",
        actor=_ACTOR,
        at=at,
    )
    await queue.queue(
        connection, tenant_id=tenant_id, episode_id=episode_id, kind="resolved", at=at
    )


def _targets(policy: Policy, broken: Channel, labels: dict[str, str], at: datetime) -> list[str]:
    if broken.then is not None:
        return [broken.then]
    planned = plan(policy, labels=labels, fired_at=at)
    codes = [one.channel for one in planned if one.kind == "firing" and one.channel != broken.code]
    return list(dict.fromkeys(codes))

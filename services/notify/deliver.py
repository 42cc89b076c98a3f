"""The notifier: what is due is sent, channel by channel, until it was taken or given up.

A message is claimed in one transaction, sent, and marked in another. A process that dies in between
leaves it due again some seconds later: it is sent at least once, each copy with the same key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

import structlog
from pydantic import ValidationError

from services import clock
from services.crash import crash_point
from services.notify import outage, storm
from services.notify.alertmanager import REPEAT
from services.notify.decide import SILENCED, Decision, decide
from services.notify.event import key_of, payload_of
from services.notify.exchange import Failure, Request, exchange
from services.notify.policy import Channel, Policy
from services.notify.queue import policy_of, queue_resolved
from services.notify.retry import is_given_up, retry_at
from services.notify.send import Means, repeat, send
from services.store import alert_policy, notices
from services.store.notices import DueRow, NewDelivery, Postponed
from services.store.pool import Connection, Database, DatabaseUnavailable

_log = structlog.get_logger()

# Of one channel in one look.
_ROWS_MAX = 200
# Beyond the time that sending takes: who dies while sending keeps a message from others so long.
_CLAIM_MARGIN = timedelta(seconds=5)
# A mail is several questions and answers, each of which may take the whole time.
_MAIL_STEPS = 6
_DATABASE_PAUSE_S = 1.0
_PING = timedelta(seconds=60)
# Rules that were not evaluated for longer are dead, and the watcher must notice.
_EVALUATED_WITHIN = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class _Outlet:
    """A channel of a tenant, with its key."""

    tenant_id: int
    tenant: str
    policy: Policy
    channel: Channel
    secret: str | None


@dataclass(slots=True)
class _Reach:
    """Where messages can go: channels and policies of all tenants.

    `unread` are the tenants whose policy cannot be read.
    """

    outlets: dict[tuple[int, str], _Outlet] = field(default_factory=dict)
    policies: dict[int, Policy] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)


class Notifier:
    """Sends what is due, each channel on its own: one that hangs holds up no other.

    Parameters
    ----------
    database : Database
        Of the worker's role.
    means : Means
    now : callable
        The clock.
    """

    def __init__(
        self, database: Database, means: Means, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._database = database
        self._means = means
        self._now = now
        self._running: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._repeated: dict[tuple[int, str], datetime] = {}
        self._pinged: dict[int, datetime] = {}

    async def tick(self) -> int:
        """Look for what is due, and begin to send it; return on how many channels."""
        at = self._now()
        async with self._database.transaction() as connection:
            due = await notices.list_due(connection, at=at, channel_count_max=_ROWS_MAX)
            if not due:
                return 0
            silences = await alert_policy.silences_at(connection, at)
            reach = await _reach(connection)
            wanted: dict[tuple[int, str], list[DueRow]] = {}
            for row in due:
                place = (row.tenant_id, row.channel)
                if row.tenant_id in reach.unread:
                    continue  # it waits for a policy that can be read
                decision = decide(row, silences, at=at)
                if place not in reach.outlets:
                    gone = "策略中已无此通道 / the policy has no such channel any more"
                    decision = Decision("drop", gone)
                if decision.action == "send":
                    wanted.setdefault(place, []).append(row)
                else:
                    await _set_aside(connection, row, decision, at=at)
        for place, rows in wanted.items():
            self._begin(place, partial(self._drain, reach.outlets[place], rows, at))
        return len(wanted)

    async def keep_up(self) -> None:
        """Do what is to be done every some seconds, due or not: repeats, heartbeats.

        An Alertmanager forgets what it is not told again. An outside watcher is told that rules
        are evaluated; when it hears nothing, something is wrong.
        """
        at = self._now()
        async with self._database.transaction() as connection:
            reach = await _reach(connection)
            for broken in await notices.list_broken(connection):
                place = (broken.tenant_id, broken.channel)
                if place not in reach.outlets and broken.tenant_id not in reach.unread:
                    # A channel that the policy lost is broken no more.
                    await outage.end(
                        connection, tenant_id=broken.tenant_id, channel=broken.channel, at=at
                    )
            listed = await alert_policy.list_beats(connection)
            beats = {(beat.tenant_id, beat.name): beat.at for beat in listed}
            for tenant_id in reach.policies:
                await alert_policy.beat(connection, tenant_id=tenant_id, name="delivered", at=at)
        for place, outlet in reach.outlets.items():
            last = self._repeated.get(place)
            if outlet.channel.kind == "alertmanager" and (last is None or at - last >= REPEAT):
                self._repeated[place] = at
                self._begin(place, partial(self._repeat, outlet))
        for tenant_id, policy in reach.policies.items():
            evaluated_at = beats.get((tenant_id, "evaluated"))
            pinged_at = self._pinged.get(tenant_id)
            is_alive = evaluated_at is not None and at - evaluated_at <= _EVALUATED_WITHIN
            is_time = pinged_at is None or at - pinged_at >= _PING
            if policy.heartbeat_url is not None and is_alive and is_time:
                self._pinged[tenant_id] = at
                url = policy.heartbeat_url
                self._begin((tenant_id, ""), partial(self._ping, tenant_id, url))

    async def settle(self) -> None:
        """Wait until nothing is being sent."""
        while self._running:
            await asyncio.wait(self._running.values())

    def _begin(self, place: tuple[int, str], work: Callable[[], Awaitable[None]]) -> None:
        if place in self._running:
            return  # it is looked at again with the next tick

        async def run() -> None:
            try:
                await work()
            except DatabaseUnavailable as error:
                _log.warning("notify.database.away", reason=str(error))
            except Exception as error:  # noqa: BLE001 - a defect that one channel meets
                _log.exception("notify.channel.failed", channel=place[1], reason=str(error))
            finally:
                del self._running[place]

        self._running[place] = asyncio.create_task(run(), name=f"notify {place}")

    async def _drain(self, outlet: _Outlet, rows: list[DueRow], at: datetime) -> None:
        """Send the messages of a channel one after the other, until it does not take one."""
        async with self._database.transaction() as connection:
            kept = await storm.limit(connection, outlet.channel, outlet.tenant, rows, at=at)
        batches = _batches(outlet.channel, kept)
        for number, batch in enumerate(batches):
            rest = [row for later in batches[number + 1 :] for row in later]
            if not await self._try(outlet, batch, rest):
                return

    async def _try(self, outlet: _Outlet, batch: list[DueRow], rest: list[DueRow]) -> bool:
        """Send one batch; return whether the channel may take more."""
        at = self._now()
        steps = _MAIL_STEPS if outlet.channel.is_for_people else 1
        until = at + steps * timedelta(seconds=self._means.line.timeout_s) + _CLAIM_MARGIN
        async with self._database.transaction() as connection:
            claimed = await notices.claim(
                connection, ids=[row.id for row in batch], at=at, until=until
            )
        rows = [row for row in batch if row.id in claimed]
        if not rows:
            return True
        failure = await self._send(outlet, rows, at)
        if failure is None:
            crash_point("webhook_200_before_mark")
            await self._insist(lambda connection: self._taken(connection, outlet, rows))
            return True
        # What one message cannot pass the others cannot either: they are not tried one by one.
        more = [] if failure.is_of_message else rest
        await self._insist(
            lambda connection: self._refused(connection, outlet, rows, more, failure)
        )
        return failure.is_of_message

    async def _send(self, outlet: _Outlet, rows: list[DueRow], at: datetime) -> Failure | None:
        try:
            return await send(self._means, outlet.channel, rows, secret=outlet.secret, at=at)
        except Exception as error:  # noqa: BLE001 - a defect that one message meets, for a day
            _log.exception("notify.send.failed", channel=outlet.channel.code, reason=str(error))
            return Failure(
                "系统内部错误，见日志", "a fault of the centre: see its log", is_of_message=True
            )

    async def _insist(self, write: Callable[[Connection], Awaitable[None]]) -> None:
        """Write what became of a message once the database is there: else a copy would be sent."""
        while True:
            try:
                async with self._database.transaction() as connection:
                    await write(connection)
            except DatabaseUnavailable as error:
                _log.warning("notify.mark.postponed", reason=str(error))
                await asyncio.sleep(_DATABASE_PAUSE_S)
            else:
                return

    async def _taken(self, connection: Connection, outlet: _Outlet, rows: list[DueRow]) -> None:
        at = self._now()
        ids = [row.id for row in rows]
        await notices.mark_delivered(connection, ids=ids, at=at)
        await notices.add_delivered_notes(connection, ids=ids, at=at)
        await outage.end(connection, tenant_id=outlet.tenant_id, channel=outlet.channel.code, at=at)

    async def _refused(
        self,
        connection: Connection,
        outlet: _Outlet,
        tried: list[DueRow],
        rest: list[DueRow],
        failure: Failure,
    ) -> None:
        at = self._now()
        again: list[Postponed] = []
        counted = [(row, 0) for row in tried] + [(row, 1) for row in rest]
        for row, tries in counted:
            count = row.attempt_count + 1
            if is_given_up(row.first_tried_at, at=at):
                await _give_up(connection, outlet, row, failure, at=at)
                continue
            due_at = retry_at(count, at=at, retry_after_s=failure.retry_after_s)
            again.append(Postponed(row.id, due_at, tries))
            if count == 1:
                await _note(connection, row, kind="failed", text=str(failure), at=at)
        await notices.postpone(connection, rows=again, problem=str(failure), at=at)
        if outage.is_outage(failure, max(row.attempt_count + 1 for row, _ in counted)):
            await outage.begin(
                connection,
                tenant_id=outlet.tenant_id,
                tenant=outlet.tenant,
                policy=outlet.policy,
                channel=outlet.channel,
                failure=failure,
                at=at,
            )

    async def _repeat(self, outlet: _Outlet) -> None:
        """Tell an Alertmanager again what fires."""
        at = self._now()
        async with self._database.transaction() as connection:
            rows = await notices.open_of_channel(
                connection, tenant_id=outlet.tenant_id, channel=outlet.channel.code
            )
        if not rows:
            return
        payloads = [payload_of(row, group=[]) for row in rows]
        failure = await repeat(self._means, outlet.channel, payloads, secret=outlet.secret, at=at)
        if failure is not None:
            _log.warning("notify.repeat.failed", channel=outlet.channel.code, reason=str(failure))

    async def _ping(self, tenant_id: int, url: str) -> None:
        """Tell the outside watcher that rules are evaluated."""
        at = self._now()
        failure = await exchange(Request(url, {}, method="GET"), self._means.line, at=at)
        if failure is not None:
            _log.warning("notify.heartbeat.failed", tenant_id=tenant_id, reason=str(failure))
            return
        async with self._database.transaction() as connection:
            await alert_policy.beat(connection, tenant_id=tenant_id, name="watched", at=at)


async def _reach(connection: Connection) -> _Reach:
    secrets = {
        (row.tenant_id, row.code): row.secret for row in await alert_policy.list_secrets(connection)
    }
    reach = _Reach()
    for row in await alert_policy.list_policies(connection):
        if row.document is None:
            continue
        try:
            policy = policy_of(row.id, row.document)
        except ValidationError as error:
            _log.warning("notify.policy.unread", tenant=row.tenant, reason=str(error))
            reach.unread.add(row.tenant_id)
            continue
        reach.policies[row.tenant_id] = policy
        for channel in policy.channels:
            secret = secrets.get((row.tenant_id, channel.secret or ""))
            reach.outlets[row.tenant_id, channel.code] = _Outlet(
                row.tenant_id, row.tenant, policy, channel, secret
            )
    return reach


def _batches(channel: Channel, rows: Sequence[DueRow]) -> list[list[DueRow]]:
    """Return which messages are sent as one: an Alertmanager takes all, people those of a group."""
    if channel.kind == "alertmanager":
        return [list(rows)] if rows else []
    if not channel.is_for_people:
        return [[row] for row in rows]

    def group(row: DueRow) -> tuple[str, ...]:
        alone = row.kind in ("summary", "test")
        together = [str(row.id)] if alone else row.payload["told_with"]
        return (row.kind, *together)

    # Sorted by kind, "resolved" after what it resolves; sorting keeps the order within a group.
    return [list(rows) for _, rows in groupby(sorted(rows, key=group), key=group)]


async def _set_aside(
    connection: Connection, row: DueRow, decision: Decision, *, at: datetime
) -> None:
    if decision.until is None:
        await notices.abandon(connection, ids=[row.id], at=at, problem=decision.reason)
        await _note(connection, row, kind="abandoned", text=decision.reason, at=at)
        return
    held = [Postponed(row.id, decision.until, 0)]
    await notices.postpone(connection, rows=held, problem=SILENCED, at=at)
    if row.problem != SILENCED and decision.silence is not None:
        await _note(connection, row, kind="silenced", text=decision.silence.comment, at=at)


async def _give_up(
    connection: Connection, outlet: _Outlet, row: DueRow, failure: Failure, *, at: datetime
) -> None:
    """Give a message up on this channel, and hand it to the one that stands in for it."""
    await notices.abandon(connection, ids=[row.id], at=at, problem=str(failure))
    following = outlet.channel.then
    text = f"{failure}; → {following}" if following else str(failure)
    await _note(connection, row, kind="abandoned", text=text, at=at)
    _log.warning("notify.message.abandoned", channel=row.channel, reason=str(failure))
    if following is None or row.kind == "test":
        return
    # Of an episode that is over it is told all the same, so it counts as due before that.
    due_at = at if row.resolved_at is None else min(at, row.resolved_at)
    subject = row.id if row.episode_id is None else row.episode_id
    await notices.add_delivery(
        connection,
        NewDelivery(
            tenant_id=row.tenant_id,
            episode_id=row.episode_id,
            kind=row.kind,
            channel=following,
            step=row.step,
            idempotency_key=key_of(outlet.tenant, subject, row.kind, following, row.step),
            payload=row.payload,
            created_at=at,
            due_at=due_at,
        ),
    )
    if row.episode_id is not None and row.resolved_at is not None and row.kind != "resolved":
        told = await notices.find_told(
            connection, tenant_id=row.tenant_id, episode_id=row.episode_id
        )
        if told is not None:
            await queue_resolved(connection, told, at=at)


async def _note(
    connection: Connection, row: DueRow, *, kind: notices.NoteKind, text: str, at: datetime
) -> None:
    if row.episode_id is None:
        return
    await notices.add_note(
        connection,
        tenant_id=row.tenant_id,
        episode_id=row.episode_id,
        at=at,
        kind=kind,
        text=text,
        detail={"channel": row.channel, "kind": row.kind, "step": row.step},
    )

"""A tenant whose alerts are told: episodes fire and end as the worker writes them, time passes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from deploy import admin
from services.alert_rules.identity import fingerprint
from services.notify.deliver import Notifier
from services.notify.exchange import Line
from services.notify.mail import MailServer
from services.notify.queue import queue
from services.notify.send import Means
from services.store import alerts
from services.store.alerts import NewEpisode
from services.store.pool import Database
from tests.migrated import Migrated, migrated_database
from tests.servers import DatabaseServer

# A Thursday, 10:00 in Shanghai.
START = datetime(2026, 11, 26, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOOPBACK = (ip_network("127.0.0.0/8"),)
NAME = {"zh": "通道", "en": "Channel"}
_TABLES = (
    "alert_delivery, alert_note, alert_instance, alert_episode, alert_document, alert_secret,"
    " alert_silence, alert_heartbeat, event"
)


@contextmanager
def migrated_with_tenant(server: DatabaseServer) -> Iterator[Migrated]:
    """Give a migrated database with a tenant, acme."""

    async def tenant(database: Database) -> None:
        await admin.create_tenant(
            database, code="acme", kind="enterprise", name_zh="租户", name_en="Tenant"
        )

    with migrated_database(server) as migrated:
        migrated.run("nengtan_admin", tenant)
        yield migrated


@dataclass
class PassingClock:
    """A clock that goes on by a microsecond whenever it is looked at."""

    at: datetime = START

    def __call__(self) -> datetime:
        self.at += timedelta(microseconds=1)
        return self.at


def channel(code: str, kind: str = "webhook", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": NAME, "kind": kind, **more}


def policy(*channels: dict[str, Any], tell: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """Return a policy that tells its first channel of everything, or those named."""
    first = [{"tell": list(tell) or [channels[0]["code"]]}]
    return {
        "schema": "nengtan.alert-policy/1",
        "channels": list(channels),
        "routes": [{"steps": first}],
        **more,
    }


def put_policy(migrated: Migrated, tenant_id: int, document: dict[str, Any]) -> None:
    """State the policy of a tenant."""
    migrated.rows(
        "insert into alert_document (tenant_id, kind, code, revision, document, sha256,"
        " stated_by) select %s, 'policy', 'policy', 1 + count(*), %s, '', 'test'"
        " from alert_document returning 1",
        tenant_id,
        json.dumps(document),
    )


@dataclass
class AlertCentre:
    """The tables of alerts of one tenant, and the notifier."""

    migrated: Migrated
    database: Database
    tenant_id: int
    timeout_s: float = 5.0
    mail_port: int = 0
    clock: PassingClock = field(default_factory=PassingClock)

    def __post_init__(self) -> None:
        self.notifier = self.new_notifier()

    def new_notifier(self) -> Notifier:
        server = MailServer("127.0.0.1", self.mail_port, "none", "centre@example.com")
        means = Means(
            Line(LOOPBACK, self.timeout_s),
            server if self.mail_port else None,
            "https://centre.example.com",
        )
        return Notifier(self.database, means, now=self.clock)

    def state_policy(self, document: dict[str, Any]) -> None:
        put_policy(self.migrated, self.tenant_id, document)

    async def fire(
        self, name: str = "Over", *, node: str = "hall", severity: str = "critical"
    ) -> int:
        """Open an episode and queue it, as one transaction of the worker."""
        at = self.clock()
        labels = {"alertname": name, "severity": severity, "tenant": "acme", "node": node}
        episode = NewEpisode(
            site_id=None,
            fingerprint=fingerprint(labels),
            group_code="rates",
            rule=name,
            revision=1,
            severity=severity,
            labels=labels,
            texts={"summary_zh": f"{node} 超限", "summary_en": f"{node} over its limit"},
            active_at=at,
            fired_at=at,
            value=120.5,
            limit_value=100.0,
            unit="kW",
            explanation=None,
        )
        async with self.database.transaction() as connection:
            opened = await alerts.open_episodes(
                connection, tenant_id=self.tenant_id, rows=[episode]
            )
            [episode_id] = opened.values()
            await queue(
                connection, tenant_id=self.tenant_id, episode_id=episode_id, kind="firing", at=at
            )
        return episode_id

    async def resolve(self, episode_id: int) -> None:
        """End an episode and queue that, as one transaction of the worker."""
        at = self.clock()
        async with self.database.transaction() as connection:
            await alerts.close_episodes(
                connection, tenant_id=self.tenant_id, ids=[episode_id], at=at, by="condition"
            )
            await queue(
                connection, tenant_id=self.tenant_id, episode_id=episode_id, kind="resolved", at=at
            )

    async def acknowledge(self, episode_id: int) -> None:
        async with self.database.transaction() as connection:
            await alerts.acknowledge(connection, episode_id=episode_id, actor="me", at=self.clock())

    async def tick(self) -> None:
        """Let the notifier look, and finish what it began, until there is nothing more to do."""
        while await self.notifier.tick():
            await self.notifier.settle()

    async def pass_time(self, **span: float) -> None:
        """Let time pass, and the notifier look."""
        self.clock.at += timedelta(**span)
        await self.tick()

    def deliveries(self) -> list[tuple[str, str, str]]:
        """Return kind, channel and fate of every message, in the order they were queued."""
        return [
            (kind, channel, fate)
            for kind, channel, fate in self.migrated.rows(
                "select kind, channel, case when delivered_at is not null then 'delivered'"
                " when abandoned_at is not null then 'abandoned'"
                " when summary_id is not null then 'folded' else 'open' end"
                " from alert_delivery order by id"
            )
        ]

    def story(self, episode_id: int) -> list[str]:
        """Return the kinds of notes of an episode."""
        rows = self.migrated.rows(
            "select kind from alert_note where episode_id = %s order by id", episode_id
        )
        return [kind for (kind,) in rows]


def forget_alerts(migrated: Migrated) -> None:
    """Empty the tables of alerts."""
    migrated.execute(f"truncate {_TABLES} cascade")

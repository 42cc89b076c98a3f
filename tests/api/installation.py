"""An installation to ask: two enterprises and a park, with readings, results and troubles.

Everything that belongs to a tenant carries a word that occurs nowhere else, so that a leak can be
recognised wherever it appears.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psycopg

from services import accounts
from services.plant.apply import apply_plant
from services.plant.read import read_plant
from services.recompute import recompute
from services.site_model import load_site_model
from services.store import dirty_marks, events, ledger, readings, roles, topology
from services.store.migrations import upgrade
from services.store.pool import Database

# A whole day of Asia/Shanghai.
START = datetime(2025, 3, 9, 16, tzinfo=UTC)
END = START + timedelta(days=1)
AT = datetime(2025, 3, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSWORD = "Correct-Horse-7"
PERIOD = {"start": "2025-03-09T16:00:00Z", "end": "2025-03-10T16:00:00Z"}


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the installation; `word` is in everything it owns."""

    id: int
    code: str
    site: str
    word: str
    power_kw: float
    keys: Mapping[str, str]  # by role
    quarantine_id: int
    key_id: int

    @property
    def headers(self) -> dict[str, str]:
        """Credentials of its administrator."""
        return self.bearing("tenant_admin")

    def bearing(self, role: str) -> dict[str, str]:
        """Return the credentials of a role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}


@dataclass(frozen=True, slots=True)
class Installation:
    """The database of an installation and its tenants."""

    superuser_url: str
    role_password: str
    a: Tenant
    b: Tenant
    park: Tenant

    def url(self, role: str) -> str:
        """Return the database URL of a service role."""
        return role_url(self.superuser_url, role, self.role_password)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return what the superuser sees."""
        with psycopg.connect(self.superuser_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def execute(self, query: str, *parameters: object) -> None:
        """Change something as the superuser."""
        with psycopg.connect(self.superuser_url) as connection:
            connection.execute(query, parameters)


def role_url(url: str, role: str, password: str) -> str:
    """Return the URL of another role."""
    parts = urlsplit(url)
    return f"postgresql://{role}:{password}@{parts.hostname}:{parts.port}{parts.path}"


def document(tenant: str, site: str, word: str, **more: Any) -> dict[str, Any]:
    """Return a plant: grid and gas in, a boiler, two loads of which one is not metered."""
    name = {"zh": f"名称 {word}", "en": f"Name {word}"}

    def named(code: str, **fields: Any) -> dict[str, Any]:
        return {"code": code, "name": name, **fields}

    def flow(code: str, source: str, target: str, carrier: str, point: str = "") -> dict[str, Any]:
        return {
            "code": f"{code}-{word}",
            "from": source,
            "to": target,
            "carrier": carrier,
            "metered_by": [{"point": point}] if point else [],
        }

    def point(code: str, kind: str, unit: str, **fields: Any) -> dict[str, Any]:
        return {"code": f"{code}-{word}", "kind": kind, "unit": unit, **fields}

    interval = {"period_minutes": 60, "stamp": "start"}
    return {
        "schema": "nengtan.plant/1",
        "tenant": tenant,
        "site": site,
        "name": name,
        "valid_from": "2025-01-01T00:00:00+08:00",
        "time_zone": "Asia/Shanghai",
        "region": "320000",
        "gateways": [{"code": f"gw-{word}"}],
        "nodes": [
            named("grid", kind="source"),
            named("gas", kind="source"),
            named("plant", kind="use"),
            named("board", kind="bus", parent="plant"),
            named("boiler", kind="conversion", parent="plant"),
            named("press", kind="use", parent="plant"),
            named("rest", kind="use", parent="plant"),
        ],
        "flows": [
            flow("power", "grid", "board", "electricity", f"P1-{word}"),
            flow("fuel", "gas", "boiler", "natural_gas", f"P3-{word}"),
            flow("press", "board", "press", "electricity", f"P2-{word}"),
            flow("rest", "board", "rest", "electricity"),
            flow("heat", "boiler", "press", "heat"),
        ],
        "meters": [
            {
                "code": f"M1-{word}",
                "name": name,
                "gateway": f"gw-{word}",
                "points": [point("P1", "register", "kWh", rate_max_per_hour=1e9)],
            },
            {
                "code": f"M2-{word}",
                "name": name,
                "gateway": f"gw-{word}",
                "points": [
                    point("P2", "gauge", "kW", hold_seconds=7200),
                    point("P3", "interval", "Nm3", **interval),
                    point("P4", "interval", "t", **interval),
                    point("silent", "gauge", "kW"),
                ],
            },
        ],
        "products": [
            named(f"steel-{word}", unit="t", node="plant", metered_by=[{"point": f"P4-{word}"}])
        ],
        **benchmarks(word),
        "virtual_meters": [named(f"rest-{word}", unit="kWh", formula=f"[P1-{word}] - [P2-{word}]")],
        **more,
    }


def benchmarks(word: str) -> dict[str, Any]:
    """Return the shifts and the units to benchmark of a plant."""
    name = {"zh": f"名称 {word}", "en": f"Name {word}"}
    steel = {"name": name, "nodes": ["plant"], "product": f"steel-{word}"}

    def target(value: float) -> dict[str, Any]:
        return {"value": value, "from": "2025-01-01", "source": f"agreed {word}"}

    return {
        "shifts": [
            {"code": "day", "name": name, "from": "08:00", "to": "20:00"},
            {"code": "night", "name": name, "from": "20:00", "to": "08:00"},
        ],
        "benchmarks": [
            {
                "code": f"steel-{word}",
                "kind": "product",
                "unit": "kgce/t",
                "limits": [
                    {"limit": "gb16780-2021.clinker"},
                    {"limit": "key-fields-2023.calcium-carbide.calcium-carbide"},
                ],
                "targets": [target(5.0)],
                **steel,
            },
            {
                "code": f"power-{word}",
                "kind": "process",
                "unit": "kWh/t",
                "targets": [target(49.0)],
                **steel,
            },
        ],
    }


async def install(url: str) -> Installation:
    """Fill an empty database."""
    upgrade(url)
    password = secrets.token_urlsafe(16)
    for role in roles.SERVICE_ROLES:
        await roles.set_password(url, role=role, password=password)
    admin = await Database.open(role_url(url, "nengtan_admin", password))
    ingest = await Database.open(role_url(url, "nengtan_ingest", password))
    worker = await Database.open(role_url(url, "nengtan_worker", password))
    try:
        park = await _tenant(admin, code="park-zebra", word="zebra", kind="park", power_kw=0.0)
        made = []
        for code, word, power_kw in (("acme", "quokka", 100.0), ("bolt", "wombat", 777.125)):
            tenant = await _tenant(
                admin, code=code, word=word, kind="enterprise", power_kw=power_kw
            )
            await _describe(admin, tenant)
            await _receive(ingest, worker, tenant)
            made.append(await _trouble(ingest, tenant))
    finally:
        for database in (admin, ingest, worker):
            await database.close()
    return Installation(url, password, made[0], made[1], park)


async def _tenant(admin: Database, *, code: str, word: str, kind: str, power_kw: float) -> Tenant:
    async with admin.transaction() as connection:
        tenant_id = await topology.create_tenant(
            connection, code=code, kind=kind, name_zh=f"租户 {word}", name_en=f"Tenant {word}"
        )
    who = accounts.command_line(tenant_id=tenant_id, tenant_code=code, tenant_kind=kind)
    keys: dict[str, str] = {}
    key_id = 0
    for role in accounts.ROLE_PERMISSIONS:
        new = await accounts.create_api_key(
            admin, principal=who, name=f"{role} {word}", roles=[role], expires_at=None
        )
        keys[role], key_id = new.key, new.row.id
    await accounts.create_account(
        admin,
        principal=who,
        login=f"boss-{word}",
        display_name=f"Boss {word}",
        password=PASSWORD,
        roles=["tenant_admin"],
    )
    return Tenant(tenant_id, code, f"site-{word}", word, power_kw, keys, 0, key_id)


async def _describe(admin: Database, tenant: Tenant) -> None:
    content = json.dumps(document(tenant.code, tenant.site, tenant.word))
    plant = read_plant(content, form="json")
    async with admin.transaction(tenant.id) as connection:
        await apply_plant(connection, plant, tenant_id=tenant.id, actor=f"setup {tenant.word}")


async def _receive(ingest: Database, worker: Database, tenant: Tenant) -> None:
    """Store a day of hourly readings of four points, and compute it."""
    async with ingest.transaction() as connection:
        rows = await connection.execute(
            "select code, id from point where tenant_id = $1", (tenant.id,)
        )
        ids = {row["code"].split("-")[0]: row["id"] for row in await rows.fetchall()}
    hours = np.arange(25, dtype=np.int64)
    start_us = int(START.timestamp()) * 1_000_000
    values = {
        "P1": hours * tenant.power_kw,
        "P2": np.full(25, tenant.power_kw / 4),
        "P3": np.full(25, 10.0),
        "P4": np.full(25, 2.0),
    }
    ts_us = np.repeat(start_us + hours * 3_600_000_000, len(values))
    columns = readings.ReadingColumns(
        ts_us=ts_us,
        point_id=np.tile(np.array([ids[code] for code in values], dtype=np.int32), 25),
        value=np.stack(list(values.values()), axis=1).reshape(-1),
        quality=np.zeros(len(ts_us), dtype=np.int32),
    )
    order = np.lexsort((columns.point_id, columns.ts_us))
    columns = readings.ReadingColumns(
        *(getattr(columns, name)[order] for name in ("ts_us", "point_id", "value", "quality"))
    )
    async with ingest.transaction() as connection:
        await readings.prepare_span(connection, int(columns.ts_us[0]), int(columns.ts_us[-1]))
        await readings.copy_readings(connection, columns, received_us=int(AT.timestamp() * 1e6))
        site = (
            await (
                await connection.execute("select id from site where tenant_id = $1", (tenant.id,))
            ).fetchall()
        )[0]["id"]
        points = np.array(sorted(ids[code] for code in values), dtype=np.int32)
        first = np.full(len(points), ts_us[0], dtype=np.int64)
        await ledger.mark_dirty(
            connection,
            site_ids=np.full(len(points), site, dtype=np.int32),
            point_ids=points,
            first_us=first,
            last_us=np.full(len(points), ts_us[-1], dtype=np.int64),
        )
    async with worker.transaction() as connection:
        found = await topology.find_site(connection, tenant_id=tenant.id, code=tenant.site)
        assert found is not None
        model = await load_site_model(connection, found)
        dirty = await dirty_marks.take_dirty(connection, site_id=found.id, count_max=100)
        await recompute(connection, model, dirty, at=AT)
        await events.add_event(
            connection,
            tenant_id=tenant.id,
            site_id=found.id,
            kind="value",
            at=AT,
            payload={"word": tenant.word, "power_kw": tenant.power_kw},
        )


async def _trouble(ingest: Database, tenant: Tenant) -> Tenant:
    """Add counts, a gap, a conflict, and a quarantined message."""
    async with ingest.transaction() as connection:
        rows = await connection.execute(
            "select g.id as gateway, p.id as point from gateway g join point p"
            " on p.gateway_id = g.id where g.tenant_id = $1 order by p.id limit 1",
            (tenant.id,),
        )
        row = (await rows.fetchall())[0]
        count = ledger.HourCount(row["gateway"], stored=100, duplicate=2, conflict=1, quarantined=1)
        await ledger.add_counts(connection, [count], received_at=AT)
        await ledger.add_sequences(
            connection,
            [(row["gateway"], f"epoch-{tenant.word}", [(1, 4), (7, 9)])],
            received_at=AT,
        )
        conflict = ledger.Conflict(
            point_id=row["point"],
            ts_us=int(START.timestamp()) * 1_000_000,
            value=tenant.power_kw + 0.0625,
            gateway_id=row["gateway"],
            kept_value=0.0,
        )
        await ledger.add_conflicts(connection, [conflict], received_at=AT)
        payload = f'{{"secret":"{tenant.word}"}}'.encode()
        await ledger.quarantine(
            connection,
            tenant_id=tenant.id,
            gateway_id=row["gateway"],
            topic=f"nengtan/v1/{tenant.code}/{tenant.site}/gw-{tenant.word}/telemetry",
            payload=payload,
            items=[
                ledger.QuarantineItem(0, "unknown_point", f"no point {tenant.word}-9", None),
                ledger.QuarantineItem(1, "unknown_point", f"no point {tenant.word}-8", None),
            ],
            received_at=AT,
        )
        found = await connection.execute(
            "select id from quarantine where sha256 = $1", (sha256(payload).digest(),)
        )
        quarantine_id = (await found.fetchall())[0]["id"]
    return Tenant(
        tenant.id,
        tenant.code,
        tenant.site,
        tenant.word,
        tenant.power_kw,
        tenant.keys,
        quarantine_id,
        tenant.key_id,
    )

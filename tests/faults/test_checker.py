"""The checker itself: it is silent about a sound run, and names whatever is planted."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from deploy import admin
from ingest.registry import load_registry
from ingest.tick import Worker
from services.store.pool import Database
from tests import servers
from tests.faults.bench import plants
from tests.faults.checker import History, Verdict, check
from tests.faults.plan import TENANTS, Plan
from tests.migrated import PASSWORD, Migrated, take_in
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

SEED = 7
COUNT = 30
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def migrated(plain_server: PlainServer) -> Iterator[Migrated]:
    url = servers.create_database(plain_server)
    admin.upgrade_database(url)
    for role in ("nengtan_admin", "nengtan_ingest", "nengtan_worker"):
        asyncio.run(admin.set_role_password(url, role, PASSWORD))
    migrated = Migrated(url)
    migrated.install(*(plant.plant() for plant in plants()))
    asyncio.run(run(migrated))
    yield migrated
    servers.drop_database(plain_server, url)


async def run(migrated: Migrated) -> None:
    """Take in what the plan says, and compute it."""
    ingest = await Database.open(migrated.role_url("nengtan_ingest"))
    worker = await Database.open(migrated.role_url("nengtan_worker"))
    registry = await load_registry(ingest)
    deliveries = [
        plant.delivery(
            [(point, at, float(value)) for point, at, value in message.readings], seq=message.seq
        )
        for plant in plants()
        for message in map(Plan(SEED, plant.tenant).message, range(COUNT))
    ]
    await take_in(ingest, registry, deliveries, at=RECEIVED)
    await Worker(worker).drain()
    await ingest.close()
    await worker.close()


def verdict(migrated: Migrated, *, api_kwh: float = 0.0) -> Verdict:
    """Return what the checker says of a run in which everything has its receipt."""
    seqs = {
        tenant: {Plan(SEED, tenant).message(number).seq for number in range(COUNT)}
        for tenant in TENANTS
    }
    history = History(dict.fromkeys(TENANTS, COUNT), seqs, [], {})

    def ask(tenant: str, start: datetime, end: datetime) -> float | None:
        [(amount,)] = migrated.rows(
            "select sum(r.amount) from result r join series s on s.id = r.series_id"
            " join tenant t on t.id = s.tenant_id where t.code = %s and s.kind = 'point'"
            " and r.grain = 0 and r.ts >= %s and r.ts < %s",
            *(tenant, start, end),
        )
        return float(amount) + api_kwh

    return check(migrated, history, seed=SEED, ask=ask)


def test_is_silent_about_a_sound_run(migrated: Migrated) -> None:
    found = verdict(migrated)
    assert not found.found, str(found)


PLANTED: Sequence[tuple[str, str, set[str]]] = (
    (
        "a reading is gone",
        "delete from reading where ctid = (select ctid from reading limit 1)",
        {"lost", "silent", "ledger"},
    ),
    (
        "a reading that nobody sent",
        (
            "insert into reading (ts, received_at, value, point_id, quality)"
            " select ts + interval '1 second', received_at, value, point_id, quality"
            " from reading limit 1"
        ),
        {"phantom", "ledger"},
    ),
    (
        "a value that nobody sent",
        (
            "update reading set value = value + 0.1"
            " where (ts, point_id) = (select ts, point_id from reading limit 1)"
        ),
        {"phantom"},
    ),
    (
        "a total that was added up twice",
        (
            "update result set amount = 2 * amount where (series_id, grain, ts) ="
            " (select series_id, grain, ts from result r join series s on s.id = r.series_id"
            " where s.kind = 'point' and grain = 2 and amount > 0 limit 1)"
        ),
        {"wrong"},
    ),
    (
        "a duplicate counted as stored",
        "update ingest_hour set stored = stored + 1, received = received + 1",
        {"ledger"},
    ),
    (
        "a gap that is not reported",
        "update gateway_sequence set received = int8multirange(int8range(1, 100))",
        {"gap missed"},
    ),
    (
        "a gap that is none",
        "update gateway_sequence set received = received - int8multirange(int8range(1, 2))",
        {"gap false"},
    ),
)


@pytest.mark.parametrize(("name", "change", "names"), PLANTED, ids=[row[0] for row in PLANTED])
def test_names_what_is_planted(
    migrated: Migrated, plain_server: PlainServer, name: str, change: str, names: set[str]
) -> None:
    del name
    database = migrated.url.rpartition("/")[2]
    copy = Migrated(servers.create_database(plain_server, template=database))
    copy.execute(change)
    assert set(verdict(copy).found) == names, str(verdict(copy))
    servers.drop_database(plain_server, copy.url)


def test_names_an_api_that_says_something_else(migrated: Migrated) -> None:
    assert set(verdict(migrated, api_kwh=0.5).found) == {"wrong"}


def test_the_plan_is_the_same_in_every_process() -> None:
    messages = [Plan(SEED, "acme").message(number) for number in range(60)]
    assert messages == [Plan(SEED, "acme").message(number) for number in range(60)]
    seqs = [message.seq for message in messages]
    missing = Plan(SEED, "acme").missing(60)
    assert sorted([*seqs, *missing]) == list(range(1, seqs[-1] + 1))
    assert missing
    values: dict[str, list[tuple[datetime, float]]] = {}
    for message in messages:
        for point, at, value in message.readings:
            values.setdefault(point, []).append((at, float(value)))
    for readings in values.values():
        levels = [level for _, level in sorted(set(readings))]
        assert levels == sorted(levels)
        assert len({at for at, _ in readings}) == len(set(readings))
    assert max(at for at, _ in values["P1"]) - min(at for at, _ in values["P1"]) < timedelta(days=1)

"""A park for benchmarks: twenty halls of fifty electricity registers each, and a year of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import psycopg

from services.plant.model import Plant
from services.plant.read import read_plant
from services.store.binary import ColumnType, pack
from tests.migrated import us

HALL_COUNT = 20
POINTS_A_HALL = 50
POINT_COUNT = HALL_COUNT * POINTS_A_HALL
START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=15)
_TYPES: tuple[ColumnType, ...] = ("timestamptz", "timestamptz", "float8", "integer", "integer")
_COPY = "copy reading (ts, received_at, value, point_id, quality) from stdin (format binary)"
# A register of three decimals counts at most this between two readings. [0.001 kWh]
_STEP_WH_MAX = 9_000
_BLOCK_STEPS = 96


def park(tenant: str = "bench") -> Plant:
    """Return the description: every hall is fed by one flow, the sum of its fifty meters."""
    halls = [f"H{hall:02d}" for hall in range(HALL_COUNT)]
    document: dict[str, Any] = {
        "schema": "nengtan.plant/1",
        "tenant": tenant,
        "site": "main",
        "name": {"zh": "基准园区", "en": "Bench park"},
        "valid_from": "2024-12-01T00:00:00Z",
        "time_zone": "Asia/Shanghai",
        "region": "320000",
        "gateways": [{"code": "g"}],
        "nodes": [
            {"code": "grid", "name": _name("电网", "Grid"), "kind": "source"},
            {"code": "park", "name": _name("园区", "Park"), "kind": "use"},
            *(
                {"code": hall, "name": _name(hall, hall), "kind": "use", "parent": "park"}
                for hall in halls
            ),
        ],
        "flows": [
            {
                "code": f"to-{hall}",
                "from": "grid",
                "to": hall,
                "carrier": "electricity",
                "metered_by": [{"point": code} for code in _codes(hall)],
            }
            for hall in halls
        ],
        "meters": [
            {
                "code": f"M-{code}",
                "name": _name(code, code),
                "gateway": "g",
                "points": [
                    {
                        "code": code,
                        "kind": "register",
                        "unit": "kWh",
                        "digits": {"integer": 7, "decimal": 3},
                        "rate_max_per_hour": 100,
                    }
                ],
            }
            for hall in halls
            for code in _codes(hall)
        ],
    }
    return read_plant(msgspec.json.encode(document), form="json")


def _name(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _codes(hall: str) -> list[str]:
    return [f"{hall}-{number:02d}" for number in range(POINTS_A_HALL)]


def load_readings(url: str, *, point_ids: list[int], day_count: int) -> int:
    """Store a quarter-hourly reading of every register, and what the worker knows of it.

    Returns the energy that all of them count from the first reading to the last. [0.001 kWh]
    """
    random = np.random.default_rng(11)
    ids = np.array(point_ids, dtype=np.int32)
    level = random.integers(0, 10**6, len(ids))
    first = level.copy()
    start_us, step_us = us(START), int(STEP / timedelta(microseconds=1))
    step_count = day_count * 96 + 1
    with psycopg.connect(url, autocommit=True) as connection:
        for begin in range(0, step_count, _BLOCK_STEPS):
            steps = np.arange(begin, min(begin + _BLOCK_STEPS, step_count))
            amount = random.integers(0, _STEP_WH_MAX, (len(steps), len(ids)))
            amount[0] *= begin > 0
            levels = level + np.cumsum(amount, axis=0)
            level = levels[-1]
            ts_us = np.repeat(start_us + step_us * steps, len(ids))
            block = pack(
                _TYPES,
                (
                    ts_us,
                    ts_us,
                    levels.reshape(-1) / 1000.0,
                    np.tile(ids, len(steps)),
                    np.zeros(len(ts_us), dtype=np.int32),
                ),
            )
            with connection.cursor().copy(_COPY) as copy:
                copy.write(block)
        connection.execute(
            "insert into point_state (point_id, tenant_id, first_ts, last_ts, last_value,"
            " last_quality) select id, tenant_id, %s, %s, 0, 0 from point",
            (START, START + (step_count - 1) * STEP),
        )
        connection.execute("analyze reading")
    return int((level - first).sum())

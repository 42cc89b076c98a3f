"""A park for benchmarks: twenty halls of fifty electricity registers each, and a year of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import psycopg

from services.plant.model import Plant
from services.plant.read import read_plant
from services.store.binary import ColumnType, pack
from tests.migrated import us

HALLS = [f"H{hall:02d}" for hall in range(20)]
POINTS_A_HALL = 50
POINT_COUNT = len(HALLS) * POINTS_A_HALL
# A local midnight of the park.
START = datetime(2024, 12, 31, 16, tzinfo=UTC)
STEP = timedelta(minutes=15)
STEPS_A_DAY = 96
LATE_STEPS = 12
_TYPES: tuple[ColumnType, ...] = ("timestamptz", "timestamptz", "float8", "integer", "integer")
_COPY = "copy reading (ts, received_at, value, point_id, quality) from stdin (format binary)"
# A register of three decimals counts at most this between two readings. [0.001 kWh]
_STEP_WH_MAX = 9_000


def park(tenant: str = "bench") -> Plant:
    """Return the description: every hall is fed by one flow, the sum of its fifty meters."""
    document: dict[str, Any] = {
        "schema": "nengtan.plant/1",
        "tenant": tenant,
        "site": "main",
        "name": {"zh": "基准园区", "en": "Bench park"},
        "valid_from": "2024-12-01T00:00:00Z",
        "time_zone": "Asia/Shanghai",
        "region": "320000",
        "gateways": [{"code": "gw"}],
        "nodes": [
            {"code": "grid", "name": _name("电网", "Grid"), "kind": "source"},
            {"code": "park", "name": _name("园区", "Park"), "kind": "use"},
            *(
                {"code": hall, "name": _name(hall, hall), "kind": "use", "parent": "park"}
                for hall in HALLS
            ),
        ],
        "flows": [
            {
                "code": f"to-{hall}",
                "from": "grid",
                "to": hall,
                "carrier": "electricity",
                "metered_by": [{"point": code} for code in codes_of(hall)],
            }
            for hall in HALLS
        ],
        "meters": [
            {
                "code": f"M-{code}",
                "name": _name(code, code),
                "gateway": "gw",
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
            for hall in HALLS
            for code in codes_of(hall)
        ],
    }
    return read_plant(msgspec.json.encode(document), form="json")


def _name(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def codes_of(hall: str) -> list[str]:
    """Return the codes of the registers of a hall."""
    return [f"{hall}-{number:02d}" for number in range(POINTS_A_HALL)]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was stored: the energy of all registers, and what is still to come.

    Attributes
    ----------
    energy_wh : int
        Counted by all registers from the first reading to the last.
    late : list of (late_at, late_kwh)
        Instants that were left out, (s,), and what the registers showed then, (s, p): once for
        each time that three hours are to come late.
    """

    energy_wh: int
    late: list[tuple[list[datetime], npt.NDArray[np.float64]]]


def load_readings(url: str, *, point_ids: list[int], day_count: int, late_count: int) -> Loaded:
    """Store a reading of every register each quarter of an hour, and what the worker knows of it.

    Three hours of some days before the last are left out.
    """
    random = np.random.default_rng(11)
    ids = np.array(point_ids, dtype=np.int32)
    level = random.integers(0, 10**6, len(ids))
    first = level.copy()
    start_us, step_us = us(START), int(STEP / timedelta(microseconds=1))
    step_count = day_count * STEPS_A_DAY + 1
    late = np.array(
        [
            step_count - (2 + back) * STEPS_A_DAY + np.arange(LATE_STEPS)
            for back in range(late_count)
        ]
    )
    late_levels: dict[int, npt.NDArray[np.int64]] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for begin in range(0, step_count, STEPS_A_DAY):
            steps = np.arange(begin, min(begin + STEPS_A_DAY, step_count))
            amount = random.integers(0, _STEP_WH_MAX, (len(steps), len(ids)))
            amount[0] *= begin > 0
            levels = level + np.cumsum(amount, axis=0)
            level = levels[-1]
            is_late = np.isin(steps, late)
            late_levels |= zip(steps[is_late].tolist(), levels[is_late], strict=True)
            steps, levels = steps[~is_late], levels[~is_late]
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
    return Loaded(
        energy_wh=int((level - first).sum()),
        late=[
            (
                [START + step * STEP for step in steps],
                np.array([late_levels[step] for step in steps]) / 1000.0,
            )
            for steps in late.tolist()
        ],
    )

"""What goes wrong in a simulated plant: small records, and pure functions of them.

A fault is declared (what, where, from when, how long, how much), never drawn while running: so a
restart repeats it, and a test can say what must come of it.

=============== ========= ============================================================== ========
kind            target    effect from `start_us` on, for `duration_us`                   `size`
=============== ========= ============================================================== ========
late            gateway   nothing arrives; all of it arrives when it is over
lost            gateway   nothing arrives, ever
duplicate       gateway   every reading arrives twice
shuffled        gateway   every reading is delayed by up to so many seconds              seconds
spike           point     readings are higher by so much (duration 1: a single one)      raw units
frozen          point     the first reading is repeated
gain            point     so many times as much is shown: 2/3 with a phase not connected   factor
rollover        point     the register passes its last digit at `start_us`
reset           point     the register begins again, unrecorded, for good                level
dip             point     the register shows less, then what it should again             raw units
exchange        meter     another meter is there, for good; the description says so      level
over_emission   flow      so many times as much truly flows                              factor
=============== ========= ============================================================== ========

`late`, `lost`, `duplicate` and `shuffled` may name a point as well.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from compute.periods import from_us
from services.plant.model import Plant
from services.plant.read import read_plant

FaultKind = Literal[
    "late",
    "lost",
    "duplicate",
    "shuffled",
    "spike",
    "frozen",
    "gain",
    "rollover",
    "reset",
    "dip",
    "exchange",
    "over_emission",
]

SINGLE = 1  # duration of a spike that hits the reading at its start alone [µs]
_US_PER_MINUTE = 60_000_000


class Reading(NamedTuple):
    """One value, as the gateway has it."""

    gateway: str
    address: str
    ts_us: int
    value: float
    point: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong; the table at the head of the module says what each field means."""

    kind: FaultKind
    target: str
    start_us: int
    duration_us: int = 0
    size: float = 0.0

    @property
    def end_us(self) -> int:
        """When it is over."""
        return self.start_us + self.duration_us

    def covers(self, ts_us: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which instants lie in it."""
        return (ts_us >= self.start_us) & (ts_us < self.end_us)

    def strikes(self, reading: Reading) -> bool:
        """Return whether it is of the reading's gateway or point, at its time."""
        mine = self.target in {reading.gateway, reading.point}
        return mine and self.start_us <= reading.ts_us < self.end_us


class Arrival(NamedTuple):
    """A reading and when the gateway hands it over."""

    at_us: int
    reading: Reading


def arrivals(readings: Iterable[Reading], faults: Sequence[Fault]) -> list[Arrival]:
    """Return what a gateway hands over of its readings, and when, in the order of handing over.

    A reading is handed over at its own time unless a fault says otherwise; those of one instant
    stay in their order.
    """
    delivery = [f for f in faults if f.kind in {"late", "lost", "duplicate", "shuffled"}]
    found: list[Arrival] = []
    for reading in readings:
        at_us, count = reading.ts_us, 1
        for fault in delivery:
            if not fault.strikes(reading):
                continue
            if fault.kind == "late":
                at_us = max(at_us, fault.end_us)
            elif fault.kind == "shuffled":
                at_us += round(_chance(reading) * fault.size * 1e6)
            elif fault.kind == "duplicate":
                count = 2
            else:
                count = 0
                break
        found += [Arrival(at_us, reading)] * count
    return sorted(found, key=lambda arrival: arrival.at_us)


def _chance(reading: Reading) -> float:
    """Return a number in [0, 1) that depends on the reading alone."""
    text = f"{reading.gateway} {reading.address} {reading.ts_us}"
    return zlib.crc32(text.encode()) / 2**32


def with_exchanges(plant: Plant, faults: Sequence[Fault]) -> Plant:
    """Return the description after the exchanges of meters among some faults.

    The points of the old meter end where those of the new one, with the same addresses, begin; both
    are named wherever the old one was. The description is valid from the start of the base interval
    in which the last exchange lies.
    """
    mine = {meter.code for meter in plant.meters}
    for fault in sorted(faults, key=lambda fault: fault.start_us):
        if fault.kind == "exchange" and fault.target in mine:
            plant = _exchanged(plant, fault)
    return plant


def _exchanged(plant: Plant, fault: Fault) -> Plant:
    document: dict[str, Any] = plant.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    at = from_us(fault.start_us).isoformat()
    base_us = plant.base_interval_minutes * _US_PER_MINUTE
    document["valid_from"] = from_us(fault.start_us // base_us * base_us).isoformat()
    family = [m for m in document["meters"] if m["code"].split(".")[0] == fault.target]
    old, generation = family[-1], len(family) + 1
    new = msgspec.json.decode(msgspec.json.encode(old))
    new["code"] = f"{fault.target}.{generation}"
    renamed: dict[str, str] = {}
    for before, after in zip(old["points"], new["points"], strict=True):
        after["code"] = f"{before['code'].split('.')[0]}.{generation}"
        renamed[before["code"]] = after["code"]
        after["address"] = before.get("address", before["code"])
        before["address"] = after["address"]
        before["valid_to"] = after["valid_from"] = at
    document["meters"].insert(document["meters"].index(old) + 1, new)
    for part in (*document.get("flows", []), *document.get("products", [])):
        metered = part.get("metered_by", [])
        metered += [
            {**metering, "point": renamed[metering["point"]]}
            for metering in list(metered)
            if metering["point"] in renamed
        ]
    return read_plant(msgspec.json.encode(document), form="json")

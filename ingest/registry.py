"""Who may send what: the active gateways and their points, as one snapshot of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.arrivals import Lives
from compute.names import Names, name_table
from compute.periods import to_us
from ingest.decode.fields import clean_name
from ingest.topics import TELEMETRY_FILTER, receipt_topic_of
from services.store.pool import Database
from services.store.topology import ingest_map

IMPORT_FORM = "import"
_NO_KEYS: Mapping[str, bytes] = MappingProxyType({})
_ALWAYS_US = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Gateway:
    """A sender, proven by the topic that only it may write to."""

    id: int
    index: int  # counts the gateways of the registry
    tenant_id: int
    site_id: int
    form: str
    receipt_topic: str | None
    # Address on the gateway, or in a file the code → row of the first point that has it.
    row_of: dict[str, int]
    signed: bool = False
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Registry:
    """Every active point as columns; `row` counts them.

    Attributes
    ----------
    by_topic : dict
        Gateway by the topic on which its telemetry arrives.
    point_id, site_id, gateway_id : (p,) int32
    value_min, value_max : (p,) float64
        Limits of physics; infinite where there are none.
    valid_from_us, valid_to_us : (p,) int64
        Half-open. [µs since 1970 UTC]
    next_row : (p,) int32
        The point that has the same address afterwards (an exchanged meter), -1 if there is none.
    names : Names
        What stands in messages, by `index` of the gateway.
    """

    by_topic: dict[str, Gateway]
    point_id: npt.NDArray[np.int32]
    site_id: npt.NDArray[np.int32]
    gateway_id: npt.NDArray[np.int32]
    value_min: npt.NDArray[np.float64]
    value_max: npt.NDArray[np.float64]
    valid_from_us: npt.NDArray[np.int64]
    valid_to_us: npt.NDArray[np.int64]
    next_row: npt.NDArray[np.int32]
    names: Names

    @property
    def lives(self) -> Lives:
        """What every reading is checked against."""
        return Lives(
            self.valid_from_us, self.valid_to_us, self.next_row, self.value_min, self.value_max
        )

    def filters(self) -> list[str]:
        """Return what to subscribe to: our topics, and each foreign gateway's own."""
        foreign = {
            topic
            for topic, gateway in self.by_topic.items()
            # Files do not come through the broker.
            if gateway.receipt_topic is None and gateway.form != IMPORT_FORM
        }
        return [TELEMETRY_FILTER, *sorted(foreign)]


async def load_registry(database: Database, *, keys: Mapping[str, bytes] = _NO_KEYS) -> Registry:
    """Read the active gateways and points; `keys` are those of gateways that sign, by user."""
    async with database.transaction() as connection:
        gateway_rows, point_rows = await ingest_map(connection)
    return build_registry(gateway_rows, point_rows, keys=keys)


def build_registry(
    gateway_rows: list[dict[str, Any]],
    point_rows: list[dict[str, Any]],
    *,
    keys: Mapping[str, bytes] = _NO_KEYS,
) -> Registry:
    """Turn the rows of the database into columns and dictionaries."""
    addresses: dict[int, dict[str, int]] = {row["id"]: {} for row in gateway_rows}
    next_row = np.full(len(point_rows), -1, dtype=np.int32)
    newest: dict[tuple[int, str], int] = {}
    for index, row in sorted(enumerate(point_rows), key=lambda pair: pair[1]["valid_from"]):
        address = (row["gateway_id"], row["address"])
        if address in newest:
            next_row[newest[address]] = index
        newest[address] = index
        addresses[row["gateway_id"]].setdefault(row["address"], index)
    for gateway in gateway_rows:
        if gateway["form"] == IMPORT_FORM:
            # In a file a point is named by its code, whatever gateway it hangs on.
            addresses[gateway["id"]] = {
                row["code"]: index
                for index, row in enumerate(point_rows)
                if row["site_id"] == gateway["site_id"]
            }
    return Registry(
        by_topic={
            row["topic"]: Gateway(
                id=row["id"],
                index=index,
                tenant_id=row["tenant_id"],
                site_id=row["site_id"],
                form=row["form"],
                # Foreign forms number nothing, so nothing can be receipted to them.
                receipt_topic=receipt_topic_of(row["topic"]) if row["form"] == "nengtan" else None,
                row_of=addresses[row["id"]],
                signed=row["signed"],
                key=keys.get(row["username"]),
            )
            for index, row in enumerate(gateway_rows)
        },
        point_id=np.array([row["id"] for row in point_rows], dtype=np.int32),
        site_id=np.array([row["site_id"] for row in point_rows], dtype=np.int32),
        gateway_id=np.array([row["gateway_id"] for row in point_rows], dtype=np.int32),
        value_min=np.array(
            [-np.inf if row["value_min"] is None else row["value_min"] for row in point_rows]
        ),
        value_max=np.array(
            [np.inf if row["value_max"] is None else row["value_max"] for row in point_rows]
        ),
        valid_from_us=np.array([to_us(row["valid_from"]) for row in point_rows], dtype=np.int64),
        valid_to_us=np.array(
            [
                _ALWAYS_US if row["valid_to"] is None else to_us(row["valid_to"])
                for row in point_rows
            ],
            dtype=np.int64,
        ),
        next_row=next_row,
        names=name_table([written(addresses[row["id"]]) for row in gateway_rows]),
    )


def written(row_of: dict[str, int]) -> dict[bytes, int]:
    """Return the names as they stand in a message without escapes, where they can."""
    return {
        name.encode(): row
        for name, row in row_of.items()
        if clean_name(name) == name and not {'"', "\\"} & set(name)
    }

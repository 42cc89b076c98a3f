"""What people decided about readings, laid over them: the readings themselves never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from compute.quality import Quality
from compute.readings import Readings
from compute.topology import Float1D, Index1D, Int1D


class Action(IntEnum):
    """What a decision does to one instant of a point."""

    ACCEPT = 0  # the reading is right: what was withheld because of it is booked
    LEAVE_OUT = 1  # the reading is wrong: as if it had not come
    REPLACE = 2  # a value stands for the reading, or where there is none


# What the verdict on a finding does to its readings; any other leaves every number as it is. What
# is withheld is booked only when accepted, what was used is left out only when rejected.
ACTIONS: Mapping[tuple[str, str | None], Action] = {
    **{("accept", check): Action.ACCEPT for check in ("spike", "decrease")},
    **{("reject", check): Action.LEAVE_OUT for check in ("range", "step", "rate", "skew")},
}


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions that stand, in the order in which they were made.

    Attributes
    ----------
    row : (d,) int64
        Of `Points`.
    ts_us : (d,) int64
        [µs since 1970-01-01 UTC]
    action : (d,) int32
        `Action`.
    value : (d,) float64
        Raw value of a REPLACE, else NaN.
    """

    row: Int1D
    ts_us: Int1D
    action: Index1D
    value: Float1D


def decided(readings: Readings, decisions: Decisions) -> Readings:
    """Return readings as decided: of several decisions about one instant, the last stands.

    A reading that is left out keeps its place without its number, so that it is counted and shown
    (CORRECTED). A value that replaces one has no quality but CORRECTED: the doubts were about the
    reading.
    """
    if not len(decisions.row):
        return readings
    row = np.repeat(np.arange(len(readings.point_offset) - 1), np.diff(readings.point_offset))
    place = {
        key: index
        for index, key in enumerate(zip(row.tolist(), readings.ts_us.tolist(), strict=True))
    }
    last = {
        (r, at_us): (int(action), value)
        for r, at_us, action, value in zip(
            decisions.row.tolist(),
            decisions.ts_us.tolist(),
            decisions.action.tolist(),
            decisions.value.tolist(),
            strict=True,
        )
    }
    value = np.array(readings.value, dtype=np.float64)
    quality = np.array(readings.quality, dtype=np.int32)
    added: list[tuple[int, int, float]] = []
    for key, (action, number) in last.items():
        index = place.get(key)
        if index is None:
            if action == Action.REPLACE:
                added.append((*key, number))
        elif action == Action.ACCEPT:
            quality[index] |= int(Quality.ACCEPTED)
        elif action == Action.LEAVE_OUT:
            value[index] = np.nan
            quality[index] |= int(Quality.CORRECTED)
        else:
            value[index] = number
            quality[index] = int(Quality.CORRECTED)
    more = len(added)
    rows = np.concatenate([row, np.array([r for r, _, _ in added], dtype=np.int64)])
    ts_us = np.concatenate([readings.ts_us, np.array([at for _, at, _ in added], dtype=np.int64)])
    order = np.lexsort((ts_us, rows))
    offset = np.searchsorted(rows[order], np.arange(len(readings.point_offset)))
    corrected = np.full(more, int(Quality.CORRECTED), dtype=np.int32)
    return Readings(
        point_offset=offset.astype(np.int64),
        ts_us=ts_us[order].astype(np.int64),
        value=np.concatenate([value, np.array([v for _, _, v in added])])[order],
        quality=np.concatenate([quality, corrected])[order],
    )

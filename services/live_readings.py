"""The readings behind live values: of the last minutes, and of what is read seldom.

A second of a plant is few readings, the minutes before it are many. They are kept from tick to
tick, and read again from the first instant that the bell tells of; of what no bell told all is read
anew every ten seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.periods import to_us
from compute.readings import Readings
from compute.register import CONTEXT_BEFORE
from services.site_model import Described
from services.store import readings
from services.store.ledger import Arrived
from services.store.pool import Connection

WINDOW_US = 60_000_000
# The window ends at the newest reading of the site, but never longer ago than this: a plant that
# fell silent must not stand still as it was.
BEHIND_US = 30_000_000
# Readings this long before the window come with it: context of what is read often. Of what is read
# more often still, those shortly before it are enough.
_CONTEXT_US = 150_000_000
_SHORT_CONTEXT_US = 20_000_000
# A clock may be ahead by this much before its readings are refused.
_AHEAD_US = 120_000_000
# All that is kept is looked up again this often, and what is read seldom so far back at most.
_LOOK_UP = timedelta(seconds=10)
_SELDOM_US_MAX = 3 * 3_600_000_000
_NEVER_US = 1 << 62

Rows = list[npt.NDArray[Any]]


def _none() -> Rows:
    return [np.empty(0, kind) for kind in (np.int64, np.int64, np.float64, np.int32)]


@dataclass(slots=True)
class LiveReadings:
    """What was read for the points of a description; it may be forgotten at any time.

    Attributes
    ----------
    recent, seldom : ts_us, row of the point, value, quality
        All of [since_us, …) as it stands, but for what came from `changed_us` on; and what was
        before that of `is_seldom`, (p,) bool.
    """

    described: Described
    recent: Rows = field(default_factory=_none)
    since_us: int = 0
    changed_us: int = _NEVER_US
    recent_due: datetime | None = None
    seldom: Rows = field(default_factory=_none)
    is_seldom: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    seldom_due: datetime | None = None

    def arrived(self, news: Arrived) -> bool:
        """Note what is to be read again; return whether anything of it is recent."""
        if news.last_us < self.since_us:
            return False
        self.changed_us = min(self.changed_us, news.first_us)
        return True

    def forget(self) -> None:
        """Have all that is recent read again."""
        self.recent_due = None

    async def read(self, connection: Connection, *, at: datetime) -> None:
        """Come up to date."""
        now_us = to_us(at)
        since_us = now_us - BEHIND_US - WINDOW_US - _CONTEXT_US
        # What arrives from now on while this reads is read the next time.
        from_us, self.changed_us = min(self.changed_us, self._newest_us(now_us) + 1), _NEVER_US
        due, self.recent_due = self.recent_due, None
        if due is None or at >= due:
            from_us, due = since_us, at + _LOOK_UP
        ts_us = self.recent[0]
        kept = (ts_us >= since_us) & (ts_us < from_us)
        more = await self._load(
            connection, self.described.point_id, max(from_us, since_us), now_us + _AHEAD_US
        )
        self.recent = [
            np.concatenate([column[kept], new])
            for column, new in zip(self.recent, more, strict=True)
        ]
        self.since_us, self.recent_due = since_us, due
        await self._look_up_seldom(connection, at=at)

    def newest_us(self, at: datetime) -> int | None:
        """Return the newest recent instant that is not in the future, if there is one."""
        newest_us = self._newest_us(to_us(at))
        return newest_us if newest_us >= 0 else None

    def _newest_us(self, now_us: int) -> int:
        ts_us = self.recent[0]
        return int(ts_us.max(where=ts_us <= now_us, initial=-1))

    async def _look_up_seldom(self, connection: Connection, *, at: datetime) -> None:
        """Look up what lies before the recent readings of points that have few of them."""
        is_seldom = ~self._often(self.since_us, to_us(at) - BEHIND_US - WINDOW_US)
        due = self.seldom_due
        if due is not None and at < due and not (is_seldom & ~self.is_seldom).any():
            return
        points = self.described.arrays.points
        far_us = max(int(points.hold_us.max(initial=0)), 2 * int(points.period_us.max(initial=0)))
        self.seldom_due = None
        self.seldom = await self._load(
            connection,
            self.described.point_id[is_seldom],
            self.since_us - min(2 * far_us, _SELDOM_US_MAX),
            # The recent ones begin later with every tick: nothing may be missed between.
            self.since_us + 2 * (_LOOK_UP // timedelta(microseconds=1)),
        )
        self.is_seldom, self.seldom_due = is_seldom, at + _LOOK_UP

    def _often(self, start_us: int, end_us: int) -> npt.NDArray[np.bool_]:
        """Return which points have readings enough in [start, end) to be the context of others."""
        ts_us, row, value, _ = self.recent
        counted = row[(ts_us >= start_us) & (ts_us < end_us) & ~np.isnan(value)]
        count = np.bincount(counted, minlength=len(self.described.point_id))
        enough: npt.NDArray[np.bool_] = count >= CONTEXT_BEFORE
        return enough

    async def _load(
        self, connection: Connection, point_id: npt.NDArray[np.int32], start_us: int, end_us: int
    ) -> Rows:
        ts_us, point, value, quality = await readings.read_window(
            connection, point_ids=point_id.tolist(), start_us=start_us, end_us=end_us
        )
        return [ts_us, self.described.rows_of(point), value, quality]

    def around(self, start_us: int) -> Readings:
        """Return the readings of a window that begins at `start_us`, and their context."""
        near_us = start_us - _SHORT_CONTEXT_US
        is_often = self._often(near_us, start_us)
        near = (self.recent[0] >= near_us) | ~is_often[self.recent[1]]
        older = (self.seldom[0] < self.since_us) & ~is_often[self.seldom[1]]
        ts_us, row, value, quality = (
            np.concatenate([column[older], more[near]])
            for column, more in zip(self.seldom, self.recent, strict=True)
        )
        return Readings.of_rows(
            row, ts_us, value, quality, point_count=len(self.described.point_id)
        )

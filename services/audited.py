"""What people decided about readings, and what checks find in a window: before and beside sums."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
import numpy.typing as npt

from compute.balance import imbalance
from compute.block import ResultBlock
from compute.decisions import ACTIONS, Action, Decisions
from compute.marks import Mark
from compute.periods import US_PER_HOUR, to_us
from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.topology import PointKind
from services.site_model import Described, SiteModel
from services.store import data_audit, runs
from services.store.data_audit import FindingMark, StandingDecision
from services.store.pool import Connection

_Window = tuple[int, int]

_UNSETTLED = (
    Quality.OPEN | Quality.MISSING | Quality.PARTIAL | Quality.INTERPOLATED | Quality.DERIVED
)


@dataclass(frozen=True, slots=True)
class Review:
    """What people decided that changes numbers: (point, instant, action, value), in order."""

    about: list[tuple[int, int, Action, float]]
    left_out_count: Mapping[int, int]  # by point: readings that may have to be passed over


async def review_of(connection: Connection, site_id: int) -> Review:
    """Return what stands of a site's decisions and changes numbers."""
    return _review(await data_audit.standing_decisions(connection, site_id))


def _review(standing: Sequence[StandingDecision]) -> Review:
    about: list[tuple[int, int, Action, float]] = []
    for decision in standing:
        action = _action(decision)
        if action is not None:
            value = np.nan if decision.value is None else decision.value
            about += [(decision.point_id, to_us(at), action, value) for at in decision.at]
    left_out = Counter(point for point, _, action, _ in about if action is Action.LEAVE_OUT)
    return Review(about, left_out)


def _action(decision: StandingDecision) -> Action | None:
    if decision.kind == "correct":
        return Action.LEAVE_OUT if decision.value is None else Action.REPLACE
    return ACTIONS.get((decision.kind, decision.check_name))


def decisions_of(described: Described, review: Review) -> Decisions:
    """Return the decisions about the points of a description."""
    row = {point: index for index, point in enumerate(described.point_id.tolist())}
    about = [(row[point], *rest) for point, *rest in review.about if point in row]
    rows, ts_us, actions, values = zip(*about, strict=True) if about else ((), (), (), ())
    return Decisions(
        row=np.array(rows, dtype=np.int64),
        ts_us=np.array(ts_us, dtype=np.int64),
        action=np.array(actions, dtype=np.int32),
        value=np.array(values, dtype=np.float64),
    )


async def keep_findings(
    connection: Connection,
    model: SiteModel,
    described: Described,
    marks: Sequence[Mark],
    settled: tuple[IntervalAmounts, npt.NDArray[np.bool_], ResultBlock],
    *,
    window: _Window,
    at: datetime,
) -> None:
    """Keep what checks find in a window, and mark what does not balance in its results too.

    Parameters
    ----------
    connection : Connection
    model : SiteModel
    described : Described
    marks : sequence of Mark
        Of the readings.
    settled : tuple
        Amounts of the points, where they are frozen (p, k), and results.
    window : tuple of int
    at : datetime
        Now.
    """
    amounts, frozen, block = settled
    step = model.site.base_interval_us
    marks = [*marks, *await _ahead_marks(connection, described, window, step)]
    findings = [_of_point(described, mark) for mark in marks]
    findings += _balance_marks(described, block, window, step)
    findings += _frozen_marks(described, amounts, frozen, window, step)
    await data_audit.put_findings(
        connection, findings, site_id=model.site.id, span_us=window, at=at
    )


def _of_point(described: Described, mark: Mark) -> FindingMark:
    """Return a mark of a point as a finding of its series."""
    # The series of the points come first, in their order.
    series_id = int(described.series_id[mark.row])
    return FindingMark(series_id, mark.check, mark.start_us, mark.at_us, mark.value, mark.limit)


async def _ahead_marks(
    connection: Connection, described: Described, window: _Window, step: int
) -> list[Mark]:
    """Return where the clock of a gateway ran ahead: a matter of receipt, never of amounts."""
    row = {point: index for index, point in enumerate(described.point_id.tolist())}
    ahead = await data_audit.ahead_readings(
        connection, point_ids=described.point_id.tolist(), span_us=window
    )
    limit_s = described.clock_ahead_s
    late = sorted(
        (row[point], us // step * step, us, seconds)
        for us, point, seconds in ahead
        if seconds > limit_s[row[point]]
    )
    marks = []
    for (index, start_us), group in groupby(late, key=lambda item: item[:2]):
        members = list(group)
        at_us = tuple(us for _, _, us, _ in members)
        marks.append(Mark(index, "skew", start_us, at_us, members[0][3], limit_s[index]))
    return marks


async def same_before(
    connection: Connection,
    described: Described,
    amounts: IntervalAmounts,
    start_us: int,
    step: int,
) -> npt.NDArray[np.int64]:
    """Return for how many intervals before a window each point's amount was as in its first."""
    points, limits = described.arrays.points, described.checks
    first = amounts.amount[:, 0]
    whole = amounts.covered_us[:, 0] >= step
    rows = np.flatnonzero(whole & ((points.kind != int(PointKind.REGISTER)) | (first == 0.0)))
    before = np.zeros(len(points.code), dtype=np.int64)
    before[rows] = await runs.runs_before(
        connection,
        series_ids=described.series_id[rows].tolist(),
        amounts=first[rows].tolist(),
        since_us=(start_us - limits.frozen_us[rows]).tolist(),
        at_us=start_us,
        step_us=step,
    )
    return before


def _frozen_marks(
    described: Described,
    amounts: IntervalAmounts,
    frozen: npt.NDArray[np.bool_],
    window: _Window,
    step: int,
) -> list[FindingMark]:
    """Return where amounts have been the same for longer than they may."""
    return [
        FindingMark(
            int(described.series_id[row]),
            "frozen",
            window[0] + int(interval) * step,
            (),
            float(amounts.amount[row, interval]),
            described.checks.frozen_us[row] / US_PER_HOUR,
        )
        for row, interval in zip(*np.nonzero(frozen), strict=True)
    ]


def _balance_marks(
    described: Described, block: ResultBlock, window: _Window, step: int
) -> list[FindingMark]:
    """Mark the residuals beyond tolerance, in the results too, and return where they are."""
    flows = [index for index, key in enumerate(described.keys) if key.kind == "flow"]
    nodes = [index for index, key in enumerate(described.keys) if key.kind == "residual"]
    share = imbalance(block.energy_kwh[flows], topology=described.arrays)
    # What is not covered yet, or was withheld, is told by other checks.
    sound = (block.quality[nodes] & int(_UNSETTLED)) == 0
    beyond = (np.abs(share) > described.tolerance[:, np.newaxis]) & sound
    for row, interval in zip(*np.nonzero(beyond), strict=True):
        block.quality[nodes[row], interval] |= int(Quality.UNBALANCED)
    return [
        FindingMark(
            int(described.series_id[nodes[row]]),
            "balance",
            window[0] + int(interval) * step,
            (),
            float(share[row, interval]),
            float(described.tolerance[row]),
        )
        for row, interval in zip(*np.nonzero(beyond), strict=True)
    ]

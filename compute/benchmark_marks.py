"""What units are held against, corrected and made ready for the ticks of a day.

Rows of marks are of `Mark`. The levels of a norm are those of GB/T 12723-2013; equipment has 先进,
节能 and 准入水平 in their place.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute.grid import Float2D
from compute.topology import Bool1D, Float1D

Byte1D = npt.NDArray[np.int8]
Byte2D = npt.NDArray[np.int8]


class Mark(IntEnum):
    """What a unit is held against, and the row that it stands in."""

    LEVEL_1 = 0  # of a norm, or 先进水平 of equipment
    LEVEL_2 = 1  # 节能水平
    LEVEL_3 = 2  # 限定值, or 准入水平
    BENCHMARK = 3  # 标杆水平
    BASELINE = 4  # 基准水平
    TARGET = 5  # the unit's own
    OWN_BEST = 6  # of its closed periods


NO_AIM = -1
_NORM = (int(Mark.LEVEL_1), int(Mark.LEVEL_2), int(Mark.LEVEL_3))
_LIST = (int(Mark.BENCHMARK), int(Mark.BASELINE))
_AIM_COUNT = len(_NORM) + 1
# Which level leads to the aim.
BY_NORM, BY_LIST = 0, 1


class ReadyMarks(NamedTuple):
    """The marks of u units as a tick compares with them; less is better everywhere.

    Attributes
    ----------
    sign : (u,) float64
        1, or -1 where more is better: values times it are compared.
    norm, listed : (3, u), (2, u) float64
        What a value may not exceed to be at each level; a level that is not given is never met
        alone.
    has_norm, has_list : (u,) int8
        1 where there is such a scale.
    leader : (u,) int8
        Whose level leads to the aim: 0 the norm's, 1 the list's.
    aim : (4, u) int8
        `Mark` to aim at for each level of the leader, -1 for none.
    allowed : (4, u) float64
        Energy per output that this mark allows.
    """

    sign: Float1D
    norm: Float2D
    listed: Float2D
    has_norm: Byte1D
    has_list: Byte1D
    leader: Byte1D
    aim: Byte2D
    allowed: Float2D


def ready_marks(marks: Float2D, *, scale: Float1D, more_is_better: Bool1D) -> ReadyMarks:
    """Return the marks made ready for comparing.

    Parameters
    ----------
    marks : (7, u) float64
        Rows as `Mark`, corrected, in the unit of the value; NaN where there is none.
    scale : (u,) float64
        As in `SoFar`.
    more_is_better : (u,) bool

    Returns
    -------
    ready : ReadyMarks

    Notes
    -----
    A level is met only with those below it: where a norm's figures do not ascend, as base values
    before their corrections may not, the stricter one of a level and those below it stands.
    """
    sign = np.where(more_is_better, -1.0, 1.0)
    signed = marks * sign
    given = ~np.isnan(marks)
    norm, listed = _ascending(signed[list(_NORM)]), _ascending(signed[list(_LIST)])
    has_norm, has_list = given[list(_NORM)].any(axis=0), given[list(_LIST)].any(axis=0)
    aim = np.full((_AIM_COUNT, marks.shape[1]), NO_AIM, dtype=np.int8)
    aim[:, given[Mark.OWN_BEST]] = int(Mark.OWN_BEST)
    for rows, chosen in ((_LIST, has_list & ~has_norm), (_NORM, has_norm)):
        aim[:, chosen] = _next_better(given[list(rows)], rows)[:, chosen]
    aim[:, given[Mark.TARGET]] = int(Mark.TARGET)
    aimed = np.take_along_axis(marks, np.maximum(aim, 0).astype(np.int64), axis=0)
    with np.errstate(over="ignore"):
        allowed = np.where(
            more_is_better, scale / np.where(aimed > 0.0, aimed, np.nan), aimed / scale
        )
    return ReadyMarks(
        sign=sign,
        norm=norm,
        listed=listed,
        has_norm=np.asarray(has_norm, dtype=np.int8),
        has_list=np.asarray(has_list, dtype=np.int8),
        leader=np.where(has_norm, BY_NORM, BY_LIST).astype(np.int8),
        aim=aim,
        allowed=np.where(aim >= 0, allowed, np.nan),
    )


def _ascending(signed: Float2D) -> Float2D:
    """Return what a value may not exceed at each level, the best first."""
    given = np.where(np.isnan(signed), np.inf, signed)
    bound = np.minimum.accumulate(given[::-1], axis=0)[::-1].copy()
    for level in range(len(bound)):
        # Met with the next better one or not at all.
        better = bound[level - 1] if level else np.full(bound.shape[1], -np.inf)
        missing = np.isnan(signed[level]) & ~np.isinf(np.minimum(given[level:].min(axis=0), np.inf))
        bound[level] = np.where(missing, better, bound[level])
    return bound


def _next_better(given: npt.NDArray[np.bool_], rows: tuple[int, ...]) -> Byte2D:
    """Return the mark above each level: at the best level that itself."""
    found = np.full((_AIM_COUNT, given.shape[1]), NO_AIM, dtype=np.int8)
    best = np.array(rows, dtype=np.int8)[given.argmax(axis=0)]
    for level in range(1, _AIM_COUNT + 1):
        found[level - 1] = best
        for place in range(min(level - 1, len(rows))):
            found[level - 1, given[place]] = rows[place]
    return found


def corrected_marks(
    base: Float2D, *, slope: Float2D, given: Float1D, reference: Float1D
) -> Float2D:
    """Return limits with their correction term.

    Parameters
    ----------
    base, slope : (3, u) float64
        Limit of each level, and what one unit of the parameter adds to it. [unit of the value]
    given, reference : (u,) float64
        The parameter of the plant and what the limit is for; NaN where no term is given.

    Returns
    -------
    marks : (3, u) float64

    Notes
    -----
    Standard: GB 16780-2021 (clinker share of cement).   Equation: e = e0 + slope x (q - q0).
    """
    return base + np.nan_to_num(slope * (given - reference))


def gap_energy(
    marks: Float2D, *, top: Float1D, bottom: Float1D, scale: Float1D, more_is_better: Bool1D
) -> Float2D:
    """Return the energy beyond what each mark allows for the same output.

    Parameters
    ----------
    marks : (7, u) float64
    top, bottom, scale : (u,) float64
        As in `SoFar`, of any time.
    more_is_better : (u,) bool

    Returns
    -------
    gap : (7, u) float64
        Positive where the mark would have saved. [unit of the energy side]
    """
    positive = np.where(marks > 0.0, marks, np.nan)
    gap: Float2D = np.where(
        more_is_better, bottom - scale * top / positive, top - marks * bottom / scale
    )
    return gap


def own_best(
    values: Float2D, *, is_sound: npt.NDArray[np.bool_], more_is_better: Bool1D
) -> Float1D:
    """Return the best of each unit's closed periods, NaN where there is none.

    Parameters
    ----------
    values : (u, k) float64
        NaN where not defined.
    is_sound : (u, k) bool
        Periods that count: whole, and of good data.
    more_is_better : (u,) bool
    """
    sign = np.where(more_is_better, -1.0, 1.0)
    sound = np.where(is_sound & ~np.isnan(values), sign[:, np.newaxis] * values, np.inf)
    best: Float1D = sound.min(axis=1, initial=np.inf)
    return np.where(np.isinf(best), np.nan, sign * best)

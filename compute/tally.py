"""What the readings themselves say of each interval: how many, which errors, and their digest.

In loops that each do one thing to all readings or intervals of a point, which a compiler turns
into vectors: digests would else cost more than the amounts do.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.digest import EMPTY, Sequence, UInt1D, join, mix, put_words, sequence_of
from compute.grid import Grid, Index2D
from compute.life import FAR_AHEAD_US, LONG_AGO_US, Lives, Reach, mix_changes
from compute.readings import Columns, has_number
from compute.topology import Int1D


class Context(NamedTuple):
    """Which readings around an interval its amount may depend on.

    `numbers` are the places of the point's readings that hold a number. An interval without one
    depends on those beside it only where it touches [begin, end), which is what they can cover.
    """

    numbers: Int1D
    before: int
    after: int
    begin_us: int
    end_us: int
    lives: Lives


class Tally(NamedTuple):
    """What the readings themselves say of each interval of each point, (p, k)."""

    reading_count: Index2D
    quality: Index2D
    input_hash: npt.NDArray[np.uint64]


class Digests(NamedTuple):
    """Room for one point: the digest of each reading, those of all and of those with a number.

    The readings of interval j are edge[j]:edge[j + 1], and those with a number, counted by
    themselves, number_edge[j]:number_edge[j + 1].
    """

    word: UInt1D
    of_all: Sequence
    of_numbers: Sequence
    edge: Int1D
    number_edge: Int1D


def digests_of(reading_count: int, interval_count: int) -> Digests:
    """Return room for a number of readings and intervals."""
    return Digests(
        np.zeros(reading_count, np.uint64),
        sequence_of(reading_count),
        sequence_of(reading_count),
        np.zeros(interval_count + 1, np.int64),
        np.zeros(interval_count + 1, np.int64),
    )


@kernel
def count_and_digest(
    columns: Columns, row: int, grid: Grid, context: Context, digests: Digests, tally: Tally
) -> None:
    """Count the readings of each interval, show its errors, and digest what it depends on."""
    begin, end = columns.point_offset[row], columns.point_offset[row + 1]
    edge, counted = digests.edge, tally.reading_count[row]
    _find_edges(columns.ts_us[begin:end], grid, edge)
    for j in range(grid.interval_count):
        counted[j] = edge[j + 1] - edge[j]
    words = digests.word[: end - begin]
    _digest_readings(columns, begin, words)
    put_words(digests.of_all, words)
    changes = context.lives.offset
    if context.numbers.size == words.size and changes[row] == changes[row + 1]:
        _digest_numbers(grid, context, digests, words.size, tally.input_hash[row])
    else:
        _digest_others(columns, row, grid, context, digests, tally)


@kernel
def _find_edges(ts_us: Int1D, grid: Grid, edge: Int1D) -> None:
    """Find which reading is the first that does not lie before each edge of the grid."""
    j, edge_us = 0, grid.start_us
    for place in range(ts_us.size):
        while j < edge.size and ts_us[place] >= edge_us:
            edge[j] = place
            j += 1
            edge_us += grid.step_us
    edge[j:] = ts_us.size


@kernel
def _digest_readings(columns: Columns, begin: int, words: UInt1D) -> None:
    end = begin + words.size
    ts_us, value = columns.ts_us[begin:end], columns.word[begin:end]
    quality = columns.quality[begin:end]
    for i in range(words.size):
        state = mix(EMPTY, np.uint64(ts_us[i]))
        words[i] = mix(mix(state, value[i]), np.uint64(quality[i]))


@inlined
def _depends(grid: Grid, context: Context, j: int, number_count: int) -> bool:
    """Return whether an interval depends on the readings beside it.

    Beyond what is covered nothing may enter: what comes before or after would be seen or not by
    when the interval was last computed.
    """
    start_us = grid.start_us + j * grid.step_us
    covered = (context.begin_us < start_us + grid.step_us) & (start_us < context.end_us)
    return bool((number_count > 0) | covered)


@kernel
def _digest_numbers(
    grid: Grid, context: Context, digests: Digests, reading_count: int, input_hash: UInt1D
) -> None:
    """Do as `_digest_others` does where every reading holds a number and nothing ever changes.

    What an interval depends on is then one run of readings, and its digest one difference.
    """
    edge, (prefix, power) = digests.edge, digests.of_all
    for j in range(grid.interval_count):
        first, last = edge[j], edge[j + 1]
        if _depends(grid, context, j, last - first):
            first = max(first - context.before, 0)
            last = min(last + context.after, reading_count)
        # Unsigned: no index counts from the end.
        a, b = np.uint64(first), np.uint64(last)
        input_hash[j] = prefix[b] - prefix[a] * power[b - a]
    for j in range(grid.interval_count):
        input_hash[j] = mix(EMPTY, input_hash[j])


@kernel
def _digest_others(
    columns: Columns, row: int, grid: Grid, context: Context, digests: Digests, tally: Tally
) -> None:
    numbers, lives = context.numbers, context.lives
    begin, edge, number_edge = columns.point_offset[row], digests.edge, digests.number_edge
    has_changes = lives.offset[row + 1] > lives.offset[row]
    put_words(digests.of_numbers, digests.word[numbers - begin])
    number_edge[:] = np.searchsorted(numbers, begin + edge)
    for j in range(grid.interval_count):
        for place in range(begin + edge[j], begin + edge[j + 1]):
            if not has_number(columns, place):
                tally.quality[row, j] |= columns.quality[place]
        first, last = number_edge[j], number_edge[j + 1]
        depends = _depends(grid, context, j, last - first)
        earliest = first - context.before if depends else first
        latest = last + context.after if depends else last
        found = join(np.uint64(0), digests.of_numbers, max(earliest, 0), first)
        found = join(found, digests.of_all, edge[j], edge[j + 1])
        found = join(found, digests.of_numbers, last, min(latest, numbers.size))
        state = mix(EMPTY, found)
        if has_changes and depends:
            reach = _reach(columns, row, numbers, earliest, latest - 1)
            state = mix_changes(state, lives, reach, grid.start_us + j * grid.step_us)
        tally.input_hash[row, j] = state


@inlined
def _reach(columns: Columns, row: int, numbers: Int1D, earliest: int, latest: int) -> Reach:
    """Return the time that the numbers cover which an interval may depend on."""
    from_us, until_us = LONG_AGO_US, FAR_AHEAD_US
    if earliest >= 0:
        from_us = columns.ts_us[numbers[earliest]]
    if latest < numbers.size:
        until_us = columns.ts_us[numbers[latest]] + 1
    return Reach(row, from_us, until_us)

"""Rows that are each computed by themselves, shared out over the cores of the machine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from compute._jit import core_count
from compute.topology import Int1D

# Below this a thread costs more than it saves, and a live tick keeps to its own.
ELEMENTS_A_CORE_MIN = 100_000


def share_out(work: Callable[[int, int], None], offset: Int1D) -> None:
    """Call `work(first, last)` for runs of rows that together are all, each on a core.

    Parameters
    ----------
    work : callable
        A kernel, which holds no lock of the interpreter's, that writes rows first:last of its
        outputs from nothing but what rows first:last are given. So the bits are the same however
        many cores there are.
    offset : (r + 1,) int64
        Ascending from 0; row i has offset[i]:offset[i + 1] of the elements that cost the time.
    """
    edges = runs(offset, cores=core_count())
    if len(edges) == 2:
        work(*edges)
        return
    with ThreadPoolExecutor(len(edges) - 1) as threads:
        for _ in threads.map(lambda run: work(*run), pairwise(edges)):
            pass  # what a run raised is raised here


def runs(offset: Int1D, *, cores: int) -> list[int]:
    """Return the edges of runs of rows with about as many elements each, one per core at most."""
    row_count, element_count = len(offset) - 1, int(offset[-1])
    count = max(min(cores, element_count // ELEMENTS_A_CORE_MIN), 1)
    inner = np.searchsorted(offset, element_count * np.arange(1, count) // count)
    return [0, *sorted({*inner.tolist()} - {0, row_count}), row_count]

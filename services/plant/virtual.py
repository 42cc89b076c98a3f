"""Virtual meters of a description: in which order they are computed, and their programs."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from compute.topology import NO_FORMULAS, Formulas, Operation
from services.plant.formula import parse_formula, references
from services.plant.model import VirtualMeter


def dependency_order(named: Sequence[Sequence[int]]) -> tuple[list[int], set[int]]:
    """Return the rows in an order in which each follows those it names, and the rows left over.

    Left over is what names itself, directly or through others, and what names such a row.
    """
    waits_for = [len(set(rows)) for rows in named]
    followers: list[list[int]] = [[] for _ in named]
    for row, rows in enumerate(named):
        for other in set(rows):
            followers[other].append(row)
    ready = deque(row for row, count in enumerate(waits_for) if count == 0)
    order: list[int] = []
    while ready:
        row = ready.popleft()
        order.append(row)
        for follower in followers[row]:
            waits_for[follower] -= 1
            if waits_for[follower] == 0:
                ready.append(follower)
    return order, set(range(len(named))) - set(order)


def cycles(named: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield paths that lead back to where they begin, until cutting them would leave none."""
    cut: set[int] = set()
    while True:
        uncut = [[] if row in cut else rows for row, rows in enumerate(named)]
        _, left = dependency_order(uncut)
        if not left:
            return
        # Every row that is left names one that is left, so a walk comes back to itself.
        path = [min(left)]
        while path.count(path[-1]) == 1:
            path.append(next(row for row in uncut[path[-1]] if row in left))
        cycle = path[path.index(path[-1]) :]
        yield cycle
        cut.add(cycle[0])


def compile_formulas(meters: Sequence[VirtualMeter], *, point_index: Mapping[str, int]) -> Formulas:
    """Return the programs of virtual meters that `check` has no errors for."""
    if not meters:
        return NO_FORMULAS
    virtual_index = {meter.code: row for row, meter in enumerate(meters)}
    row_index = {code: len(point_index) + row for code, row in virtual_index.items()}
    row_index.update(point_index)
    programs = [parse_formula(meter.formula) for meter in meters]
    named = [references(program) for program in programs]
    order, _ = dependency_order(
        [[virtual_index[code] for code in codes if code in virtual_index] for codes in named]
    )
    steps = [step for program in programs for step in program]
    return Formulas(
        code=tuple(virtual_index),
        order=np.array(order, dtype=np.int32),
        offset=offsets_of(programs),
        operation=np.array([int(step.operation) for step in steps], dtype=np.int32),
        row_index=np.array(
            [row_index[step.code] if step.operation is Operation.LOAD else 0 for step in steps],
            dtype=np.int32,
        ),
        constant=np.array([step.number for step in steps], dtype=np.float64),
        named_offset=offsets_of(named),
        named_index=np.array(
            [row_index[code] for codes in named for code in codes], dtype=np.int32
        ),
    )


def offsets_of(rows: Sequence[Sequence[object]]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return where each row begins when all are written one after the other; then their end."""
    return np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)

"""Flow tracing with exact fractions: following every unit of emission, or solving by Cramer's way.

The received emissions of all nodes are the solution of a linear system, here solved with
fractions, with row exchanges and without any skipping of zeros.
"""

from dataclasses import dataclass
from fractions import Fraction

from compute.topology import NodeKind

OUTSIDE = (NodeKind.SOURCE, NodeKind.DELIVERY)


@dataclass(frozen=True)
class Move:
    origin: int
    target: int
    energy_kwh: float
    emission_tco2e: float = 0.0


def forwards(move: Move) -> Move:
    if move.energy_kwh < 0:
        return Move(move.target, move.origin, -move.energy_kwh, -move.emission_tco2e)
    return move


def passing(kinds: list[NodeKind], moves: list[Move], node: int) -> Fraction:
    inner = [move for move in moves if move.origin != move.target]
    given = sum((Fraction(m.energy_kwh) for m in inner if m.origin == node), Fraction(0))
    taken = sum((Fraction(m.energy_kwh) for m in inner if m.target == node), Fraction(0))
    if kinds[node] == NodeKind.CONVERSION and given > 0:
        return given
    return max(given, taken)


def received(kinds: list[NodeKind], moves: list[Move]) -> list[Fraction | None]:
    """Return what each node inside receives, None where a closed loop has no answer."""
    moves = [forwards(move) for move in moves]
    inside = [node for node in range(len(kinds)) if kinds[node] not in OUTSIDE]
    through = {node: passing(kinds, moves, node) for node in inside}
    matrix = []
    for row in inside:
        line = [Fraction(int(row == column)) for column in inside]
        entering = Fraction(0)
        for move in moves:
            if move.target != row or move.origin == row:
                continue
            if move.origin in through:
                if move.energy_kwh:
                    share = Fraction(move.energy_kwh) / through[move.origin]
                    line[inside.index(move.origin)] -= share
            else:
                entering += Fraction(move.emission_tco2e)
        matrix.append([*line, entering])
    result: list[Fraction | None] = [Fraction(0)] * len(kinds)
    for node, emission in zip(inside, solve(matrix), strict=True):
        result[node] = emission
    return result


def intensities(kinds: list[NodeKind], moves: list[Move]) -> list[Fraction | None]:
    """Return the intensity of each node, None where a closed loop has none."""
    ahead = [forwards(move) for move in moves]
    result: list[Fraction | None] = []
    for node, emission in enumerate(received(kinds, moves)):
        through = passing(kinds, ahead, node)
        if emission is None:
            result.append(None)
        elif kinds[node] in OUTSIDE or through == 0:
            result.append(Fraction(0))
        else:
            result.append(emission / through)
    return result


def kept(kinds: list[NodeKind], moves: list[Move], node: int) -> tuple[Fraction, Fraction | None]:
    """Return the energy and the emission that do not leave a node: all that came, less what left.

    What it held before is a move into it. Without energy nothing leaves: all emission is kept.
    """
    emission, intensity = received(kinds, moves)[node], intensities(kinds, moves)[node]
    ahead = [forwards(move) for move in moves if move.origin != move.target]
    given = sum((Fraction(m.energy_kwh) for m in ahead if m.origin == node), Fraction(0))
    energy = passing(kinds, ahead, node) - given
    if emission is None or intensity is None:
        return energy, None
    return energy, emission - given * intensity


def solve(matrix: list[list[Fraction]]) -> list[Fraction | None]:
    """Return the solution of a system given with its right-hand side, by Gauss and Jordan.

    A variable that is free is 0; one that depends on a contradiction is None.
    """
    size = len(matrix)
    rows = [list(line) for line in matrix]
    pivot_row_of: dict[int, int] = {}
    for column in range(size):
        used = set(pivot_row_of.values())
        candidates = [row for row in range(size) if row not in used and rows[row][column] != 0]
        if not candidates:
            continue
        chosen = candidates[0]
        head = rows[chosen][column]
        rows[chosen] = [value / head for value in rows[chosen]]
        for row in range(size):
            if row != chosen and rows[row][column] != 0:
                times = rows[row][column]
                rows[row] = [a - times * b for a, b in zip(rows[row], rows[chosen], strict=True)]
        pivot_row_of[column] = chosen
    contradictory = any(
        row not in pivot_row_of.values() and rows[row][size] != 0 for row in range(size)
    )
    if contradictory:
        return [None] * size
    return [rows[pivot_row_of[c]][size] if c in pivot_row_of else Fraction(0) for c in range(size)]

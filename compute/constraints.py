"""Balances as a sparse matrix: which flows each balance adds up, and how."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from compute.topology import Bool1D, Float1D, Index1D


@dataclass(frozen=True, slots=True)
class Balances:
    """Linear balances of flows: the sum of coefficient x flow over each row is 0.

    A stock change is a flow out of its store; a constant is a flow measured with sigma 0.

    Attributes
    ----------
    balance_code : (b,) str
    flow_code : (f,) str
    offset : (b + 1,) int32
    flow_index : (e,) int32
        The flows of balance i are offset[i]:offset[i + 1]; a flow given twice counts twice.
    coefficient : (e,) float64
    """

    balance_code: tuple[str, ...]
    flow_code: tuple[str, ...]
    offset: Index1D
    flow_index: Index1D
    coefficient: Float1D

    def rows(self) -> list[dict[int, float]]:
        """Return each balance as {flow: coefficient}, without zeros."""
        rows: list[dict[int, float]] = []
        flows, coefficients = self.flow_index.tolist(), self.coefficient.tolist()
        offsets = self.offset.tolist()
        for begin, end in pairwise(offsets):
            row: dict[int, float] = {}
            for flow, coefficient in zip(flows[begin:end], coefficients[begin:end], strict=True):
                row[flow] = row.get(flow, 0.0) + coefficient
            rows.append({flow: value for flow, value in row.items() if value != 0.0})
        return rows

    @classmethod
    def listed(
        cls,
        rows: list[dict[int, float]],
        *,
        balance_code: tuple[str, ...],
        flow_code: tuple[str, ...],
    ) -> "Balances":
        """Return the balances given as {flow: coefficient}."""
        return cls(
            balance_code=balance_code,
            flow_code=flow_code,
            offset=np.cumsum([0, *map(len, rows)], dtype=np.int32),
            flow_index=np.array([flow for row in rows for flow in row], dtype=np.int32),
            coefficient=np.array([c for row in rows for c in row.values()], dtype=np.float64),
        )


def node_balances(
    node_code: tuple[str, ...],
    *,
    flow_code: tuple[str, ...],
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    is_balanced: Bool1D,
    efficiency: Float1D,
) -> Balances:
    """Return efficiency x inputs - outputs = 0 for every node that is balanced.

    Parameters
    ----------
    node_code : (n,) str
    flow_code : (f,) str
    flow_from_index, flow_to_index : (f,) int32
        Nodes; -1 is outside. A flow from a node to itself is in no balance.
    is_balanced : (n,) bool
        False for what lies outside and for nodes that may keep or lose an unknown amount.
    efficiency : (n,) float64
        Output per input; 1 where nothing is lost.

    Returns
    -------
    balances : Balances
        One row per balanced node, in the order of the nodes. A node without flows has an empty row.
    """
    rows: list[dict[int, float]] = [{} for _ in node_code]
    ends = zip(flow_from_index.tolist(), flow_to_index.tolist(), strict=True)
    balanced, gain = is_balanced.tolist(), efficiency.tolist()
    for flow, (origin, target) in enumerate(ends):
        if origin == target:
            continue
        if target >= 0 and balanced[target]:
            rows[target][flow] = gain[target]
        if origin >= 0 and balanced[origin]:
            rows[origin][flow] = -1.0
    chosen = np.flatnonzero(is_balanced).tolist()
    return Balances.listed(
        [rows[node] for node in chosen],
        balance_code=tuple(node_code[node] for node in chosen),
        flow_code=flow_code,
    )


def with_remainders(balances: Balances, balance_indices: tuple[int, ...]) -> Balances:
    """Return the balances with one flow more for each chosen one: what that balance leaves over.

    A remainder is a loss, or what an efficiency given with an uncertainty is wrong by. Unmeasured,
    it frees its balance; measured as the loss that is expected, with a sigma, it weakens it by as
    much. The new flows come last, in the order given, and have the code of their balance.
    """
    rows = balances.rows()
    flow_count = len(balances.flow_code)
    for k, balance in enumerate(balance_indices):
        rows[balance][flow_count + k] = -1.0
    codes = tuple(balances.balance_code[balance] for balance in balance_indices)
    return Balances.listed(
        rows, balance_code=balances.balance_code, flow_code=balances.flow_code + codes
    )

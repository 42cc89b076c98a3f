"""Lines of an energy balance table, their sums, and the nodes that lose most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.json_values import finite
from services.losses import NodeBalance
from services.plant.model import Name, Node
from services.site_model import Described

Stage = Literal["purchase", "conversion", "distribution", "use"]
Item = Literal["bought", "sold", "stock", "input", "output", "loss", "use"]
_NOTHING_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class TableRow:
    """A line of the table; None where a figure is not known or has no meaning."""

    stage: Stage
    item: Item
    code: str
    name: Name | None
    node: str
    carrier: str | None
    amount: float | None
    energy_kwh: float | None
    energy_gj: float | None
    coal_equivalent_tce: float | None
    coal_equal_tce: float | None
    emission_tco2e: float | None
    cost_cny: float | None


@dataclass(frozen=True, slots=True)
class StageSum:
    """The sum of a stage's lines that are known; how many are not."""

    stage: Literal["purchase", "conversion", "distribution", "use", "unaccounted"]
    energy_kwh: float
    energy_gj: float
    coal_equivalent_tce: float
    coal_equal_tce: float
    emission_tco2e: float
    cost_cny: float | None
    unknown_count: int


@dataclass(frozen=True, slots=True)
class KeyLink:
    """A node by what it loses, and by what of that its parameters say is avoidable.

    Attributes
    ----------
    reference_efficiency : float or None
        Given in the description: of a conversion its efficiency, of a bus what its loss parameters
        leave; None where nothing is given.
    potential_kwh, potential_tco2e : float or None
        Loss beyond that of the reference.
    """

    code: str
    name: Name
    kind: str
    input_kwh: float | None
    loss_kwh: float | None
    loss_share: float | None
    efficiency: float | None
    reference_efficiency: float | None
    potential_kwh: float | None
    potential_tco2e: float | None


def sums_of(rows: Sequence[TableRow]) -> list[StageSum]:
    """Return the sum of each stage, and what they leave over."""
    stages: tuple[Stage, ...] = ("purchase", "conversion", "distribution", "use")
    sums = [_sum(stage, [row for row in rows if row.stage == stage]) for stage in stages]
    purchase, converted, distributed, used = sums

    def left(name: str) -> float:
        before = math.fsum(float(getattr(s, name)) for s in (purchase, converted, distributed))
        return before - float(getattr(used, name))

    rest = StageSum(
        stage="unaccounted",
        energy_kwh=left("energy_kwh"),
        energy_gj=left("energy_gj"),
        coal_equivalent_tce=left("coal_equivalent_tce"),
        coal_equal_tce=left("coal_equal_tce"),
        emission_tco2e=left("emission_tco2e"),
        cost_cny=None,
        unknown_count=sum(s.unknown_count for s in sums),
    )
    return [*sums, rest]


def _sum(stage: Stage, rows: Sequence[TableRow]) -> StageSum:
    def total(name: str) -> float:
        return math.fsum(value for row in rows if (value := getattr(row, name)) is not None)

    costs = [row.cost_cny for row in rows if row.cost_cny is not None]
    return StageSum(
        stage=stage,
        energy_kwh=total("energy_kwh"),
        energy_gj=total("energy_gj"),
        coal_equivalent_tce=total("coal_equivalent_tce"),
        coal_equal_tce=total("coal_equal_tce"),
        emission_tco2e=total("emission_tco2e"),
        cost_cny=math.fsum(costs) if costs else None,
        unknown_count=sum(row.energy_kwh is None for row in rows),
    )


def links_of(
    described: Described, figures: npt.NDArray[np.float64], nodes: Sequence[NodeBalance]
) -> list[KeyLink]:
    """Return the nodes by what they lose, the largest first.

    Parameters
    ----------
    figures : (f, 4) float64
        Of the flows; the first is kWh, the last tCO2e.
    """
    given = {node.code: node for node in described.plant.nodes}
    found = [_link(described, figures, node, given[node.code]) for node in nodes]
    return sorted(found, key=lambda link: -(link.loss_kwh or 0.0))


def _link(
    described: Described, figures: npt.NDArray[np.float64], node: NodeBalance, given: Node
) -> KeyLink:
    entering, loss = node.input_kwh, None
    parts = (node.transformer_loss_kwh, node.line_loss_kwh, node.pipe_loss_kwh)
    reference = None if given.efficiency is None else given.efficiency.value
    expected = None
    if node.kind in {"conversion", "storage"}:
        loss = node.conversion_loss_kwh
        if reference is not None and entering is not None:
            expected = max(1.0 - reference, 0.0) * entering
    elif None not in parts:
        expected = math.fsum(part for part in parts if part is not None)
        # What meters show beyond what their errors allow would be lost here.
        loss = expected
        if entering:
            reference = 1.0 - expected / entering
    potential = None
    if loss is not None and expected is not None:
        # What a balance was closed by differs from it by rounding: that is nothing to save.
        potential = loss - expected if loss - expected > _NOTHING_SHARE * loss else 0.0
    arrays = described.arrays
    into = np.flatnonzero(arrays.flow_to_index == arrays.node_code.index(node.code))
    carried = figures[into].sum(axis=0)
    per_kwh = float(carried[3] / carried[0]) if carried[0] > 0.0 else math.nan
    return KeyLink(
        code=node.code,
        name=node.name,
        kind=node.kind,
        input_kwh=entering,
        loss_kwh=loss,
        loss_share=loss / entering if loss is not None and entering else None,
        efficiency=node.efficiency,
        reference_efficiency=reference,
        potential_kwh=potential,
        potential_tco2e=None if potential is None else finite(potential * per_kwh),
    )

"""A plant as arrays: what `services.plant` compiles a description to, and what the kernels read.

Rows of one table are in the order of the description; every `_index` points into another table.
A topology holds for a span of time: a description with another validity is another topology.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Float1D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]
Index1D = npt.NDArray[np.int32]
Bool1D = npt.NDArray[np.bool_]


class PointKind(IntEnum):
    """How a point speaks of energy."""

    REGISTER = 0  # a cumulative value: the difference is the amount
    GAUGE = 1  # a rate: its time integral is the amount
    INTERVAL = 2  # the amount of one period, stamped at its start or end


class NodeKind(IntEnum):
    """What a node does with energy.

    SOURCE and DELIVERY lie outside every boundary, whoever their parent is: what comes from a
    source has entered the boundary, what goes to a delivery (or back to a source) has left it.
    """

    SOURCE = 0
    CONVERSION = 1
    BUS = 2
    STORAGE = 3
    USE = 4
    DELIVERY = 5


class Operation(IntEnum):
    """What an instruction does: it takes values from the top of the stack and puts one back.

    A comparison is 1 if it holds, else 0; `IF` takes its second value unless the first is 0. AND,
    OR and NOT are of conditions alone.
    """

    CONSTANT = 0
    LOAD = 1
    NEGATE = 2
    ABS = 3
    ADD = 4
    SUBTRACT = 5
    MULTIPLY = 6
    DIVIDE = 7
    LESS = 8
    LESS_OR_EQUAL = 9
    GREATER = 10
    GREATER_OR_EQUAL = 11
    EQUAL = 12
    NOT_EQUAL = 13
    MIN = 14
    MAX = 15
    FIRST_KNOWN = 16
    IF = 17
    AND = 18
    OR = 19
    NOT = 20


_NONE: Index1D = np.zeros(0, dtype=np.int32)
_AT_0: Index1D = np.zeros(1, dtype=np.int32)
_NO_NUMBERS: Float1D = np.zeros(0, dtype=np.float64)
_NO_FLAGS: Bool1D = np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes in the life of points, each from an instant on until the next change.

    A reading of that very instant is one after the change.

    Attributes
    ----------
    point_index : (c,) int32
        Row of `Points`; ascending.
    at_us : (c,) int64
        Ascending for each point. [µs since 1970-01-01 UTC]
    scale, modulus, step_rate_max, resolution : (c,) float64
        What holds from then on, as the columns of `Points` of these names.
    last_raw : (c,) float64
        What the register showed at the change, before it; NaN where nobody read it.
    first_raw : (c,) float64
        What it showed after it; NaN where nobody read it.
    goes_on : (c,) bool
        Whether the register counts on through the change, so that both are one level.
    ends : (c,) bool
        Whether the point is retired: readings from then on are none of its.
    """

    point_index: Index1D
    at_us: Int1D
    scale: Float1D
    modulus: Float1D
    step_rate_max: Float1D
    resolution: Float1D
    last_raw: Float1D
    first_raw: Float1D
    goes_on: Bool1D
    ends: Bool1D


NO_CHANGES = Changes(
    point_index=_NONE,
    at_us=np.zeros(0, dtype=np.int64),
    scale=_NO_NUMBERS,
    modulus=_NO_NUMBERS,
    step_rate_max=_NO_NUMBERS,
    resolution=_NO_NUMBERS,
    last_raw=_NO_NUMBERS,
    first_raw=_NO_NUMBERS,
    goes_on=_NO_FLAGS,
    ends=_NO_FLAGS,
)


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a site, one row each, as they are before the first of their changes.

    Attributes
    ----------
    code : (p,) str
    kind : (p,) int32
        `PointKind`.
    scale : (p,) float64
        Amount in the unit of the carrier (or product) = scale x raw difference, integral per hour,
        or period value. Holds multiplier (CT x PT) and unit conversion.
    modulus : (p,) float64
        Raw value at which a register starts again from 0; NaN where it is not known.
    step_rate_max : (p,) float64
        Largest raw change of a register per second that is believed; +inf where unknown.
    resolution : (p,) float64
        Smallest raw step of a register: a fall of no more than this is jitter. 0 where unknown.
    hold_us : (p,) int64
        How long a gauge value stands for when no further one comes; also the largest distance
        between two register readings that is not marked as interpolated. [µs]
    period_us : (p,) int64
        Length of the period of an interval point, else 0. [µs]
    stamped_at_end : (p,) bool
        Whether the stamp of an interval point is the end of its period.
    changes : Changes
        What changes in their lives.
    """

    code: tuple[str, ...]
    kind: Index1D
    scale: Float1D
    modulus: Float1D
    step_rate_max: Float1D
    resolution: Float1D
    hold_us: Int1D
    period_us: Int1D
    stamped_at_end: Bool1D
    changes: Changes = NO_CHANGES


@dataclass(frozen=True, slots=True)
class Formulas:
    """The formulas of virtual meters as programs of a stack machine (`compute.virtual`).

    A row of amounts is a point, or p + i: the virtual meter i of this table.

    Attributes
    ----------
    code : (v,) str
    order : (v,) int32
        Which to compute first: each after those it names.
    offset : (v + 1,) int32
        Instructions of virtual meter i are offset[i]:offset[i + 1].
    operation : (m,) int32
        `Operation`.
    row_index : (m,) int32
        Row that LOAD reads, else 0.
    constant : (m,) float64
        Number that CONSTANT gives, else 0.
    named_offset : (v + 1,) int32
    named_index : (r,) int32
        Rows that virtual meter i names, each once.
    """

    code: tuple[str, ...]
    order: Index1D
    offset: Index1D
    operation: Index1D
    row_index: Index1D
    constant: Float1D
    named_offset: Index1D
    named_index: Index1D


NO_FORMULAS = Formulas(
    code=(),
    order=_NONE,
    offset=_AT_0,
    operation=_NONE,
    row_index=_NONE,
    constant=_NO_NUMBERS,
    named_offset=_AT_0,
    named_index=_NONE,
)


@dataclass(frozen=True, slots=True)
class Topology:
    """A site's boundary tree, its flows and its products, as arrays.

    Attributes
    ----------
    points : Points
    carrier_code : (c,) str
        Carriers in use, each named once.
    node_code : (n,) str
    node_kind : (n,) int32
        `NodeKind`.
    node_parent_index : (n,) int32
        Parent in the boundary tree, -1 for a root. Parents come before their children.
    flow_code : (f,) str
    flow_from_index, flow_to_index : (f,) int32
        Nodes. A flow is positive in this direction.
    flow_carrier_index : (f,) int32
    flow_is_feedstock : (f,) bool
        True where the carrier is used as material (原料用能): it burns nothing.
    flow_offset : (f + 1,) int32
    flow_point_index : (m,) int32
    flow_point_weight : (m,) float64
        Amount of flow i = sum over k in flow_offset[i]:flow_offset[i + 1] of
        weight[k] x amount of point[k]. No point: the flow is unmetered.
    product_code : (q,) str
    product_node_index : (q,) int32
    product_offset : (q + 1,) int32
    product_point_index : (r,) int32
    product_point_weight : (r,) float64
    virtual : Formulas
        Virtual meters over the points.
    """

    points: Points
    carrier_code: tuple[str, ...]
    node_code: tuple[str, ...]
    node_kind: Index1D
    node_parent_index: Index1D
    flow_code: tuple[str, ...]
    flow_from_index: Index1D
    flow_to_index: Index1D
    flow_carrier_index: Index1D
    flow_is_feedstock: Bool1D
    flow_offset: Index1D
    flow_point_index: Index1D
    flow_point_weight: Float1D
    product_code: tuple[str, ...]
    product_node_index: Index1D
    product_offset: Index1D
    product_point_index: Index1D
    product_point_weight: Float1D
    virtual: Formulas = NO_FORMULAS


@dataclass(frozen=True, slots=True)
class CarrierFactors:
    """What one unit of each carrier of a topology is worth, at one time and place.

    NaN where a factor is missing or not confirmed; results that need it become invalid.

    Attributes
    ----------
    energy_kwh : (c,) float64
        Calorific energy. [kWh per unit]
    coal_equivalent_tce : (c,) float64
        当量值. GB/T 2589-2020. [tce per unit]
    coal_equal_tce : (c,) float64
        等价值. GB/T 2589-2020. [tce per unit]
    emission_direct_tco2e : (c,) float64
        On burning one unit; 0 for carriers that do not burn. [tCO2e per unit]
    emission_purchased_tco2e : (c,) or (c, k) float64
        On buying one unit of electricity or heat; 0 for fuels. Of all intervals, or of each of k:
        the mix of a grid changes by the hour. [tCO2e per unit]
    """

    energy_kwh: Float1D
    coal_equivalent_tce: Float1D
    coal_equal_tce: Float1D
    emission_direct_tco2e: Float1D
    emission_purchased_tco2e: npt.NDArray[np.float64]

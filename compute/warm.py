"""Compile or load every kernel once, so that none is compiled while a reading waits."""

import numpy as np

from compute.alert import Holds, States, step
from compute.arrivals import Lives, check_arrivals, first_arrivals, touched_rows
from compute.carbon import make_graph, trace_carbon
from compute.checks import CheckLimits, check_readings
from compute.closing import close_balances
from compute.condition import NO_PROGRAM, Conditions, evaluate
from compute.demand import demand_by_month
from compute.explanation import explain_change
from compute.flow import Stored
from compute.messages import FORM_NENGTAN, FORM_NEURON, scan_block
from compute.names import name_table
from compute.network import NodeFacts, make_network, measure
from compute.register import Readings, interval_amounts
from compute.rollup import rollup
from compute.row_bytes import grouped_columns, row_bytes
from compute.settle import settle
from compute.stock import levels_at
from compute.tariff import (
    MINUTES_PER_DAY,
    MONTH_DAYS,
    DayKind,
    TariffVersion,
    charge,
    price_intervals,
    sum_groups,
)
from compute.topology import (
    CarrierFactors,
    Formulas,
    NodeKind,
    Operation,
    PointKind,
    Points,
    Topology,
)
from compute.uncertainty import Meters

_STEP_US = 900_000_000


def warm() -> None:
    """Call every kernel with the array types that services give it.

    A process calls this before it says that it is ready. With a cache filled at install it takes
    a moment, with an empty one a minute.
    """
    points = Points(
        code=("register", "gauge", "interval"),
        kind=np.array([PointKind.REGISTER, PointKind.GAUGE, PointKind.INTERVAL], dtype=np.int32),
        scale=np.ones(3),
        modulus=np.full(3, 100.0),
        step_rate_max=np.full(3, np.inf),
        resolution=np.full(3, 0.1),
        hold_us=np.full(3, _STEP_US, dtype=np.int64),
        period_us=np.array([0, 0, _STEP_US], dtype=np.int64),
        stamped_at_end=np.ones(3, dtype=np.bool_),
    )
    readings = Readings(
        point_offset=np.array([0, 2, 4, 4], dtype=np.int64),
        ts_us=np.array([0, _STEP_US, 0, _STEP_US], dtype=np.int64),
        value=np.array([99.0, 1.0, 5.0, 5.0]),
        quality=np.zeros(4, dtype=np.int32),
    )
    none = np.full(3, np.inf)
    check_readings(
        readings,
        points=points,
        limits=CheckLimits(-none, none, none, none, np.zeros(3, dtype=np.int64)),
    )
    amounts = interval_amounts(readings, points=points, start_us=0, step_us=_STEP_US, count=2)
    rollup(settle(_plant(points), amounts, _factors(), step_us=_STEP_US), [0, 2])
    warm_rows()
    _warm_groups()
    _warm_tariff()
    levels_at(readings, 1, edges_us=np.zeros(1, dtype=np.int64), hold_us=_STEP_US)
    _warm_balance(points)
    _warm_alerts()


def warm_rows() -> None:
    """Write one row: all that a process calls which only takes readings in."""
    words = np.zeros((1, 1), dtype=np.int64)
    row_bytes(words, width=np.array([8], dtype=np.int32), is_float=np.zeros(1, dtype=np.bool_))


def _warm_groups() -> None:
    """Take one row of one group with an array of each width."""
    arrays = [
        np.array([20 + 4 + width, 1, 0, 0, 1, 1, width], dtype=">i4").tobytes() + bytes(width)
        for width in (8, 4)
    ]
    row = np.array([3], dtype=">i2").tobytes() + np.array([4, 1], dtype=">i4").tobytes()
    grouped_columns(
        np.frombuffer(b"".join((row, *arrays)), dtype=np.uint8),
        width=np.array([8, 4], dtype=np.int32),
    )


def warm_arrivals() -> None:
    """Call every kernel of the way in, with the array types that ingest gives it."""
    payloads = (
        b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"a":1.5}}',
        b'{"timestamp":1772323200000,"node":"n","group":"g","values":{"a":1}}',
    )
    found = scan_block(
        b"".join(payloads),
        np.cumsum([0, *map(len, payloads)], dtype=np.int64),
        form=np.array([FORM_NENGTAN, FORM_NEURON], dtype=np.int32),
        gateway=np.array([0, 1], dtype=np.int32),
        flags=np.zeros(2, dtype=np.int32),
        names=name_table([{b"a": 0}, {b"n/g/a": 1}]),
        row_count=2,
        reading_count_max=2,
    )
    lives = Lives(
        np.zeros(2, dtype=np.int64),
        np.full(2, np.iinfo(np.int64).max),
        np.full(2, -1, dtype=np.int32),
        np.zeros(2),
        np.ones(2),
    )
    row, _, _ = check_arrivals(
        found.row, found.ts_us, found.value, found.quality, lives=lives, ts_us_max=0
    )
    first_arrivals(found.ts_us, row)
    touched_rows(row, found.ts_us, row_count=2)
    warm_rows()


def _warm_tariff() -> None:
    """Price two intervals: an answer about cost does not wait for a compiler either."""
    version = TariffVersion(
        start_us=0,
        price_cny=np.ones(1),
        schedule_of_day=np.zeros((MONTH_DAYS, len(DayKind)), dtype=np.int64),
        band_of_minute=np.zeros((1, MINUTES_PER_DAY), dtype=np.int64),
        special_day=np.zeros(1, dtype=np.int64),
        special_kind=np.zeros(1, dtype=np.int64),
        step_above=np.zeros(1),
        step_add_cny=np.zeros(1),
        steps_by_year=False,
    )
    starts_us = np.array([0, _STEP_US], dtype=np.int64)
    priced = price_intervals([version], local_us=starts_us, start_us=0, step_us=_STEP_US)
    charges = charge(np.ones(2), priced=priced, versions=[version])
    sum_groups(charges.cost_cny, np.array([0, 2], dtype=np.int64))
    demand_by_month(np.ones(2), month=priced.month, step_us=_STEP_US, window_us=_STEP_US)


def _warm_balance(points: Points) -> None:
    """Close a balance, and trace the carbon of it."""
    network = make_network(_plant(points), NodeFacts())
    shown = np.ones((3, 1))
    measured, sigma = measure(
        network,
        point_amount=shown,
        energy_kwh=np.ones((4, 1)),
        is_whole=np.ones((4, 1), dtype=np.bool_),
        is_bridged=np.zeros((3, 1), dtype=np.bool_),
        energy_kwh_per_unit=np.ones(4),
        meters=Meters(np.full(3, 0.01), np.ones(3), np.arange(3, dtype=np.int32)),
    )
    closed = close_balances(network, measured, sigma)
    graph = make_graph(network)
    trace_carbon(
        graph,
        closed.value_kwh,
        factor_tco2e_per_kwh=np.ones((2, graph.source_flow.size, 1)),
        stored=Stored(np.zeros(0), np.zeros((graph.layer_count, 0))),
    )


def _plant(points: Points) -> Topology:
    """Return source → bus → use, with an unmetered flow and one whose point is silent."""
    kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.USE, NodeKind.CONVERSION, NodeKind.USE]
    return Topology(
        points=points,
        carrier_code=("electricity",),
        node_code=("grid", "bus", "line", "compressor", "air"),
        node_kind=np.array(kinds, dtype=np.int32),
        node_parent_index=np.full(5, -1, dtype=np.int32),
        flow_code=("grid-bus", "bus-line", "bus-compressor", "compressor-air"),
        flow_from_index=np.array([0, 1, 1, 3], dtype=np.int32),
        flow_to_index=np.array([1, 2, 3, 4], dtype=np.int32),
        flow_carrier_index=np.zeros(4, dtype=np.int32),
        flow_is_feedstock=np.zeros(4, dtype=np.bool_),
        flow_offset=np.array([0, 1, 2, 2, 3], dtype=np.int32),
        flow_point_index=np.array([0, 1, 2], dtype=np.int32),
        flow_point_weight=np.ones(3),
        product_code=("tonnes",),
        product_node_index=np.array([2], dtype=np.int32),
        product_offset=np.array([0, 1], dtype=np.int32),
        product_point_index=np.array([0], dtype=np.int32),
        product_point_weight=np.ones(1),
        virtual=_formulas(),
    )


def _formulas() -> Formulas:
    """Return a virtual meter that is the sum of the first two points."""
    operations = [Operation.LOAD, Operation.LOAD, Operation.ADD]
    return Formulas(
        code=("sum",),
        order=np.zeros(1, dtype=np.int32),
        offset=np.array([0, 3], dtype=np.int32),
        operation=np.array(operations, dtype=np.int32),
        row_index=np.array([0, 1, 0], dtype=np.int32),
        constant=np.zeros(3),
        named_offset=np.array([0, 2], dtype=np.int32),
        named_index=np.array([0, 1], dtype=np.int32),
    )


def _factors() -> CarrierFactors:
    return CarrierFactors(np.ones(1), np.ones(1), np.ones(1), np.zeros(1), np.ones(1))


def _warm_alerts() -> None:
    """Hold one rule that asks whether a cell is above a number, and explain a change."""

    def places(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.array(values, dtype=np.int32)

    conditions = Conditions(
        offset=places(0, 3),
        operation=places(Operation.LOAD, Operation.CONSTANT, Operation.GREATER),
        slot=places(0, 0, 0),
        constant=np.zeros(3),
        told=places(2),
        told_reversed=np.zeros(1, dtype=np.bool_),
        told_scale=np.ones(1),
        met=places(0),
        clear=places(NO_PROGRAM),
        slot_offset=places(0, 1),
        slot_cell=places(0),
    )
    verdicts = evaluate(conditions, np.ones(1))
    holds = Holds(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    step(States.inactive(1), verdicts.met, verdicts.clear, holds, now_us=_STEP_US)
    explain_change(np.ones((2, 1)), emission=np.ones((2, 1)), output=(1.0, 1.0))

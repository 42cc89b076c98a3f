"""Settlement: against the slow twin, as balances, and case by case."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.block import VALUE_COLUMNS, ResultBlock
from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.settle import AmountsMisshapen, SeriesKey, series_keys, settle
from compute.topology import CarrierFactors, NodeKind, Topology
from tests.compute.plants import NAN, STEP_US, Factor, Flow, Node, amounts, factors, metered, plant
from tests.twins import settle as twin

CARRIERS = {
    "coal": Factor(5815.0, 0.7143, 0.7143, 1.9, 0.0),
    "electricity": Factor(1.0, 0.0001229, 0.0003, 0.0, 0.0005366),
    "gas": Factor(10.8, 0.00133, 0.00133, 0.00216, 0.0),
    "heat": Factor(277.8, 0.03412, 0.03412, 0.0, 0.11),
}


def figures(
    topology: Topology, rows: list[list[float]], by_carrier: dict[str, Factor] | None = None
) -> dict[tuple[str, str, str], dict[str, float]]:
    """Return the first interval by (kind, code, carrier) and column, with the quality."""
    block = settle(
        topology,
        amounts(rows),
        factors(topology, CARRIERS if by_carrier is None else by_carrier),
        step_us=STEP_US,
    )
    columns = (*VALUE_COLUMNS, "covered_us", "reading_count", "quality")
    return {
        (key.kind, key.code, key.carrier): {
            name: getattr(block, name)[row, 0].item() for name in columns
        }
        for row, key in enumerate(series_keys(topology))
    }


@st.composite
def sites(draw: st.DrawFn) -> tuple[Topology, IntervalAmounts, CarrierFactors]:
    kinds: list[NodeKind] = draw(
        st.lists(
            st.sampled_from([k for k in NodeKind if k != NodeKind.DELIVERY]),
            min_size=1,
            max_size=6,
        )
    )
    kinds.append(NodeKind.DELIVERY)
    nodes = []
    for i, kind in enumerate(kinds):
        parent = draw(st.integers(-1, i - 1))
        nodes.append(Node(f"N{i}", kind, "" if parent < 0 else f"N{parent}"))
    point_count = draw(st.integers(1, 5))
    point = st.tuples(st.integers(0, point_count - 1), st.sampled_from([1.0, -1.0, 0.5]))
    node = st.integers(0, len(kinds) - 1)
    flows = []
    for _ in range(draw(st.integers(0, 9))):
        origin, target = draw(node), draw(node)
        flows.append(
            Flow(
                f"N{origin}",
                f"N{target}",
                draw(st.sampled_from(sorted(CARRIERS))),
                tuple(draw(st.lists(point, max_size=2))),
                draw(st.booleans()),
            )
        )
    products = [("Q", "N0", tuple(draw(st.lists(point, max_size=2))))]
    topology = plant(nodes, flows, point_count=point_count, products=products)
    figure = st.sampled_from([0.0, 1.0, 10.0, -4.0, 250.5]) | st.floats(0.5, 1e4) | st.just(NAN)
    rows = draw(
        st.lists(
            st.lists(figure, min_size=2, max_size=2), min_size=point_count, max_size=point_count
        )
    )
    return topology, amounts(rows), factors(topology, CARRIERS)


class TestSettle:
    @given(sites(), st.none() | st.tuples(*[st.sampled_from([0.0, 0.5, 1.3])] * 2))
    @settings(max_examples=300)
    def test_equals_the_slow_twin(
        self,
        site: tuple[Topology, IntervalAmounts, CarrierFactors],
        by_hour: tuple[float, float] | None,
    ) -> None:
        topology, given_amounts, carrier_factors = site
        if by_hour is not None:
            purchased = np.outer(carrier_factors.emission_purchased_tco2e, by_hour)
            carrier_factors = replace(carrier_factors, emission_purchased_tco2e=purchased)
        block = settle(topology, given_amounts, carrier_factors, step_us=STEP_US)
        keys = series_keys(topology)
        for j in range(2):
            try:
                expected = twin.settle(topology, given_amounts, carrier_factors, j)
            except twin.ClosedLoopError:
                return
            # Flows between the same nodes share a key: the twin keeps the last.
            last = {key: row for row, key in enumerate(keys)}
            assert set(last) == set(expected)
            for key, row in last.items():
                check_row(block, row, j, expected[key], key)

    @given(sites())
    def test_gives_the_same_bits_again(
        self, site: tuple[Topology, IntervalAmounts, CarrierFactors]
    ) -> None:
        first, again = settle(*site, step_us=STEP_US), settle(*site, step_us=STEP_US)
        assert first.values().tobytes() == again.values().tobytes()
        assert first.input_hash.tobytes() == again.input_hash.tobytes()

    @given(sites())
    def test_of_one_interval_does_not_depend_on_the_others(
        self, site: tuple[Topology, IntervalAmounts, CarrierFactors]
    ) -> None:
        topology, both, carrier_factors = site
        alone = IntervalAmounts(
            both.amount[:, 1:],
            both.covered_us[:, 1:],
            both.reading_count[:, 1:],
            both.quality[:, 1:],
            both.input_hash[:, 1:],
        )
        a = settle(topology, both, carrier_factors, step_us=STEP_US)
        b = settle(topology, alone, carrier_factors, step_us=STEP_US)
        assert a.values()[:, :, 1:].tobytes() == b.values().tobytes()
        assert (a.quality[:, 1:] == b.quality).all()
        assert (a.input_hash[:, 1:] == b.input_hash).all()

    @given(
        use=st.lists(st.floats(1.0, 1e4), min_size=3, max_size=3),
        factor=st.floats(0.1, 2.0),
    )
    def test_is_linear_in_the_factor(self, use: list[float], factor: float) -> None:
        topology = factory()
        rows = [[sum(use)], *([value] for value in use)]
        once = figures(topology, rows, {"electricity": Factor(purchased=factor)})
        twice = figures(topology, rows, {"electricity": Factor(purchased=2 * factor)})
        for key, row in once.items():
            a, b = row["emission_purchased_tco2e"], twice[key]["emission_purchased_tco2e"]
            assert math.isnan(a) == math.isnan(b)
            assert math.isnan(a) or b == pytest.approx(2 * a, rel=1e-12, abs=1e-12)

    def test_takes_arrays_that_are_read_only(self) -> None:
        given_amounts = amounts([[6.0], [1.0], [2.0], [3.0]])
        for array in (given_amounts.amount, given_amounts.quality, given_amounts.input_hash):
            array.flags.writeable = False
        topology = factory()
        block = settle(topology, given_amounts, factors(topology, CARRIERS), step_us=STEP_US)
        assert block.amount[0, 0] == 6.0

    def test_of_a_plant_without_flows_has_its_points(self) -> None:
        topology = plant([Node("site", NodeKind.BUS)], [], point_count=1)
        found = figures(topology, [[5.0]], {})
        assert found["point", "P0", ""]["amount"] == 5.0
        assert found["node", "site", ""]["quality"] == Quality.MISSING

    def test_refuses_amounts_of_other_points_or_another_step(self) -> None:
        topology = factory()
        with pytest.raises(AmountsMisshapen, match="1 rows, 4 points"):
            settle(topology, amounts([[1.0]]), factors(topology, CARRIERS), step_us=STEP_US)
        with pytest.raises(AmountsMisshapen, match="covered"):
            settle(topology, amounts([[1.0]] * 4), factors(topology, CARRIERS), step_us=STEP_US - 1)


def check_row(block: ResultBlock, row: int, j: int, expected: twin.Row, key: SeriesKey) -> None:
    size = sum(abs(v) for v in np.nan_to_num(block.values()[:, :, j]).ravel())
    for name, value in expected.figures.items():
        found = getattr(block, name)[row, j]
        assert found == pytest.approx(value, rel=1e-9, abs=1e-12 * (1 + size), nan_ok=True), (
            key,
            name,
        )
    assert block.quality[row, j] == expected.quality, key
    assert block.covered_us[row, j] == expected.covered_us, key
    assert block.reading_count[row, j] == expected.reading_count, key
    assert block.input_hash[row, j] == expected.input_hash, key


def factory() -> Topology:
    """Return grid → bus → three lines of one site, all metered."""
    nodes = [
        Node("grid", NodeKind.SOURCE),
        Node("site", NodeKind.BUS),
        Node("bus", NodeKind.BUS, "site"),
        *(Node(f"line{i}", NodeKind.USE, "site") for i in range(3)),
    ]
    return metered(nodes, [Flow("grid", "bus"), *(Flow("bus", f"line{i}") for i in range(3))])


def power_plant() -> Topology:
    """Return gas → CHP → electricity bus and heat; grid both ways; heat sold."""
    nodes = [
        Node("site", NodeKind.BUS),
        Node("gas", NodeKind.SOURCE, "site"),
        Node("grid", NodeKind.SOURCE),
        Node("chp", NodeKind.CONVERSION, "site"),
        Node("bus", NodeKind.BUS, "site"),
        Node("hall", NodeKind.USE, "site"),
        Node("town", NodeKind.DELIVERY, "site"),
    ]
    flows = [
        Flow("gas", "chp", "gas"),
        Flow("grid", "bus"),
        Flow("chp", "bus"),
        Flow("bus", "hall"),
        Flow("chp", "town", "heat"),
    ]
    return metered(nodes, flows)


class TestSeriesKeys:
    def test_are_in_the_order_of_the_rows(self) -> None:
        topology = power_plant()
        keys = series_keys(topology)
        kinds = [key.kind for key in keys]
        assert kinds == sorted(kinds, key=["point", "flow", "node", "residual", "product"].index)
        assert SeriesKey("node", "site", "gas") in keys
        assert SeriesKey("node", "site", "") in keys
        assert SeriesKey("flow", "chp-town", "heat") in keys
        assert [key.code for key in keys if key.kind == "residual"] == ["chp", "bus"]
        assert not [key for key in keys if key.kind == "node" and key.code in ("gas", "town")]

    def test_are_unique_and_as_many_as_the_rows(self) -> None:
        topology = power_plant()
        keys = series_keys(topology)
        block = settle(topology, amounts([[1.0]] * 5), factors(topology, CARRIERS), step_us=STEP_US)
        assert len(set(keys)) == len(keys) == block.amount.shape[0]


class TestBoundary:
    ROWS: ClassVar = [[100.0], [200.0], [400.0], [590.0], [1.0]]

    def test_of_the_site_is_what_enters_less_what_leaves(self) -> None:
        found = figures(power_plant(), self.ROWS)
        assert found["node", "site", "gas"]["amount"] == 100.0
        assert found["node", "site", "electricity"]["amount"] == 200.0
        assert found["node", "site", "heat"]["amount"] == -1.0
        total = found["node", "site", ""]
        assert math.isnan(total["amount"])
        assert total["energy_kwh"] == pytest.approx(1080.0 + 200.0 - 277.8)
        assert total["coal_equal_tce"] == pytest.approx(0.133 + 0.06 - 0.03412)

    def test_of_the_site_emits_what_its_sources_do_less_what_is_sold(self) -> None:
        total = figures(power_plant(), self.ROWS)["node", "site", ""]
        assert total["emission_direct_tco2e"] == pytest.approx(0.216)
        assert total["emission_purchased_tco2e"] == pytest.approx(200 * 0.0005366 - 0.11)

    def test_of_a_line_carries_the_traced_emission(self) -> None:
        found = figures(power_plant(), self.ROWS)
        # The CHP's 0.216 t over its 400 + 277.8 kWh; the bus mixes 400 of it with 200 bought.
        to_bus = 0.216 * 400 / 677.8
        hall = found["node", "hall", ""]
        assert hall["emission_direct_tco2e"] == pytest.approx(to_bus * 590 / 600)
        assert hall["emission_purchased_tco2e"] == pytest.approx(200 * 0.0005366 * 590 / 600)
        assert found["node", "hall", "electricity"]["amount"] == 590.0

    def test_closes_over_uses_losses_and_deliveries(self) -> None:
        found = figures(power_plant(), self.ROWS)
        for name in VALUE_COLUMNS[4:]:
            used = found["flow", "bus-hall", "electricity"][name]
            sold = found["flow", "chp-town", "heat"][name]
            lost = found["residual", "bus", ""][name] + found["residual", "chp", ""][name]
            emitted = (
                found["flow", "gas-chp", "gas"][name]
                + found["flow", "grid-bus", "electricity"][name]
            )
            assert used + sold + lost == pytest.approx(emitted, rel=1e-12)

    def test_counts_a_flow_back_to_the_grid_as_sold(self) -> None:
        rows = [[100.0], [-50.0], [400.0], [350.0], [0.0]]
        found = figures(power_plant(), rows)
        total = found["node", "site", ""]
        assert total["emission_purchased_tco2e"] == pytest.approx(-50 * 0.0005366)
        # What it carries is what the CHP gave it.
        export = found["flow", "grid-bus", "electricity"]
        assert export["emission_direct_tco2e"] == pytest.approx(-50 * 0.216 / 400)
        assert export["emission_purchased_tco2e"] == pytest.approx(0.0)

    def test_of_parts_add_up_to_the_whole(self) -> None:
        found = figures(factory(), [[6.0], [1.0], [2.0], [3.0]])
        parts = sum(found["node", f"line{i}", ""]["energy_kwh"] for i in range(3))
        assert parts + found["node", "bus", ""]["energy_kwh"] == pytest.approx(
            found["node", "site", ""]["energy_kwh"]
        )

    def test_burns_nothing_of_a_feedstock(self) -> None:
        nodes = [Node("gas", NodeKind.SOURCE), Node("reformer", NodeKind.USE)]
        topology = metered(nodes, [Flow("gas", "reformer", "gas", feedstock=True)])
        row = figures(topology, [[100.0]])["node", "reformer", "gas"]
        assert row["emission_direct_tco2e"] == 0.0
        assert row["energy_kwh"] == 1080.0


class TestSeveralMeters:
    def test_on_one_flow_add_up_with_their_signs(self) -> None:
        nodes = [Node("grid", NodeKind.SOURCE), Node("site", NodeKind.USE)]
        flow = Flow("grid", "site", points=((0, 1.0), (1, 1.0), (2, -1.0)))
        topology = plant(nodes, [flow], point_count=3, products=[("t", "site", ((2, 2.0),))])
        found = figures(topology, [[5.0], [7.0], [2.0]])
        row = found["flow", "grid-site", "electricity"]
        assert row["amount"] == 10.0
        assert row["reading_count"] == 45
        assert found["product", "t", ""]["amount"] == 4.0
        assert math.isnan(found["product", "t", ""]["energy_kwh"])

    def test_on_one_flow_are_all_needed(self) -> None:
        nodes = [Node("grid", NodeKind.SOURCE), Node("site", NodeKind.USE)]
        flow = Flow("grid", "site", points=((0, 1.0), (1, 1.0)))
        row = figures(plant(nodes, [flow], point_count=2), [[5.0], [NAN]])[
            "flow", "grid-site", "electricity"
        ]
        assert math.isnan(row["amount"])
        assert row["covered_us"] == 0
        assert row["quality"] == Quality.MISSING


class TestMissingAndInvalid:
    def test_flow_leaves_the_sum_of_the_others_marked(self) -> None:
        found = figures(factory(), [[6.0], [1.0], [NAN], [3.0]])
        assert found["node", "site", ""]["energy_kwh"] == 6.0
        assert found["node", "line1", ""]["quality"] == Quality.MISSING
        bus = found["node", "bus", ""]
        assert bus["energy_kwh"] == 2.0
        assert bus["quality"] == Quality.MISSING | Quality.PARTIAL

    def test_flow_marks_what_was_traced_past_it(self) -> None:
        found = figures(factory(), [[6.0], [1.0], [NAN], [3.0]])
        assert found["flow", "bus-line0", "electricity"]["quality"] == Quality.PARTIAL
        assert found["flow", "grid-bus", "electricity"]["quality"] == 0

    def test_factor_makes_its_column_invalid_and_no_other(self) -> None:
        by_carrier = {"electricity": Factor(purchased=math.nan)}
        found = figures(factory(), [[6.0], [1.0], [2.0], [3.0]], by_carrier)
        for key in (("node", "site", ""), ("node", "line0", ""), ("residual", "bus", "")):
            assert math.isnan(found[key]["emission_purchased_tco2e"])
            assert not math.isnan(found[key]["energy_kwh"])
            assert found[key]["emission_direct_tco2e"] == 0.0
            assert found[key]["quality"] == Quality.FACTOR_MISSING
        assert found["point", "P0", ""]["quality"] == 0

    def test_factor_of_energy_leaves_the_amount(self) -> None:
        by_carrier = {"electricity": Factor(energy_kwh=math.nan, purchased=0.5)}
        found = figures(factory(), [[6.0], [1.0], [2.0], [3.0]], by_carrier)
        site = found["node", "site", "electricity"]
        assert site["amount"] == 6.0
        assert site["emission_purchased_tco2e"] == 3.0
        assert math.isnan(site["energy_kwh"])
        line = found["node", "line0", "electricity"]
        assert math.isnan(line["emission_purchased_tco2e"])
        assert line["quality"] == Quality.FACTOR_MISSING

    def test_factor_says_nothing_of_what_is_missing(self) -> None:
        by_carrier = {"electricity": Factor(purchased=math.nan)}
        found = figures(factory(), [[NAN]] * 4, by_carrier)
        assert found["flow", "grid-bus", "electricity"]["quality"] == Quality.MISSING

"""Reconcile, test, trace and attribute one interval of large plants, beside the same by others.

Full matrices where they are small enough, and scipy's sparse ones where scipy is installed: the
project does not need it. Times are CPU times of one core, the best of thirty calls, warm.
"""

import importlib.util
import time
from collections.abc import Callable

import numpy as np
import pytest

from compute.flow import Stored, Traced, attribute_sources
from compute.grid import Float2D
from compute.reconcile import Reconciliation, reconcile
from compute.reconcile_plan import plan_reconciliation
from compute.topology import Float1D, Index1D, NodeKind
from tests.benchmarks.bench import spread
from tests.benchmarks.plants import FAMILIES, OUTSIDE, Ends
from tests.compute.networks import dense, network

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

SOURCE_COUNT = 10
# On a shared machine few of them are left alone.
REPEATS = 30
STEP_MAX = 5
FLOW_COUNTS = (1_000, 10_000, 100_000)
# Beyond this a full matrix takes gigabytes.
DENSE_MAX = 1_000


def times_ms(work: Callable[[], object]) -> list[float]:
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(1000.0 * (time.process_time() - start))
    return times


def milliseconds(work: Callable[[], object]) -> float:
    return min(times_ms(work))


def balanced_flows(ends: Ends) -> Float1D:
    """Return flows that balance: every use takes 10, a flow beside a node's first input gives 0.1.

    Each node's inputs come from nodes before it.
    """
    flow = np.full(len(ends), 10.0)
    inputs: dict[int, list[int]] = {}
    outputs: dict[int, list[int]] = {}
    for i, (origin, target) in enumerate(ends):
        inputs.setdefault(target, []).append(i)
        outputs.setdefault(origin, []).append(i)
    for node in sorted(inputs, reverse=True):
        if node == OUTSIDE:
            continue
        first, *others = inputs[node]
        flow[others] = 0.1
        flow[first] = flow[outputs.get(node, [])].sum() - 0.1 * len(others)
    return flow


class Case:
    """A plant with measurements around flows that balance."""

    def __init__(self, ends: Ends) -> None:
        # The supply comes from ten sources.
        self.ends = ends[1:] + [(OUTSIDE, 0)] * SOURCE_COUNT
        count = len(self.ends)
        self.plan = plan_reconciliation(
            network(self.ends), is_measured=np.ones(count, dtype=np.bool_)
        )
        random = np.random.default_rng(6)
        true = balanced_flows(self.ends)[:, None]
        self.sigma: Float2D = 0.01 * np.abs(true) + 0.1
        self.measured: Float2D = true + self.sigma * random.standard_normal((count, 1))
        origin, target, kinds = self._nodes()
        self.origin: Index1D = origin
        self.target: Index1D = target
        self.kinds: Index1D = kinds
        enters = kinds[origin] == NodeKind.SOURCE
        self.source: Index1D = np.where(enters, np.cumsum(enters) - 1, -1).astype(np.int32)

    def _nodes(self) -> tuple[Index1D, Index1D, Index1D]:
        """Return the graph with a node for every use and for every source."""
        bus_count = max(max(pair) for pair in self.ends) + 1
        kinds = [NodeKind.BUS] * bus_count
        origin: list[int] = []
        target: list[int] = []
        for start, end in self.ends:
            for row, node, kind in (
                (origin, start, NodeKind.SOURCE),
                (target, end, NodeKind.USE),
            ):
                row.append(node if node != OUTSIDE else len(kinds))
                if node == OUTSIDE:
                    kinds.append(kind)
        return (
            np.array(origin, dtype=np.int32),
            np.array(target, dtype=np.int32),
            np.array(kinds, dtype=np.int32),
        )

    def reconciled(self) -> Reconciliation:
        return reconcile(self.plan, measured=self.measured, sigma=self.sigma)

    def eliminated(self) -> Reconciliation:
        """Reconcile with meters that are wrong by 50 sigma, one for each step of elimination."""
        measured = self.measured.copy()
        wrong = np.linspace(0, len(measured) - 1, STEP_MAX).astype(np.int32)
        measured[wrong] += 50.0 * self.sigma[wrong]
        return reconcile(self.plan, measured=measured, sigma=self.sigma, step_max=STEP_MAX)

    def attributed(self, energy_kwh: Float2D) -> Traced:
        return attribute_sources(
            energy_kwh,
            source_index=self.source,
            source_count=SOURCE_COUNT,
            flow_from_index=self.origin,
            flow_to_index=self.target,
            node_kind=self.kinds,
            stored=Stored.nothing(SOURCE_COUNT, self.kinds),
        )


def reconciled_densely(case: Case) -> tuple[Float2D, Float2D]:
    """Return value and variance by the same algebra on full matrices."""
    matrix = dense(network(case.ends))
    variance = case.sigma[:, 0] ** 2
    middle = np.linalg.inv((matrix * variance) @ matrix.T)
    value = case.measured - variance[:, None] * (matrix.T @ (middle @ (matrix @ case.measured)))
    leverage = ((middle @ matrix) * matrix).sum(axis=0)
    return value, (variance - variance**2 * leverage)[:, None]


class Sparse:
    """The same algebra on scipy's sparse matrices, without tests and variances.

    Its splu factors anew with every interval, as weights that follow the flows ask for.
    """

    def __init__(self, case: Case, energy_kwh: Float2D) -> None:
        self.scipy = importlib.import_module("scipy.sparse")
        self.linalg = importlib.import_module("scipy.sparse.linalg")
        balances = network(case.ends)
        rows = np.repeat(np.arange(len(balances.balance_code)), np.diff(balances.offset))
        self.matrix = self.scipy.csr_matrix((balances.coefficient, (rows, balances.flow_index)))
        self.case, self.energy_kwh = case, energy_kwh

    def reconciled(self) -> Float2D:
        variance = self.case.sigma[:, 0] ** 2
        weighted = self.scipy.csc_matrix(self.matrix.multiply(variance))
        factor = self.linalg.splu((weighted @ self.matrix.T).tocsc())
        multiplier = factor.solve(self.matrix @ self.case.measured)
        value: Float2D = self.case.measured - weighted.T @ multiplier
        return value

    def attributed(self) -> Float2D:
        """Return what each node receives of each source: (I - A)' x = b."""
        case, energy = self.case, np.abs(self.energy_kwh[:, 0])
        # What flows against its arrow goes the other way.
        turned = self.energy_kwh[:, 0] < 0.0
        origin = np.where(turned, case.target, case.origin)
        target = np.where(turned, case.origin, case.target)
        count = case.kinds.size
        inside = case.kinds[origin] != NodeKind.SOURCE
        incoming, outgoing = np.zeros(count), np.zeros(count)
        np.add.at(incoming, target, energy)
        np.add.at(outgoing, origin, energy)
        share = energy[inside] / np.maximum(incoming, outgoing)[origin[inside]]
        ends = (target[inside], origin[inside])
        moving = self.scipy.csc_matrix((share, ends), shape=(count, count))
        entering = np.flatnonzero(~inside)
        received = np.zeros((count, SOURCE_COUNT))
        layer = np.cumsum(case.kinds[case.origin] == NodeKind.SOURCE) - 1
        received[target[entering], layer[entering]] = energy[entering]
        system = self.scipy.identity(count, format="csc") - moving
        found: Float2D = self.linalg.splu(system).solve(received)
        return found


def beside_sparse(case: Case, found: Reconciliation, traced: Traced) -> str:
    """Return what scipy takes for the same, once it has come to the same; "" without it."""
    if importlib.util.find_spec("scipy") is None:
        return ""
    sparse = Sparse(case, found.value)
    assert sparse.reconciled() == pytest.approx(found.value, rel=1e-6, abs=1e-6)
    inner = case.kinds != NodeKind.SOURCE
    received = traced.received_tco2e[:, inner, 0].T
    assert np.allclose(sparse.attributed()[inner], received, rtol=1e-6, atol=1e-6)
    together = milliseconds(sparse.reconciled) + milliseconds(sparse.attributed)
    return f", scipy.sparse without tests and variances {together:.1f}"


@pytest.fixture(scope="session")
def together_ms() -> dict[str, list[float]]:
    """Return how long it took in the parts so far, of the largest plant of each family. [ms]."""
    return {family: [] for family in FAMILIES}


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize("flow_count", FLOW_COUNTS)
@pytest.mark.parametrize("family", list(FAMILIES))
def test_one_interval(
    family: str,
    flow_count: int,
    row: Callable[[int, str, str], None],
    together_ms: dict[str, list[float]],
) -> None:
    start = time.process_time()
    case = Case(FAMILIES[family](flow_count))
    compiled_ms = 1000.0 * (time.process_time() - start)
    found = case.reconciled()
    matrix_rows = case.plan.degrees_of_freedom
    assert found.objective[0] < 2.0 * matrix_rows + 100.0
    traced = case.attributed(found.value)
    uses = case.kinds == NodeKind.USE
    entered = found.value[case.kinds[case.origin] == NodeKind.SOURCE].sum()
    assert traced.received_tco2e[:, uses].sum() == pytest.approx(entered, rel=1e-9)
    reconciled_ms = times_ms(case.reconciled)
    reconcile_ms = min(reconciled_ms)
    # A small flow beside large ones is not told by 50 sigma of its own.
    step_count = (case.eliminated().suspects.flow_index >= 0).sum()
    assert step_count >= STEP_MAX - 2
    step_ms = (milliseconds(case.eliminated) - reconcile_ms) / step_count
    attributed_ms = times_ms(lambda: case.attributed(found.value))
    attribute_ms = min(attributed_ms)
    if flow_count == max(FLOW_COUNTS):
        both = zip(reconciled_ms, attributed_ms, strict=True)
        together_ms[family] += [sum(one) for one in both]
        row(
            120 + list(FAMILIES).index(family),
            f"balance of every meter and carbon of every node, one interval, {flow_count:,} flows:"
            f" {family}",
            f"{spread(together_ms[family], '.1f')} ms of one core",
        )
    beside = beside_sparse(case, found, traced)
    if flow_count <= DENSE_MAX:
        value, variance = reconciled_densely(case)
        assert found.value == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert found.variance == pytest.approx(variance, rel=1e-6, abs=1e-9)
        beside += f", numpy with full matrices {milliseconds(lambda: reconciled_densely(case)):.1f}"
    print(
        f"\n{family}, {flow_count} flows, {matrix_rows} balances, factor of "
        f"{case.plan.pattern.row_index.size}: reconcile and tests {reconcile_ms:.3f} ms, trace and "
        f"attribution to {SOURCE_COUNT} sources {attribute_ms:.3f}, together "
        f"{reconcile_ms + attribute_ms:.3f}; {step_ms:.3f} more for each step of elimination; made "
        f"ready in {compiled_ms:.0f}{beside}"
    )

"""What benchmarks say of nodes, flows and products, and of the limits on file."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from compute.units import UnitHasOffset, UnitMismatch, conversion
from services.plant.amounts import carrier_unit, carriers, is_unit
from services.plant.benchmark import Benchmark
from services.plant.findings import Finding, Nearest, Place, finding
from services.plant.model import Plant
from services.reference.limits import Limit, Quotient, is_energy, limits, quotient_of

_WORDS = {"nodes": ("节点", "node"), "flows": ("能流", "flow"), "products": ("产品", "product")}
_MINUTES_PER_DAY = 1440


def benchmark_findings(
    plant: Plant, also_known: Mapping[str, AbstractSet[str]]
) -> Iterator[Finding]:
    """Yield the findings about shifts and benchmarks."""
    yield from _shift_findings(plant)
    known = _Known.of(plant, also_known)
    for i, benchmark in enumerate(plant.benchmarks):
        place: Place = ("benchmarks", i)
        quotient = quotient_of(benchmark.unit)
        if quotient is None:
            yield finding("benchmark_unit", (*place, "unit"), benchmark.unit)
        yield from _energy_findings(place, benchmark, known)
        yield from _output_findings(place, benchmark, known, quotient)
        yield from _limit_findings(place, benchmark)
        yield from _target_findings(place, benchmark)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a benchmark may name, and what it is."""

    kind_of_node: dict[str, str]
    parent: dict[str, str | None]
    ends: dict[str, tuple[str, str]]
    unit_of_flow: dict[str, str | None]
    unit_of_product: dict[str, str]
    also: Mapping[str, AbstractSet[str]]
    nearest: Nearest

    @classmethod
    def of(cls, plant: Plant, also: Mapping[str, AbstractSet[str]]) -> "_Known":
        return cls(
            kind_of_node={node.code: node.kind for node in plant.nodes},
            parent={node.code: node.parent for node in plant.nodes},
            ends={flow.code: (flow.from_node, flow.to_node) for flow in plant.flows},
            unit_of_flow={
                flow.code: carrier_unit(flow.carrier) if flow.carrier in carriers() else None
                for flow in plant.flows
            },
            unit_of_product={product.code: product.unit for product in plant.products},
            also=also,
            nearest=Nearest(),
        )

    def unknown(self, collection: str, code: str, place: Place) -> Iterator[Finding]:
        """Yield a finding unless the collection has the code."""
        names: Mapping[str, AbstractSet[str]] = {
            "nodes": self.kind_of_node.keys(),
            "flows": self.ends.keys(),
            "products": self.unit_of_product.keys(),
        }
        if code not in names[collection] and code not in self.also.get(collection, ()):
            zh, en = _WORDS[collection]
            near = self.nearest.of(code, names[collection])
            yield finding("benchmark_unknown", place, code, nearest=near, what_zh=zh, what_en=en)

    def above(self, node: str) -> list[str]:
        """Return a node and those that hold it."""
        path: list[str] = []
        code: str | None = node
        while code is not None and code in self.parent and code not in path:
            path.append(code)
            code = self.parent[code]
        return path


def _shift_findings(plant: Plant) -> Iterator[Finding]:
    minutes = plant.base_interval_minutes
    taken: dict[int, int] = {}
    for i, shift in enumerate(plant.shifts):
        start, end = _minute(shift.from_time), _minute(shift.to_time)
        for key, at, text in (("from", start, shift.from_time), ("to", end, shift.to_time)):
            if at % minutes:
                yield finding("shift_edge", ("shifts", i, key), text, minutes=minutes)
        length = (end - start - 1) % _MINUTES_PER_DAY + 1
        covered = [(start + m) % _MINUTES_PER_DAY for m in range(length)]
        other = next((taken[m] for m in covered if m in taken), None)
        if other is not None:
            yield finding("shift_overlap", ("shifts", i), shift.code, other=f"shifts[{other}]")
        taken.update(dict.fromkeys(covered, i))


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _energy_findings(place: Place, benchmark: Benchmark, known: _Known) -> Iterator[Finding]:
    if not benchmark.nodes and not benchmark.flows:
        yield finding("benchmark_energy_missing", place, benchmark.code)
    for k, code in enumerate(benchmark.nodes):
        inner: Place = (*place, "nodes", k)
        yield from known.unknown("nodes", code, inner)
        if known.kind_of_node.get(code) in {"source", "delivery"}:
            yield finding("benchmark_outside", inner, code)
        above = known.above(code)[1:]
        other = next((node for node in benchmark.nodes if node in above), None)
        if code in benchmark.nodes[:k]:
            other = code
        if other is not None:
            yield finding("benchmark_twice", inner, code, other=other)
    for k, code in enumerate(benchmark.flows):
        inner = (*place, "flows", k)
        yield from known.unknown("flows", code, inner)
        holders = [node for end in known.ends.get(code, ()) for node in known.above(end)]
        other = next((node for node in benchmark.nodes if node in holders), None)
        if code in benchmark.flows[:k]:
            other = code
        if other is not None:
            yield finding("benchmark_twice", inner, code, other=other)


def _output_findings(
    place: Place, benchmark: Benchmark, known: _Known, quotient: Quotient | None
) -> Iterator[Finding]:
    if (benchmark.product is None) == (not benchmark.output_flows):
        yield finding("benchmark_output", place, benchmark.product)
    found: list[tuple[Place, str | None]] = []
    if benchmark.product is not None:
        inner: Place = (*place, "product")
        yield from known.unknown("products", benchmark.product, inner)
        found.append((inner, known.unit_of_product.get(benchmark.product)))
    for k, code in enumerate(benchmark.output_flows):
        inner = (*place, "output_flows", k)
        yield from known.unknown("flows", code, inner)
        # Useful energy is counted by its energy, whatever the carrier is measured in.
        if quotient is None or not is_energy(quotient.output_unit):
            found.append((inner, known.unit_of_flow.get(code)))
    if quotient is None:
        return
    for inner, unit in found:
        if unit is not None and is_unit(unit) and not _converts(unit, quotient.output_unit):
            yield finding(
                "benchmark_output_unit", inner, unit, found=unit, wanted=quotient.output_unit
            )


def _converts(unit: str, target: str) -> bool:
    try:
        conversion(unit, target)
    except (UnitMismatch, UnitHasOffset):
        return False
    return True


def _limit_findings(place: Place, benchmark: Benchmark) -> Iterator[Finding]:
    if not benchmark.limits and not benchmark.targets:
        yield finding("benchmark_nothing", place, benchmark.code)
    taken: list[tuple[int, Limit]] = []
    for k, use in enumerate(benchmark.limits):
        inner: Place = (*place, "limits", k, "limit")
        limit = limits().get(use.limit)
        if limit is None:
            near = Nearest().of(use.limit, limits())
            yield finding("benchmark_limit_unknown", inner, use.limit, nearest=near)
            continue
        if limit.unit != benchmark.unit:
            yield finding(
                "benchmark_limit_unit",
                inner,
                use.limit,
                found=benchmark.unit,
                wanted=limit.unit,
            )
        rival = next((j for j, other in taken if _same_scale(other, limit)), None)
        if rival is not None:
            yield finding("benchmark_limit_twice", inner, use.limit, other=f"limits[{rival}]")
        taken.append((k, limit))
        if limit.confidence == "recalled" and use.compared_with is None:
            levels = " / ".join(f"{level:g}" for level in limit.levels if level is not None)
            yield finding(
                "benchmark_not_compared", inner, use.limit, source=limit.source, levels=levels
            )
    yield from _parameter_findings(place, benchmark, taken)


def _parameter_findings(
    place: Place, benchmark: Benchmark, taken: Sequence[tuple[int, Limit]]
) -> Iterator[Finding]:
    given = {parameter.name for parameter in benchmark.parameters}
    asked: set[str] = set()
    for k, limit in taken:
        if limit.correction is None:
            continue
        asked.add(limit.correction.parameter)
        if limit.correction.parameter not in given:
            yield finding(
                "benchmark_correction_missing",
                (*place, "limits", k, "limit"),
                limit.code,
                parameter=limit.correction.parameter,
                reference=f"{limit.correction.reference:g}",
            )
    for k, parameter in enumerate(benchmark.parameters):
        if parameter.name not in asked:
            near = Nearest().of(parameter.name, asked)
            where: Place = (*place, "parameters", k, "name")
            yield finding("benchmark_parameter_unused", where, parameter.name, nearest=near)


def _same_scale(one: Limit, other: Limit) -> bool:
    """Return whether two limits would stand in the same rows at the same time."""
    if (one.kind == "list") != (other.kind == "list"):
        return False
    return not (_ends_before(one, other) or _ends_before(other, one))


def _ends_before(one: Limit, other: Limit) -> bool:
    if one.valid_to is None or other.valid_from is None:
        return False
    return one.valid_to <= other.valid_from


def _target_findings(place: Place, benchmark: Benchmark) -> Iterator[Finding]:
    spans = [
        (target.valid_from, target.valid_to or date.max, k)
        for k, target in enumerate(benchmark.targets)
    ]
    before: tuple[date, date, int] | None = None
    for start, end, k in sorted(spans):
        if end <= start or (before is not None and start < before[1]):
            other = f"targets[{k if before is None else before[2]}]"
            where: Place = (*place, "targets", k, "from")
            yield finding("benchmark_target_span", where, start.isoformat(), other=other)
        before = (start, end, k)

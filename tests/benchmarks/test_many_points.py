"""What a reading costs, and how much memory ingest takes, at a thousand points and at many.

Round by round, each in a centre of its own: what disturbs one disturbs the others too.
"""

import platform
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.benchmarks.bench import Bench, Measured, spread
from tests.benchmarks.gateways import parks
from tests.benchmarks.load import POINT_COUNT, START_MS, STEP_MS, Load
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

POINT_COUNTS = (1_000, 10_000, 100_000)
SIZE = 100
READING_COUNT = 2_000_000
ROUND_COUNT = 3  # in each part
RESIDENT_MB_MAX = 512.0


def peak_mb(process_id: int) -> float:
    """Return the most memory that a process has held so far. [MB]."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) / 1024.0


@dataclass(slots=True)
class Found:
    """Rounds of all parts, and the most that ingest has held, by the number of points."""

    measured: dict[int, Measured] = field(
        default_factory=lambda: {count: Measured() for count in POINT_COUNTS}
    )
    held_mb: dict[int, float] = field(default_factory=lambda: dict.fromkeys(POINT_COUNTS, 0.0))


@pytest.fixture(scope="session")
def found() -> Found:
    """Return what was found in the parts so far."""
    return Found()


@pytest.mark.usefixtures("part")
def test_many_points_cost_no_more_each(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
    row: Callable[[int, str, str], None],
    found: Found,
) -> None:
    measured, held_mb = found.measured, found.held_mb
    folder, root = mosquitto_folder
    with ExitStack() as open_ones:
        benches = {}
        for count in POINT_COUNTS:
            (folder / str(count)).mkdir(exist_ok=True)
            of = parks(count // POINT_COUNT)
            bench = Bench(timescale_server, (folder / str(count), root), tmp_path / str(count), of)
            benches[count] = open_ones.enter_context(bench)
        for attempt in range(ROUND_COUNT + 1):
            for count, bench in benches.items():
                load = Load(
                    bench.broker.port,
                    f"r{attempt}",
                    SIZE,
                    READING_COUNT,
                    gateway_count=count // POINT_COUNT,
                    start_ms=START_MS + attempt * STEP_MS * READING_COUNT // count,
                )
                # The first fills what is filled once.
                bench.end_to_end(load, measured[count] if attempt else Measured())
        for count, bench in benches.items():
            held_mb[count] = max(held_mb[count], peak_mb(bench.process("ingest").pid))
    print(
        f"\n{platform.machine()}; {READING_COUNT:,} readings, {SIZE} a message, a round;"
        f" median of {len(measured[POINT_COUNTS[0]].per_s)} (least … most)"
    )
    for count, of_count in measured.items():
        costs = ", ".join(
            f"{name} {spread(of_count.cpu_us[name])}" for name in ("ingest", "database", "broker")
        )
        print(
            f"  {count:>7,} points: {spread([1e6 / rate for rate in of_count.per_s])} µs a reading;"
            f" CPU µs: {costs}; ingest holds {held_mb[count]:.0f} MB at most"
        )
    few, many = (measured[count] for count in (POINT_COUNTS[0], POINT_COUNTS[-1]))
    longer = spread([a / b for a, b in zip(few.per_s, many.per_s, strict=True)])
    ours = ("ingest", "database", "broker")
    whole = [
        [sum(one) for one in zip(*(of.cpu_us[name] for name in ours), strict=True)]
        for of in (many, few)
    ]
    costlier = spread([a / b for a, b in zip(*whole, strict=True)])
    row(
        60,
        f"{POINT_COUNTS[-1]:,} points of {POINT_COUNTS[-1] // POINT_COUNT:,} gateways instead of"
        f" {POINT_COUNTS[0]:,} points of {POINT_COUNTS[0] // POINT_COUNT}",
        f"{longer} times as long a reading, {costlier} times the CPU; ingest holds"
        f" {held_mb[POINT_COUNTS[-1]]:.0f} MB at most ({held_mb[POINT_COUNTS[0]]:.0f})",
    )
    print(f"  {POINT_COUNTS[-1]:,} points ÷ {POINT_COUNTS[0]:,}: elapsed {longer}, CPU {costlier}")
    assert max(held_mb.values()) < RESIDENT_MB_MAX

"""What a reading costs, and how much memory ingest takes, at a thousand points and at many."""

import platform
import statistics
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
ROUND_COUNT = 3
RESIDENT_MB_MAX = 512.0


def peak_mb(process_id: int) -> float:
    """Return the most memory that a process has held so far. [MB]."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) / 1024.0


def test_many_points_cost_no_more_each(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
) -> None:
    measured = {count: Measured() for count in POINT_COUNTS}
    held_mb: dict[int, float] = {}
    for count in POINT_COUNTS:
        gateway_count = count // POINT_COUNT
        own = tmp_path / str(count)
        with Bench(timescale_server, mosquitto_folder, own, parks(gateway_count)) as bench:
            for attempt in range(ROUND_COUNT + 1):
                load = Load(
                    bench.broker.port,
                    f"r{attempt}",
                    SIZE,
                    READING_COUNT,
                    gateway_count=gateway_count,
                    start_ms=START_MS + attempt * STEP_MS * READING_COUNT // count,
                )
                # The first fills what is filled once.
                bench.end_to_end(load, measured[count] if attempt else Measured())
            held_mb[count] = peak_mb(bench.process("ingest").pid)
    print(
        f"\n{platform.machine()}; {READING_COUNT:,} readings, {SIZE} a message, a round;"
        f" median of {ROUND_COUNT} (least … most)"
    )
    for count, of in measured.items():
        costs = ", ".join(
            f"{name} {spread(of.cpu_us[name])}" for name in ("ingest", "database", "broker")
        )
        print(
            f"  {count:>7,} points: {spread([1e6 / rate for rate in of.per_s])} µs a reading;"
            f" CPU µs: {costs}; ingest holds {held_mb[count]:.0f} MB at most"
        )
    few, many = (measured[count] for count in (POINT_COUNTS[0], POINT_COUNTS[-1]))
    ratios = {
        "elapsed": statistics.median(few.per_s) / statistics.median(many.per_s),
        "CPU of ingest": statistics.median(many.cpu_us["ingest"])
        / statistics.median(few.cpu_us["ingest"]),
    }
    print(
        f"  {POINT_COUNTS[-1]:,} points ÷ {POINT_COUNTS[0]:,}: "
        + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    )
    assert max(held_mb.values()) < RESIDENT_MB_MAX

"""Publish → commit → receipt → PUBACK, beside a raw COPY of the same rows and a bare subscriber.

Round by round, one after the other on one machine: what disturbs one disturbs the others too. Wall
time moves with what else runs here; CPU time of a reading moves less, so both are printed.
"""

import itertools
import json
import os
import platform
import statistics
from pathlib import Path

import pytest

from tests.benchmarks.bench import Bench, Measured, spread
from tests.benchmarks.gateways import park
from tests.benchmarks.load import Load
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

ROUND_COUNT = 3
READING_COUNT = {100: 2_000_000, 25: 1_000_000, 1: 100_000}  # by readings a message
DELAY_S = 5.0
SHARES = (0.1, 0.5, 0.8)


def delays_below(bench: Bench, per_s: float, size: int) -> dict[float, list[dict[str, float]]]:
    """Return the times from publication to receipt at shares of a rate, five seconds a round."""
    found: dict[float, list[dict[str, float]]] = {share: [] for share in SHARES}
    for attempt, share in itertools.product(range(ROUND_COUNT), SHARES):
        messages_per_s = share * per_s / size
        count = max(100, int(messages_per_s * DELAY_S)) * size
        epoch = f"d{attempt}-{share}"
        load = Load(bench.broker.port, epoch, size, count, messages_per_s=messages_per_s)
        found[share].append(bench.end_to_end(load, Measured()))
    return found


def test_end_to_end_beside_raw_copy(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
) -> None:
    sizes = list(READING_COUNT)
    ways = ("copy", "whole", "subscriber")
    measured = {(size, way): Measured() for size in sizes for way in ways}
    with Bench(timescale_server, mosquitto_folder, tmp_path, [park()]) as bench:
        for attempt in range(ROUND_COUNT):
            for size in sizes:
                count = READING_COUNT[size]
                bench.raw_copy(max(count, 500_000), measured[size, "copy"])
                load = Load(bench.broker.port, f"r{attempt}-{size}", size, count)
                bench.end_to_end(load, measured[size, "whole"])
                other = Load(bench.other.port, f"s{attempt}-{size}", size, count, waits_for="acks")
                bench.bare_subscriber(other, measured[size, "subscriber"])
        delays = delays_below(bench, statistics.median(measured[sizes[0], "whole"].per_s), sizes[0])
    lines, record = [], []
    for size in sizes:
        copy, whole, bare = (measured[size, way] for way in ways)
        of_copy = [w / c for w, c in zip(whole.per_s, copy.per_s, strict=True)]
        of_bare = [w / b for w, b in zip(whole.per_s, bare.per_s, strict=True)]
        database = [
            c / w for c, w in zip(copy.cpu_us["database"], whole.cpu_us["database"], strict=True)
        ]
        costs = {name: statistics.median(values) for name, values in whole.cpu_us.items()}
        lines.append(
            f"{size:>4} a message: {statistics.median(whole.per_s):>9,.0f} readings/s"
            f"   ÷ COPY {spread(of_copy)}   ÷ mosquitto_sub {spread(of_bare)}\n"
            f"     database CPU, COPY ÷ whole {spread(database)};"
            f" COPY {statistics.median(copy.per_s):,.0f}/s"
            f" {statistics.median(copy.cpu_us['database']):.2f} µs;"
            f" mosquitto_sub {statistics.median(bare.per_s):,.0f}/s\n"
            f"     CPU µs a reading: "
            + ", ".join(f"{name} {value:.2f}" for name, value in costs.items())
        )
        record.append(
            {
                "readings_per_message": size,
                "readings_per_s": whole.per_s,
                "copy_per_s": copy.per_s,
                "subscriber_per_s": bare.per_s,
                "copy_database_cpu_us": copy.cpu_us["database"],
                "cpu_us": whole.cpu_us,
            }
        )
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" median of {ROUND_COUNT} (least … most)"
    )
    print("\n".join(lines))
    for share, rounds in delays.items():
        print(
            f"at {share:.0%} of the rate of {sizes[0]} a message, publish → receipt:"
            + ", ".join(
                f" {name} {spread([1000.0 * said[f'{name}_s'] for said in rounds], '.0f')} ms"
                for name in ("p50", "p99")
            )
        )
    print(json.dumps({"benchmark": "end_to_end", "rows": record, "delays": delays}))
    # Loose on purpose: a machine that is busy otherwise must not fail the benchmark.
    assert min(whole for size in sizes for whole in measured[size, "whole"].per_s) > 1000

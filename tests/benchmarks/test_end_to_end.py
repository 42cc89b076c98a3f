"""Publish → commit → receipt → PUBACK, beside a raw COPY of the same rows and a bare subscriber.

Round by round, one after the other on one machine: what disturbs one disturbs the others too. Wall
time moves with what else runs here; CPU time of a reading moves less, so both are printed.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.benchmarks.bench import Bench, Measured, spread
from tests.benchmarks.gateways import park
from tests.benchmarks.load import Load
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

ROUND_COUNT = 3  # in each part
READING_COUNT = {100: 2_000_000, 25: 1_000_000, 1: 100_000}  # by readings a message
DELAY_S = 5.0
SHARES = (0.1, 0.5, 0.8)
WAYS = ("copy", "whole", "subscriber")


@dataclass(slots=True)
class Found:
    """Rounds of all parts: of each size and way, and times from publication to receipt."""

    measured: dict[tuple[int, str], Measured] = field(
        default_factory=lambda: {(size, way): Measured() for size in READING_COUNT for way in WAYS}
    )
    delays: dict[float, list[dict[str, float]]] = field(
        default_factory=lambda: {share: [] for share in SHARES}
    )


@pytest.fixture(scope="session")
def found() -> Found:
    """Return what was found in the parts so far."""
    return Found()


def delay_below(bench: Bench, per_s: float, size: int, epoch: str) -> dict[str, float]:
    """Return the times from publication to receipt at a rate, over five seconds."""
    count = max(100, int(per_s / size * DELAY_S)) * size
    load = Load(bench.broker.port, epoch, size, count, messages_per_s=per_s / size)
    return bench.end_to_end(load, Measured())


@pytest.mark.usefixtures("part")
def test_end_to_end_beside_raw_copy(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
    row: Callable[[int, str, str], None],
    found: Found,
) -> None:
    measured, sizes = found.measured, list(READING_COUNT)
    with Bench(timescale_server, mosquitto_folder, tmp_path, [park()]) as bench:
        for attempt in range(ROUND_COUNT):
            for size in sizes:
                count = READING_COUNT[size]
                bench.raw_copy(max(count, 500_000), measured[size, "copy"])
                load = Load(bench.broker.port, f"r{attempt}-{size}", size, count)
                bench.end_to_end(load, measured[size, "whole"])
                other = Load(bench.other.port, f"s{attempt}-{size}", size, count, waits_for="acks")
                bench.bare_subscriber(other, measured[size, "subscriber"])
            per_s = statistics.median(measured[sizes[0], "whole"].per_s)
            for share in SHARES:
                epoch = f"d{attempt}-{share}"
                found.delays[share].append(delay_below(bench, share * per_s, sizes[0], epoch))
    for size in sizes:
        tell(row, size, *(measured[size, way] for way in WAYS))
    row(
        20,
        "publish → receipt, p50 / p99",
        "; ".join(
            " / ".join(
                spread([1000.0 * said[f"{name}_s"] for said in rounds], ".0f")
                for name in ("p50", "p99")
            )
            + f" ms at {100 * share:.0f} % of the first rate"
            for share, rounds in found.delays.items()
        ),
    )
    # Loose on purpose: a machine that is busy otherwise must not fail the benchmark.
    assert min(whole for size in sizes for whole in measured[size, "whole"].per_s) > 1000


def tell(
    row: Callable[[int, str, str], None],
    size: int,
    copy: Measured,
    whole: Measured,
    bare: Measured,
) -> None:
    """Say how fast messages of a size went, beside what bounds them, and what they cost."""
    of_copy = spread([w / c for w, c in zip(whole.per_s, copy.per_s, strict=True)])
    of_bare = spread([w / b for w, b in zip(whole.per_s, bare.per_s, strict=True)])
    cpu_us = {name: spread(values) for name, values in whole.cpu_us.items()}
    copy_us = spread(copy.cpu_us["database"])
    print(
        f"\n{size:>4} a message: {spread(whole.per_s, ',.0f')} readings/s"
        f"\n     ÷ COPY {of_copy}, ÷ mosquitto_sub {of_bare}"
        f"\n     COPY {spread(copy.per_s, ',.0f')}/s, {copy_us} µs of the database;"
        f" mosquitto_sub {spread(bare.per_s, ',.0f')}/s"
        f"\n     CPU µs a reading: {', '.join(f'{name} {said}' for name, said in cpu_us.items())}"
    )
    row(
        10 + list(READING_COUNT).index(size),
        f"publish → commit → receipt, {size} {'readings' if size > 1 else 'reading'} a message",
        f"{statistics.median(whole.per_s):,.0f} readings/s, "
        + (
            f"{of_copy} of a raw binary COPY of the same rows"
            if size > 1
            else f"{of_bare} of what `mosquitto_sub` receives"
        ),
    )
    if size == max(READING_COUNT):
        pairs = zip(whole.cpu_us["database"], copy.cpu_us["database"], strict=True)
        row(
            50,
            f"CPU of a reading, {size} a message",
            f"database {cpu_us['database']} µs, {spread([w / c for w, c in pairs])} of a raw COPY;"
            f" ingest {cpu_us['ingest']} µs, broker {cpu_us['broker']}",
        )

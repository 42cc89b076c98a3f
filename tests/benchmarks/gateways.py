"""A park of gateways with a hundred gauges each, and processes that send for them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from deploy.access import Access
from services.plant.model import Plant
from services.plant.read import read_plant
from tests.benchmarks.load import (
    GATEWAY_COUNT,
    POINT_COUNT,
    SITE_GATEWAYS,
    Load,
    argument,
    site_of,
)

LOAD_USER = {"load": Access(password="load", publish=("#",), subscribe=("#",))}


def parks(gateway_count: int) -> list[Plant]:
    """Return the descriptions of the sites that many gateways need."""
    return [
        park(min(gateway_count - first, SITE_GATEWAYS), first)
        for first in range(0, gateway_count, SITE_GATEWAYS)
    ]


def park(gateway_count: int = GATEWAY_COUNT, first: int = 0) -> Plant:
    """Return the description of the site of some gateways."""
    name = {"zh": "基准", "en": "Bench"}
    document = {
        "schema": "nengtan.plant/1",
        "tenant": "bench",
        "site": site_of(first),
        "name": name,
        "valid_from": "2024-01-01T00:00:00Z",
        "time_zone": "UTC",
        "region": "CN",
        "gateways": [{"code": f"g{index}"} for index in range(first, first + gateway_count)],
        "meters": [
            {
                "code": f"M{index}",
                "name": name,
                "gateway": f"g{index // POINT_COUNT}",
                "points": [{"code": f"P{index}", "kind": "gauge", "unit": "kW"}],
            }
            for index in range(first * POINT_COUNT, (first + gateway_count) * POINT_COUNT)
        ],
    }
    return read_plant(msgspec.json.encode(document), form="json")


@contextmanager
def sender(load: Load) -> Iterator[Callable[[], Callable[[], dict[str, float]]]]:
    """Give a load that is ready: the first call sends it, what that returns waits for the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load", argument(load)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout
        assert stdout.readline() == "ready\n"

        def begin() -> Callable[[], dict[str, float]]:
            stdin.write("\n")
            stdin.flush()

            def end() -> dict[str, float]:
                answer: dict[str, float] = json.loads(stdout.readline())
                return answer

            return end

        yield begin

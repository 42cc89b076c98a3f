"""The kernels and the compiler: same meaning without it, no compilation once warm."""

import importlib
import os
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import compute
from compute.register import Readings, interval_amounts
from compute.rollup import rollup
from compute.settle import settle
from compute.warm import warm, warm_arrivals
from tests.compute.plants import STEP_US, Factor, amounts, factors
from tests.compute.readings import START_US, every, points_of, readings_of
from tests.compute.test_settle import factory
from tests.debian import PROJECT
from tests.twins.register import Point


def dispatchers() -> dict[str, object]:
    """Return every kernel of the room by its full name."""
    found = {}
    for module in pkgutil.iter_modules(compute.__path__, "compute."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if hasattr(value, "py_func"):
                found[f"{value.__module__}.{name}"] = value
    return found


def signature_counts() -> dict[str, int]:
    return {
        name: len(kernel.signatures)  # type: ignore[attr-defined]
        for name, kernel in dispatchers().items()
    }


def frozen(array: np.ndarray) -> np.ndarray:
    """Return the array as messages bring it: a view of bytes, read-only."""
    return np.frombuffer(array.tobytes(), dtype=array.dtype).reshape(array.shape)


class TestWarm:
    @pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="there is no compiler")
    def test_leaves_nothing_to_compile(self) -> None:
        warm()
        before = signature_counts()
        assert before
        plain = readings_of([every(5, [1.0, 2.0, 3.0, 4.0, 9.0])])
        readings = Readings(
            frozen(plain.point_offset),
            frozen(plain.ts_us),
            frozen(plain.value),
            frozen(plain.quality),
        )
        interval_amounts(
            readings,
            points=points_of([Point(resolution=0.1, modulus=10.0)]),
            start_us=START_US,
            step_us=STEP_US,
            count=3,
        )
        given = amounts([[6.0, 1.0], [1.0, 2.0], [2.0, float("nan")], [3.0, 3.0]])
        given = type(given)(*(frozen(getattr(given, name)) for name in given.__dataclass_fields__))
        topology = factory()
        block = settle(
            topology, given, factors(topology, {"electricity": Factor()}), step_us=STEP_US
        )
        rollup(block, np.array([0, 2], dtype=np.int32))
        assert signature_counts() == before

    @pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="there is no compiler")
    def test_reaches_every_kernel_of_the_path_of_a_reading_and_of_its_cost(self) -> None:
        warm()
        warm_arrivals()
        # Kernels called by kernels are compiled into them, so only the outermost count.
        outermost = (
            "compute.register._interval_amounts",
            "compute.block._sum_rows",
            "compute.balance._derive",
            "compute.flow_interval.trace_intervals",
            "compute.flow._taint",
            "compute.rollup._rollup_marks",
            "compute.rollup._rollup_values",
            "compute.tariff._dates",
            "compute.tariff._bands",
            "compute.tariff._charge",
            "compute.tariff._sum_groups",
            "compute.demand._demand",
            "compute.names._fill",
            "compute.messages._scan",
            "compute.arrivals._check",
            "compute.arrivals._sort",
            "compute.arrivals._part",
            "compute.arrivals._touch",
        )
        counts = signature_counts()
        assert [counts[name] for name in outermost] == [1] * len(outermost)


class TestKernels:
    @pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="this is the run without it")
    def test_mean_the_same_without_the_compiler(self) -> None:
        chosen = [
            f"tests/compute/test_{name}.py"
            for name in (
                "steps",
                "digest",
                "balance",
                "rollup",
                "flow",
                "settle",
                "register",
                "register_faults",
                "ldl",
                "reconcile",
                "demand",
                "tariff",
                "scan",
                "arrivals",
                "alert",
                "condition",
                "explanation",
            )
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
            cwd=PROJECT,
            env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
